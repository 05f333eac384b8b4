/** @file An adapter: the map of its modules, a table of their measures, and the module that is chosen. */
import './moduleDetail';
import './virtualTable';
import '../shared/plot/heatMap';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { AdapterContents, AdapterModuleEntry, ModuleMeasures } from '../../kernels/protocol/calls/inspect';
import { formatCount, formatNumber, formatShare } from '../shared/format';
import type { Cell } from '../shared/plot/heatMap';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import { measuresOf, parametersOf, type Measure } from './measures';
import { moduleMap, shortName, type ModuleMap } from './moduleFigures';
import type { InspectorStore } from './store';
import type { Column, Row, TableCell } from './tableRows';

@customElement('as-adapter-view')
export class AdapterView extends SignalElement {
  @property({ attribute: false }) store!: InspectorStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  protected override render(): TemplateResult {
    const contents = this.store.snapshot.value?.contents;
    if (contents?.kind !== 'adapter') return html``;
    return html`<div class="inspector-columns">
      <section aria-labelledby="modules-title">
        <h2 id="modules-title">${l10n.t('Modules')}</h2>
        ${this.renderMap(contents)} ${this.renderTable(contents)}
      </section>
      ${this.store.module.value ? html`<as-module-detail .store=${this.store} .theme=${this.theme}></as-module-detail>` : nothing}
    </div>`;
  }

  private renderMap({ modules }: AdapterContents): TemplateResult {
    const { store } = this;
    const measured = store.measures.value;
    if (!measured) {
      const fraction = store.measuring.value;
      const text =
        fraction === null
          ? l10n.t('The modules were not measured.')
          : l10n.t('Measuring the modules: {0}', formatShare(fraction));
      return html`<p class="plot-empty" role="status">${text}</p>`;
    }
    const measures = measuresOf(modules, measured);
    const measure = measures.find(({ key }) => key === store.choices.measure.value) ?? measures[0];
    if (!measure) return html`<p class="plot-empty">${l10n.t('This adapter has no modules.')}</p>`;
    const map = moduleMap(modules, measured, measure);
    return html`${this.renderMeasureChoice(measures, measure)}
      <p class="muted">${measure.help}</p>
      <as-heat-map
        data-plot="module-map"
        .figure=${map.figure}
        .theme=${this.theme}
        .chosen=${cellOf(map, store.module.value?.module ?? null)}
        .onChoose=${({ row, column }: Cell) => this.choose(map.modules[row]?.[column] ?? null)}
        .onPicture=${store.savePicture.bind(store)}
        .onFailure=${store.plotFailed.bind(store)}
      ></as-heat-map>`;
  }

  private renderMeasureChoice(measures: readonly Measure[], chosen: Measure): TemplateResult {
    const choose = (e: Event) => (this.store.choices.measure.value = (e.target as HTMLSelectElement).value);
    return html`<label class="control"
      >${l10n.t({ message: 'Measure', comment: 'which rank is shown' })}
      <select @change=${choose}>
        ${measures.map(({ key, label }) => html`<option value=${key} ?selected=${key === chosen.key}>${label}</option>`)}
      </select>
    </label>`;
  }

  private renderTable({ modules }: AdapterContents): TemplateResult {
    const { store } = this;
    const measured = store.measures.value ?? new Map<string, ModuleMeasures>();
    const parameters = parametersOf(modules);
    const hasDelta = [...measured.values()].some(({ delta }) => delta !== null);
    return html`<as-virtual-table
      id="modules"
      .name=${l10n.t('Modules')}
      .columns=${columnsOf(parameters, hasDelta)}
      .rows=${modules.map((m) => rowOf(m, parameters, measured.get(m.module), hasDelta))}
      .chosen=${store.module.value?.module ?? null}
      .filter=${store.choices.moduleFilter.value}
      .filterLabel=${l10n.t('Filter modules')}
      .onFilter=${(text: string) => (store.choices.moduleFilter.value = text)}
      .onChoose=${(key: string) => this.choose(key)}
    ></as-virtual-table>`;
  }

  private choose(module: string | null): void {
    if (module !== null) this.store.chooseModule(module);
  }
}

const number = (key: string, label: string): Column => ({
  key,
  label,
  isNumber: true,
  width: [Math.max(72, 24 + 8 * label.length), 1],
});

function columnsOf(parameters: readonly string[], hasDelta: boolean): readonly Column[] {
  return [
    { key: 'module', label: l10n.t('Module'), isNumber: false, width: [190, 3] },
    { key: 'shape', label: l10n.t('Shape'), isNumber: false, width: [88, 1] },
    ...(hasDelta
      ? [
          number('norm', '‖ΔW‖'),
          number('largest', 'σ₁'),
          number('stable', l10n.t('Stable rank')),
          number('effective', l10n.t('Eff. rank')),
        ]
      : []),
    ...parameters.map((name) => number(`norm:${name}`, l10n.t('‖{0}‖', name))),
    number('parameters', l10n.t('Parameters')),
  ];
}

function rowOf(
  { module, shape, parameters: count }: AdapterModuleEntry,
  parameters: readonly string[],
  measured: ModuleMeasures | undefined,
  hasDelta: boolean,
): Row {
  const delta = measured?.delta;
  const cell = (value: number | null | undefined): TableCell => ({
    text: typeof value === 'number' ? formatNumber(value) : '',
    value: value ?? null,
  });
  const cells: TableCell[] = [
    { text: shortName(module) },
    { text: shape ? `${shape[0]} × ${shape[1]}` : '', value: shape ? shape[0] * shape[1] : null },
    ...(hasDelta ? [delta?.norm, delta?.largest, delta?.stable_rank, delta?.effective_rank].map(cell) : []),
    ...parameters.map((name) => {
      const norm = measured?.norms[name];
      return norm === null ? { text: l10n.t('not finite'), value: null } : cell(norm);
    }),
    { text: formatCount(count), value: count },
  ];
  return { key: module, cells };
}

function cellOf(map: ModuleMap, module: string | null): Cell | undefined {
  const row = map.modules.findIndex((names) => module !== null && names.includes(module));
  return row < 0 ? undefined : { row, column: map.modules[row]!.indexOf(module) };
}
