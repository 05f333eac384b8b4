/** @file A table of any length: only the rows on the screen exist. Filtered by text, sorted by any column, walked by keys. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatCount } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import { sortedRows, type Column, type Row, type Sorting } from './tableRows';

const ROW_PX = 24;
/** Rows beyond both ends of the view, so that scrolling does not show gaps. */
const SPARE_ROWS = 12;
/** Browsers draw nothing beyond some millions of pixels. */
const MAX_ROWS = 500_000;

@customElement('as-virtual-table')
export class VirtualTable extends SignalElement {
  /** Names the table for assistive technology. */
  @property({ attribute: false }) name = '';
  @property({ attribute: false }) columns: readonly Column[] = [];
  @property({ attribute: false }) rows: readonly Row[] = [];
  /** Key of the chosen row. */
  @property({ attribute: false }) chosen: string | null = null;
  @property({ attribute: false }) filter = '';
  @property({ attribute: false }) filterLabel = '';
  @property({ attribute: false }) onFilter: (text: string) => void = () => {};
  @property({ attribute: false }) onChoose: (key: string) => void = () => {};

  @state() private sorting: Sorting | null = null;
  @state() private top = 0;
  @state() private viewHeight = 320;
  /** Row with the cursor of the keyboard, as an index into what is shown. */
  @state() private active = -1;
  private shown: readonly Row[] = [];
  private readonly resize = new ResizeObserver(([entry]) => (this.viewHeight = entry?.contentRect.height ?? 320));

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resize.disconnect();
  }

  protected override firstUpdated(): void {
    const view = this.querySelector('.virtual-table');
    if (view) this.resize.observe(view);
  }

  protected override render(): TemplateResult {
    this.shown = sortedRows(this.rows, this.columns, this.filter, this.sorting).slice(0, MAX_ROWS);
    const count = this.shown.length;
    if (this.active >= count) this.active = count - 1;
    // Head and rows are grids of their own: with the same least width their columns line up.
    const tracks = this.columns.map(({ width: [least, share] }) => `minmax(${least}px, ${share}fr)`).join(' ');
    const least = this.columns.reduce((sum, { width }) => sum + width[0], 0);
    const template = `grid-template-columns:${tracks};min-width:${least}px`;
    return html`<div class="table-head">
        <input
          type="text"
          class="table-filter"
          aria-label=${this.filterLabel}
          placeholder=${this.filterLabel}
          .value=${this.filter}
          @input=${(e: Event) => this.onFilter((e.target as HTMLInputElement).value)}
        />
        <span class="muted" role="status"
          >${
            count === this.rows.length
              ? formatCount(count)
              : l10n.t('{0} of {1}', formatCount(count), formatCount(this.rows.length))
          }</span
        >
      </div>
      <div
        class="virtual-table"
        style="--rows:${this.rows.length}"
        role="grid"
        tabindex="0"
        aria-label=${this.name}
        aria-rowcount=${count + 1}
        aria-colcount=${this.columns.length}
        aria-activedescendant=${this.active >= 0 ? this.rowId(this.active) : nothing}
        @scroll=${(e: Event) => (this.top = (e.target as HTMLElement).scrollTop)}
        @keydown=${this.onKey}
      >
        <div class="virtual-head" role="row" aria-rowindex="1" style=${template}>
          ${this.columns.map((column) => this.renderHead(column))}
        </div>
        <div class="virtual-rows" role="rowgroup" style="height:${count * ROW_PX}px;min-width:${least}px">
          ${this.renderRows(template)}
        </div>
      </div>`;
  }

  private renderHead({ key, label, isNumber }: Column): TemplateResult {
    const isSorted = this.sorting?.key === key;
    const isDescending = isSorted && this.sorting?.isDescending === true;
    return html`<span
      role="columnheader"
      class=${isNumber ? 'number' : ''}
      aria-sort=${isSorted ? (isDescending ? 'descending' : 'ascending') : 'none'}
    >
      <button type="button" class="sort-button" @click=${() => this.sortBy(key, isNumber)}>
        ${label}${isSorted ? icon(isDescending ? 'arrow-down' : 'arrow-up') : nothing}
      </button>
    </span>`;
  }

  private renderRows(template: string): TemplateResult[] {
    const first = Math.max(0, Math.floor(this.top / ROW_PX) - SPARE_ROWS);
    const last = Math.min(this.shown.length, Math.ceil((this.top + this.viewHeight) / ROW_PX) + SPARE_ROWS);
    return this.shown.slice(first, last).map((row, i) => {
      const index = first + i;
      const isChosen = row.key === this.chosen;
      const state = `${isChosen ? 'chosen' : ''} ${index === this.active ? 'active' : ''}`;
      return html`<div
        id=${this.rowId(index)}
        class="virtual-row ${state}"
        role="row"
        aria-rowindex=${index + 2}
        aria-selected=${isChosen}
        style="${template};transform:translateY(${index * ROW_PX}px)"
        @click=${() => this.choose(index)}
      >
        ${this.columns.map(
          ({ isNumber }, c) =>
            html`<span role="gridcell" class=${isNumber ? 'number' : ''} title=${row.cells[c]?.text ?? ''}
              >${row.cells[c]?.text ?? ''}</span
            >`,
        )}
      </div>`;
    });
  }

  private rowId(index: number): string {
    return `${this.id || 'table'}-row-${index}`;
  }

  /** Numbers largest first, names in their order; a third time as in the file. */
  private sortBy(key: string, isNumber: boolean): void {
    const { sorting } = this;
    if (sorting?.key !== key) this.sorting = { key, isDescending: isNumber };
    else if (sorting.isDescending === isNumber) this.sorting = { key, isDescending: !isNumber };
    else this.sorting = null;
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    // The heading's own buttons take their keys themselves.
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.viewHeight / ROW_PX) - 2);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const by = Object.hasOwn(moves, event.key) ? moves[event.key] : undefined;
    if (by !== undefined) this.moveTo(this.active < 0 ? this.start(by) : this.active + by);
    else if ((event.key === 'Enter' || event.key === ' ') && this.active >= 0) this.choose(this.active);
    else return;
    event.preventDefault();
  };

  /** Where the keys begin: at the chosen row. */
  private start(by: number): number {
    return Number.isFinite(by)
      ? Math.max(
          0,
          this.shown.findIndex(({ key }) => key === this.chosen),
        )
      : by;
  }

  private moveTo(index: number): void {
    this.active = Math.min(this.shown.length - 1, Math.max(0, index));
    const view = this.querySelector('.virtual-table');
    if (!view) return;
    // The heading stays at the top and covers one row.
    const [top, bottom] = [this.active * ROW_PX, (this.active + 2) * ROW_PX];
    if (top < view.scrollTop) view.scrollTop = top;
    else if (bottom > view.scrollTop + view.clientHeight) view.scrollTop = bottom - view.clientHeight;
  }

  private choose(index: number): void {
    this.active = index;
    const row = this.shown[index];
    if (row) this.onChoose(row.key);
  }
}
