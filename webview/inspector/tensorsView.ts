/** @file Tensors of a file or a checkpoint, and of an adapter those that belong to no module: a list, and the chosen one. */
import './tensorDetail';
import './virtualTable';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { TensorEntry } from '../../kernels/protocol/calls/inspect';
import { formatBytes } from '../shared/format';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import type { InspectorStore } from './store';
import type { Column, Row } from './tableRows';

@customElement('as-tensors-view')
export class TensorsView extends SignalElement {
  @property({ attribute: false }) store!: InspectorStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;
  /** Kept while the tensors are the same: a long list is not made anew with every step of a progress bar. */
  private made: { readonly from: readonly TensorEntry[]; readonly rows: readonly Row[] } | undefined;

  protected override render(): TemplateResult {
    const { store } = this;
    const tensors = store.tensors.value;
    const isAdapter = store.snapshot.value?.contents.kind === 'adapter';
    if (this.made?.from !== tensors) this.made = { from: tensors, rows: tensors.map(rowOf) };
    const title = isAdapter ? l10n.t('Trained in full') : l10n.t('Tensors');
    return html`<div class="inspector-columns">
      <section aria-labelledby="tensors-title">
        <h2 id="tensors-title">${title}</h2>
        <as-virtual-table
          id="tensors"
          .name=${title}
          .columns=${columnsOf(tensors)}
          .rows=${this.made.rows}
          .chosen=${store.tensor.value?.name ?? null}
          .filter=${store.choices.tensorFilter.value}
          .filterLabel=${l10n.t('Filter tensors')}
          .onFilter=${(text: string) => (store.choices.tensorFilter.value = text)}
          .onChoose=${(key: string) => store.chooseTensor(key)}
        ></as-virtual-table>
      </section>
      ${
        store.tensor.value
          ? html`<as-tensor-detail .store=${store} .theme=${this.theme}></as-tensor-detail>`
          : html`<p class="plot-empty">${l10n.t('Choose a tensor to see its statistics, histogram and values.')}</p>`
      }
    </div>`;
  }
}

function columnsOf(tensors: readonly TensorEntry[]): readonly Column[] {
  const hasFiles = tensors[0]?.file !== undefined;
  return [
    { key: 'name', label: l10n.t('Tensor'), isNumber: false, width: [220, 4] },
    { key: 'dtype', label: l10n.t('Type'), isNumber: false, width: [60, 0.7] },
    { key: 'shape', label: l10n.t('Shape'), isNumber: false, width: [104, 1.4] },
    { key: 'size', label: l10n.t('Size'), isNumber: true, width: [72, 1] },
    ...(hasFiles ? [{ key: 'file', label: l10n.t('File'), isNumber: false, width: [120, 2] as const }] : []),
  ];
}

function rowOf({ name, dtype, shape, bytes, file }: TensorEntry): Row {
  return {
    key: name,
    cells: [
      { text: name },
      { text: dtype },
      { text: shape.length === 0 ? l10n.t('scalar') : shape.join(' × '), value: shape.reduce((n, d) => n * d, 1) },
      { text: formatBytes(bytes), value: bytes },
      ...(file === undefined ? [] : [{ text: file }]),
    ],
  };
}
