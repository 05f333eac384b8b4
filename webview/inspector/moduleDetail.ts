/** @file One module of an adapter: its spectrum, and its matrices as heat maps. */
import './matrixMap';
import '../shared/plot/linePlot';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type {
  AdapterContents,
  AdapterModuleEntry,
  TensorEntry,
  TensorRole,
  TileOf,
} from '../../kernels/protocol/calls/inspect';
import { formatNumber } from '../shared/format';
import { padded } from '../shared/plot/extent';
import type { Range } from '../shared/plot/lineFigure';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import { shortName, spectrumFigure } from './moduleFigures';
import type { InspectorStore } from './store';

/** The choice of the delta weight among the matrices of a module. */
const DELTA = 'delta';

interface MatrixChoice {
  readonly key: string;
  readonly label: string;
  readonly of: TileOf;
  readonly shape: readonly [number, number];
}

@customElement('as-module-detail')
export class ModuleDetail extends SignalElement {
  @property({ attribute: false }) store!: InspectorStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  @state() private zoom: Range | null = null;

  protected override render(): TemplateResult {
    const { store } = this;
    const contents = store.snapshot.value?.contents;
    const module = store.module.value;
    if (!module || contents?.kind !== 'adapter') return html``;
    const spectrum = store.spectrum.value?.module === module.module ? store.spectrum.value : null;
    const hasSpectrum = spectrum === null || spectrum.delta !== null;
    return html`<section aria-labelledby="module-title">
      <h2 id="module-title" title=${module.module}>${shortName(module.module)}</h2>
      ${this.renderFacts()}
      ${hasSpectrum ? this.renderSpectrum() : html`<p class="plot-empty">${whyNoSpectrum(contents)}</p>`}
      ${this.renderMatrix(module, contents)}
    </section>`;
  }

  private renderFacts(): TemplateResult | typeof nothing {
    const measured = this.store.spectrum.value;
    if (!measured?.delta) return nothing;
    const { delta } = measured;
    const facts: readonly (readonly [string, string])[] = [
      [l10n.t('Shape of ΔW'), `${delta.shape[0]} × ${delta.shape[1]}`],
      [l10n.t('Rank'), formatNumber(delta.rank)],
      [l10n.t('Scaling'), formatNumber(delta.scaling)],
      ['‖ΔW‖', formatNumber(delta.norm)],
      ['σ₁', formatNumber(delta.largest)],
      [l10n.t('Stable rank'), formatNumber(delta.stable_rank)],
      [l10n.t('Effective rank'), formatNumber(delta.effective_rank)],
      ...Object.entries(measured.norms).map(
        ([name, norm]) => [l10n.t('‖{0}‖', name), norm === null ? l10n.t('not finite') : formatNumber(norm)] as const,
      ),
    ];
    return html`<dl class="facts">
      ${facts.map(
        ([term, value]) =>
          html`<div>
            <dt>${term}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>`;
  }

  private renderSpectrum(): TemplateResult {
    const { store } = this;
    const { isLogSigma } = store.choices;
    const spectrum = store.spectrum.value;
    const count = spectrum?.singular_values.length ?? 0;
    const everything = padded([1, Math.max(1, count)]);
    return html`<as-line-plot
      data-plot="spectrum"
      .figure=${spectrumFigure(spectrum, isLogSigma.value, this.theme.value)}
      .theme=${this.theme}
      .xRange=${this.zoom ?? everything}
      .controls=${html`<label class="control">
        <input
          type="checkbox"
          .checked=${isLogSigma.value}
          @change=${(e: Event) => (isLogSigma.value = (e.target as HTMLInputElement).checked)}
        />
        ${l10n.t('Log')}
      </label>`}
      .height=${220}
      .onZoom=${(range: Range | null) => (this.zoom = within(range, everything))}
      .onPicture=${store.savePicture.bind(store)}
      .onFailure=${store.plotFailed.bind(store)}
    ></as-line-plot>`;
  }

  private renderMatrix(module: AdapterModuleEntry, contents: AdapterContents): TemplateResult {
    const { store } = this;
    const choices = matricesOf(module, contents.delta === 'available');
    const chosen = choices.find(({ key }) => key === store.choices.matrix.value) ?? choices[0];
    return html`<div class="matrix-choice" role="group" aria-label=${l10n.t('Matrix')}>
        ${choices.map(
          ({ key, label }) =>
            html`<button
              type="button"
              class="text-button"
              aria-pressed=${key === chosen?.key}
              @click=${() => (store.choices.matrix.value = key)}
            >
              ${label}
            </button>`,
        )}
      </div>
      ${contents.delta === 'available' ? nothing : html`<p class="muted">${whyNoDelta(contents)}</p>`}
      ${
        chosen
          ? html`<as-matrix-map
              data-plot="matrix"
              .store=${store}
              .theme=${this.theme}
              .name=${chosen.label}
              .of=${chosen.of}
              .shape=${chosen.shape}
            ></as-matrix-map>`
          : nothing
      }`;
  }
}

function matricesOf({ module, tensors, shape }: AdapterModuleEntry, hasDelta: boolean): readonly MatrixChoice[] {
  // A copy shows nothing that its original does not.
  const shown = Object.entries(tensors).filter(([, { role }]) => role !== 'copy');
  const own = shown.map(([parameter, tensor]): MatrixChoice => ({
    key: parameter,
    label: l10n.t('{0} [{1}]', [parameter, ...roleNote(tensor.role)].join(', '), tensor.shape.join(', ')),
    of: { tensor: tensor.name },
    shape: matrixShape(tensor),
  }));
  if (!hasDelta || !shape) return own;
  const label = l10n.t('Delta weight [{0}, {1}]', shape[0], shape[1]);
  return [...own, { key: DELTA, label, of: { delta: module }, shape }];
}

/** What is not trained says what it is instead. */
function roleNote(role: TensorRole): readonly string[] {
  if (role === 'frozen') return [l10n.t({ message: 'frozen', comment: 'a tensor that is not trained' })];
  return role === 'measured'
    ? [l10n.t({ message: 'measured', comment: 'a tensor that training measures for the merge' })]
    : [];
}

/** As the engine sees a tensor as a matrix. */
export function matrixShape({ shape }: Pick<TensorEntry, 'shape'>): readonly [number, number] {
  const rows = shape.slice(0, -1).reduce((n, d) => n * d, 1);
  return [rows, shape.at(-1) ?? 1];
}

function whyNoSpectrum(contents: AdapterContents): string {
  return contents.delta === 'available'
    ? l10n.t(
        'No spectrum: a tensor of this module is missing, holds values that are not finite, or the delta weight is too large to be decomposed whole.',
      )
    : whyNoDelta(contents);
}

function whyNoDelta({ delta, method }: AdapterContents): string {
  switch (delta) {
    case 'available':
    case 'base-missing':
      return l10n.t(
        'The delta weight of {0} depends on the base model, which is not on this disk: only its tensors are shown.',
        method.label,
      );
    case 'shared-missing':
      return l10n.t(
        'The matrices that all layers of {0} share are not in this file: only its other tensors are shown.',
        method.label,
      );
  }
}

function within(range: Range | null, [low, high]: Range): Range | null {
  if (!range) return null;
  const next: Range = [Math.max(low, range[0]), Math.min(high, range[1])];
  return next[1] - next[0] < 0.5 || (next[0] <= low && next[1] >= high) ? null : next;
}
