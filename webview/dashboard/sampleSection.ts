/** @file What the model writes after the configuration's prompts, step by step, and what has changed since another step. */
import './stepSlider';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { SampleRecord } from '../../kernels/protocol/types';
import type { SampleList } from '../protocol/dashboard';
import { formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import { SAMPLE_BASES } from './sampleChoice';
import type { DashboardStore } from './store';
import { textDiff, type DiffPart } from './textDiff';

@customElement('as-sample-section')
export class SampleSection extends SignalElement {
  @property({ attribute: false }) store!: DashboardStore;

  protected override render(): TemplateResult {
    const { samples } = this.store;
    const list = samples.list.value;
    return html`<section class="samples" aria-labelledby="samples-title">
      <h2 id="samples-title">${l10n.t('Samples')}</h2>
      ${
        list && list.steps.length > 0
          ? [this.renderToolbar(list), this.renderSamples(list)]
          : html`<p class="plot-empty">${this.emptyText()}</p>`
      }
    </section>`;
  }

  /** A run that has prompts has none of their texts before its first evaluation. */
  private emptyText(): string {
    const config = this.store.snapshot.value?.info?.config;
    // Only a model that answers for whole texts is judged by more than its loss; prompts would be refused with it.
    if (this.store.shown.value?.traces.some(({ series }) => series === 'eval_metric')) {
      return l10n.t('This run writes no samples: its model answers with a label or a number.');
    }
    return hasPrompts(config)
      ? l10n.t('No sample yet: the prompts of the configuration are answered at every evaluation.')
      : l10n.t(
          'This run writes no samples. Name prompts in the configuration, under samples: prompts: [“…”], and what the model makes of them is kept at every evaluation.',
        );
  }

  private renderToolbar({ steps }: SampleList): TemplateResult {
    const { samples, choices } = this.store;
    return html`<div class="toolbar" role="toolbar" aria-label=${l10n.t('Samples')}>
      <as-step-slider
        .steps=${steps}
        .index=${samples.index.value}
        .onIndex=${(index: number) => samples.choose(index)}
      ></as-step-slider>
      <label class="control"
        >${l10n.t('Compare with')}
        <select @change=${(e: Event) => (choices.sampleBase.value = (e.target as HTMLSelectElement).value)}>
          ${Object.entries(SAMPLE_BASES).map(
            ([base, name]) =>
              html`<option value=${base} ?selected=${base === choices.sampleBase.value}>${name}</option>`,
          )}
        </select>
      </label>
    </div>`;
  }

  private renderSamples({ prompts }: SampleList): TemplateResult {
    const { shown } = this.store.samples;
    const pair = shown.value;
    const of = (records: readonly SampleRecord[], index: number) => records.find((record) => record.index === index);
    const base = pair?.baseStep ?? null;
    return html`<p class="muted">
        ${
          base === null
            ? l10n.t('The texts at step {0}.', formatCount(pair?.step ?? 0))
            : l10n.t(
                'Step {0} against step {1}: underlined is new, struck out is gone.',
                formatCount(pair?.step ?? 0),
                formatCount(base),
              )
        }
      </p>
      <ol class="sample-list">
        ${prompts.map(({ index, prompt }) =>
          this.renderSample(
            prompt,
            of(pair?.records ?? [], index),
            base === null ? undefined : of(pair?.baseRecords ?? [], index),
          ),
        )}
      </ol>`;
  }

  private renderSample(prompt: string, record?: SampleRecord, base?: SampleRecord): TemplateResult {
    const text = !record
      ? html`<span class="muted">${l10n.t('No sample of this prompt at this step.')}</span>`
      : base
        ? textDiff(base.text, record.text).map(renderPart)
        : record.text;
    return html`<li class="sample">
      <p class="sample-prompt">${icon('comment')} <span>${prompt}</span></p>
      <p class="sample-text">${text}${record?.cut ? cutMark(record.tokens) : nothing}</p>
    </li>`;
  }
}

function renderPart({ kind, text }: DiffPart): TemplateResult | string {
  if (kind === 'added') return html`<ins>${text}</ins>`;
  return kind === 'removed' ? html`<del>${text}</del>` : text;
}

function cutMark(tokens: number): TemplateResult {
  const text = l10n.t('cut after {0} tokens', tokens);
  return html` <span class="sample-cut" title=${text}
    >${icon('ellipsis')}<span class="visually-hidden">${text}</span></span
  >`;
}

function hasPrompts(config: Readonly<Record<string, unknown>> | undefined): boolean {
  const samples = config?.['samples'];
  const prompts = typeof samples === 'object' && samples !== null && 'prompts' in samples ? samples.prompts : undefined;
  return Array.isArray(prompts) && prompts.length > 0;
}
