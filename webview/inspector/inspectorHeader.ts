/** @file The head of the inspector: what the file is, its measures, and what can be done with it. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { InspectedContents } from '../../kernels/protocol/calls/inspect';
import type { InspectorCommand, InspectorSnapshot } from '../protocol/inspector';
import { formatBytes, formatCount, formatNumber, formatShort, UNKNOWN } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { InspectorStore } from './store';

interface Action {
  readonly command: InspectorCommand;
  readonly text: string;
  readonly icon: string;
  readonly title: string;
  readonly isEnabled: boolean;
}

@customElement('as-inspector-header')
export class InspectorHeader extends SignalElement {
  @property({ attribute: false }) store!: InspectorStore;

  protected override render(): TemplateResult {
    const snapshot = this.store.snapshot.value;
    if (!snapshot) return html``;
    const { name, place, contents } = snapshot;
    return html`<header class="inspector-header">
      <div class="inspector-title">
        <h1 title=${place}>${titleOf(snapshot)}</h1>
        <div class="inspector-commands">
          ${actionsOf(snapshot).map(
            (action) =>
              html`<vscode-button
                secondary
                title=${action.title}
                ?disabled=${!action.isEnabled}
                aria-disabled=${!action.isEnabled}
                @click=${() => action.isEnabled && this.store.command(action.command)}
                ><span slot="content-before">${icon(action.icon)}</span>${action.text}</vscode-button
              >`,
          )}
        </div>
      </div>
      <p class="muted place">${place === name ? name : place}</p>
      <dl class="facts">
        ${(contents.kind === 'refused' ? [] : factsOf(contents)).map(
          ([term, value]) =>
            html`<div>
              <dt>${term}</dt>
              <dd>${value}</dd>
            </div>`,
        )}
      </dl>
    </header>`;
  }
}

function titleOf({ name, contents }: InspectorSnapshot): string {
  const folder = (path: string) => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  if (contents.kind === 'adapter') return l10n.t('{0} adapter', contents.method.label);
  return contents.kind === 'checkpoint' ? l10n.t('Checkpoint {0}', folder(contents.path)) : name;
}

/** In an untrusted workspace what runs a model or writes is shown and cannot be chosen. */
function actionsOf({ contents, isTrusted }: InspectorSnapshot): readonly Action[] {
  const check: Action = {
    command: 'check',
    text: l10n.t('Check'),
    icon: 'checklist',
    title: l10n.t('Read everything and list every problem'),
    isEnabled: true,
  };
  if (contents.kind !== 'adapter') return [check];
  const untrusted = l10n.t('Needs a trusted workspace');
  return [
    {
      command: 'tryIt',
      text: l10n.t('Try It'),
      icon: 'comment-discussion',
      title: isTrusted ? l10n.t('Ask the model with this adapter') : untrusted,
      isEnabled: isTrusted,
    },
    {
      command: 'merge',
      text: l10n.t('Merge'),
      icon: 'git-merge',
      title: isTrusted ? l10n.t('Merge the adapter into its base model') : untrusted,
      isEnabled: isTrusted,
    },
    {
      command: 'convert',
      text: l10n.t('Convert to LoRA…'),
      icon: 'arrow-swap',
      title: isTrusted ? l10n.t('Write the adapter as plain LoRA, which more programs load') : untrusted,
      isEnabled: isTrusted,
    },
    check,
    {
      command: 'showConfig',
      text: l10n.t('Configuration'),
      icon: 'settings-gear',
      title: l10n.t('Open adapter_config.json as text'),
      isEnabled: true,
    },
  ];
}

type Fact = readonly [term: string, value: string];

function factsOf(contents: InspectedContents): readonly Fact[] {
  const size: readonly Fact[] = [
    [l10n.t('Parameters'), formatShort(contents.parameters)],
    [l10n.t('Size'), formatBytes(contents.bytes)],
  ];
  if (contents.kind === 'adapter') {
    const { config, modules, base, baseFolder } = contents;
    const number = (key: string): string => {
      const value = config[key];
      return typeof value === 'number' ? formatNumber(value) : UNKNOWN;
    };
    return [
      ...('r' in config ? [[l10n.t('Rank'), number('r')] as const] : []),
      ...('lora_alpha' in config ? [[l10n.t('Alpha'), number('lora_alpha')] as const] : []),
      [l10n.t('Modules'), formatCount(modules.length)],
      ...size,
      [
        l10n.t('Base model'),
        base === null ? l10n.t('not named') : baseFolder === null ? l10n.t('{0} (not on disk)', base) : base,
      ],
    ];
  }
  const type = contents.model_type;
  const files = new Set(contents.tensors.flatMap(({ file }) => (file === undefined ? [] : [file]))).size;
  const dtypes = [...new Set(contents.tensors.map(({ dtype }) => dtype))].join(', ');
  return [
    ...(type === undefined ? [] : [[l10n.t('Family'), type] as const]),
    [l10n.t('Tensors'), formatCount(contents.tensors.length)],
    ...size,
    [l10n.t('Types'), dtypes === '' ? UNKNOWN : dtypes],
    ...(files > 1 ? [[l10n.t('Files'), formatCount(files)] as const] : []),
  ];
}
