/** @file Which models answer: a checkpoint of a run or any adapter, its base, and a merged model beside them. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { TryItFolder, TryItRun } from '../protocol/tryIt';
import { formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { ColumnId, TryItStore } from './store';

const RUN = 'run:';

@customElement('as-model-choice')
export class ModelChoice extends SignalElement {
  @property({ attribute: false }) store!: TryItStore;

  protected override render(): TemplateResult | typeof nothing {
    const { store } = this;
    const snapshot = store.snapshot.value;
    if (!snapshot) return html`<p class="muted">${l10n.t('Looking for models…')}</p>`;
    const { base, merged, isBaseShown } = store.choices;
    return html`<section class="model-choice" aria-label=${l10n.t('Models')}>
      ${this.renderAdapter(snapshot.runs, snapshot.adapters)}
      <span class="control">
        <label class="control"
          >${l10n.t('Base model')}
          <select @change=${(e: Event) => (base.value = valueOf(e))}>
            ${base.value === null ? html`<option value="" selected>${l10n.t('none')}</option>` : nothing}
            ${folderOptions(snapshot.checkpoints, base.value)}
          </select>
        </label>
        ${this.browseButton('base', l10n.t('Choose the folder of a base model'))}
        <label class="control">
          <input
            type="checkbox"
            .checked=${isBaseShown.value}
            @change=${(e: Event) => (isBaseShown.value = (e.target as HTMLInputElement).checked)}
          />
          ${l10n.t('answers too')}
        </label>
      </span>
      <span class="control">
        <label class="control"
          >${l10n.t('Merged model')}
          <select class="merged-model" @change=${(e: Event) => (merged.value = valueOf(e))}>
            <option value="" ?selected=${merged.value === null}>${l10n.t('none')}</option>
            ${folderOptions(
              snapshot.checkpoints.filter(({ path }) => path !== base.value),
              merged.value,
            )}
          </select>
        </label>
        ${this.browseButton('merged', l10n.t('Choose the folder of a merged model'))}
      </span>
    </section>`;
  }

  private renderAdapter(runs: readonly TryItRun[], adapters: readonly TryItFolder[]): TemplateResult {
    const { store } = this;
    const chosen = store.choices.adapter.value;
    const usable = runs.filter((run) => run.checkpoints.length > 0);
    const run = usable.find((r) => r.checkpoints.some(({ path }) => path === chosen));
    const onSource = (event: Event): void => {
      const value = valueOf(event);
      const found = usable.find(({ folder }) => value === RUN + folder);
      void store.chooseAdapter(found ? (found.checkpoints[0]?.path ?? null) : value);
    };
    const known = run !== undefined || chosen === null || adapters.some(({ path }) => path === chosen);
    return html`<span class="control">
      <label class="control"
        >${l10n.t('Adapter')}
        <select @change=${onSource}>
          <option value="" ?selected=${chosen === null}>${l10n.t('none')}</option>
          ${known ? nothing : html`<option value=${chosen ?? ''} selected>${nameOf(chosen ?? '')}</option>`}
          ${
            usable.length === 0
              ? nothing
              : html`<optgroup label=${l10n.t('Runs')}>
                  ${usable.map(
                    (r) => html`<option value=${RUN + r.folder} ?selected=${r === run}>${runLabel(r)}</option>`,
                  )}
                </optgroup>`
          }
          ${
            adapters.length === 0
              ? nothing
              : html`<optgroup label=${l10n.t('Adapters')}>
                  ${folderOptions(adapters, run ? null : chosen, true)}
                </optgroup>`
          }
        </select>
      </label>
      ${run ? this.renderCheckpoints(run, chosen) : nothing}
      ${this.browseButton('adapter', l10n.t('Choose the folder of an adapter'))}
    </span>`;
  }

  private renderCheckpoints(run: TryItRun, chosen: string | null): TemplateResult {
    return html`<label class="control"
      >${l10n.t('Checkpoint')}
      <select @change=${(e: Event) => void this.store.chooseAdapter(valueOf(e))}>
        ${run.checkpoints.map(
          ({ path, step }) =>
            html`<option value=${path} ?selected=${path === chosen}>
              ${step === null ? l10n.t('final adapter') : l10n.t('step {0}', formatCount(step))}
            </option>`,
        )}
      </select>
    </label>`;
  }

  private browseButton(what: ColumnId, label: string): TemplateResult {
    return html`<button
      type="button"
      class="icon-button"
      aria-label=${label}
      title=${label}
      @click=${() => void this.store.browse(what)}
    >
      ${icon('folder-opened')}
    </button>`;
  }
}

/** Options for folders, and for the chosen one when it is none of them. */
function folderOptions(
  folders: readonly TryItFolder[],
  chosen: string | null,
  isComplete = false,
): readonly TemplateResult[] {
  const isKnown = isComplete || chosen === null || folders.some(({ path }) => path === chosen);
  const all = isKnown ? folders : [...folders, { path: chosen, name: nameOf(chosen) }];
  return all.map(
    ({ path, name }) => html`<option value=${path} ?selected=${path === chosen} title=${path}>${name}</option>`,
  );
}

const valueOf = (event: Event): string | null => (event.target as HTMLSelectElement).value || null;

const nameOf = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;

function runLabel({ name, folder, status }: TryItRun): string {
  const letters = /-([a-z0-9]{4})$/.exec(nameOf(folder))?.[1];
  const isLive = status === 'running' || status === 'starting' || status === 'stopping';
  const label = letters ? l10n.t('{0} ({1})', name, letters) : name;
  return isLive ? l10n.t('{0}, running', label) : label;
}
