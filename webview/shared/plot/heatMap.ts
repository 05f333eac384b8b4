/** @file A heat map of named rows and columns: a cell is chosen by mouse or arrow keys. */
import * as l10n from '@vscode/l10n';
import type { ReadonlySignal } from '@preact/signals-core';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { formatNumber } from '../format';
import { SignalElement } from '../signalElement';
import type { Theme } from '../theme';
import { draw, erase, picture } from './draw';
import { HEAT_MARGIN, heatColors, heatDrawing, heatDrawingForPicture, type HeatFigure } from './heatDrawing';
import { heatTable } from './heatTable';
import { plotFrame } from './plotFrame';

export interface Cell {
  readonly row: number;
  readonly column: number;
}

const KEY_MOVES: Readonly<Record<string, readonly [rows: number, columns: number]>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  Home: [0, -Infinity],
  End: [0, Infinity],
};

@customElement('as-heat-map')
export class HeatMap extends SignalElement {
  @property({ attribute: false }) figure!: HeatFigure;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;
  @property({ attribute: false }) chosen: Cell | undefined;
  @property({ attribute: false }) onChoose: (cell: Cell) => void = () => {};
  @property({ attribute: false }) onPicture: (name: string, dataUrl: string) => void = () => {};
  @property({ attribute: false }) onFailure: (error: unknown) => void = () => {};

  @state() private width = 0;
  @state() private isTable = false;
  @state() private cursor: Cell | undefined;
  @state() private spoken = '';
  private drawn: HTMLElement | undefined;
  private readonly resize = new ResizeObserver(([entry]) => (this.width = Math.floor(entry?.contentRect.width ?? 0)));

  override connectedCallback(): void {
    super.connectedCallback();
    this.resize.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resize.disconnect();
    if (this.drawn) erase(this.drawn);
    this.drawn = undefined;
  }

  protected override render(): TemplateResult {
    return plotFrame({
      title: this.figure.title,
      isTable: this.isTable,
      onToggleTable: () => (this.isTable = !this.isTable),
      onSavePicture: () => void this.savePicture(),
      body: this.isTable ? heatTable(this.figure) : this.renderMap(),
    });
  }

  private renderMap(): TemplateResult {
    const { title, rows, columns, scale, valueName } = this.figure;
    const colors = heatColors(this.theme.value);
    return html`<div
        class="plot-surface heat"
        style="height:${this.height}px"
        tabindex="0"
        role="application"
        aria-roledescription=${l10n.t('heat map')}
        aria-label=${l10n.t('{0}, {1} rows and {2} columns. Arrow keys move to a module, Enter chooses it.', title, rows.length, columns.length)}
        @keydown=${this.onKey}
        @pointermove=${(e: PointerEvent) => (this.cursor = this.cellAt(e))}
        @pointerleave=${() => (this.cursor = undefined)}
        @click=${(e: PointerEvent) => this.choose(this.cellAt(e))}
      >
        <div class="plot-canvas" aria-hidden="true"></div>
        ${this.chosen ? this.renderBox(this.chosen, 'heat-chosen') : nothing}
        ${this.cursor ? this.renderBox(this.cursor, 'heat-cursor') : nothing}
        ${this.cursor ? this.renderTooltip(this.cursor) : nothing}
      </div>
      <div class="heat-scale" aria-hidden="true">
        <span>${formatNumber(scale[0])}</span>
        <span class="heat-ramp" style="background:linear-gradient(to right, ${colors.join(', ')})"></span>
        <span>${formatNumber(scale[1])}</span>
        <span class="heat-name">${valueName}</span>
      </div>
      <div class="visually-hidden" aria-live="polite">${this.spoken}</div>`;
  }

  private renderBox({ row, column }: Cell, className: string): TemplateResult {
    const [w, h] = this.cellSize;
    const place = `left:${HEAT_MARGIN.l + column * w}px;top:${HEAT_MARGIN.t + row * h}px;width:${w}px;height:${h}px`;
    return html`<div class=${className} style=${place}></div>`;
  }

  private renderTooltip(cell: Cell): TemplateResult {
    const [w, h] = this.cellSize;
    const x = HEAT_MARGIN.l + (cell.column + 0.5) * w;
    const side = x > this.width / 2 ? `right:${this.width - x + w / 2 + 4}px` : `left:${x + w / 2 + 4}px`;
    return html`<div class="plot-tooltip" style="${side};top:${HEAT_MARGIN.t + cell.row * h}px">
      ${this.describe(cell)}
    </div>`;
  }

  protected override updated(): void {
    const canvas = this.querySelector<HTMLElement>('.plot-canvas') ?? undefined;
    if (this.drawn && canvas !== this.drawn) erase(this.drawn);
    this.drawn = canvas;
    if (!canvas || this.width === 0 || this.figure.columns.length === 0) return;
    draw(canvas, heatDrawing(this.figure, this.width, this.height, this.theme.value)).catch(this.onFailure);
  }

  private get height(): number {
    return HEAT_MARGIN.t + HEAT_MARGIN.b + Math.max(3, this.figure.rows.length) * 24;
  }

  /** Width and height of a cell in pixels. */
  private get cellSize(): readonly [number, number] {
    return [
      (this.width - HEAT_MARGIN.l - HEAT_MARGIN.r) / this.figure.columns.length,
      (this.height - HEAT_MARGIN.t - HEAT_MARGIN.b) / this.figure.rows.length,
    ];
  }

  private cellAt(event: PointerEvent): Cell | undefined {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [w, h] = this.cellSize;
    const column = Math.floor((event.clientX - box.left - HEAT_MARGIN.l) / w);
    const row = Math.floor((event.clientY - box.top - HEAT_MARGIN.t) / h);
    return typeof this.figure.values[row]?.[column] === 'number' ? { row, column } : undefined;
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const at = this.cursor ?? this.chosen ?? { row: 0, column: 0 };
    const move = Object.hasOwn(KEY_MOVES, event.key) ? KEY_MOVES[event.key] : undefined;
    if (move) this.moveTo({ row: at.row + move[0], column: at.column + move[1] });
    else if (event.key === 'Enter' || event.key === ' ') this.choose(at);
    else return;
    event.preventDefault();
  };

  private moveTo({ row, column }: Cell): void {
    const clamp = (value: number, count: number) => Math.min(count - 1, Math.max(0, value));
    this.cursor = { row: clamp(row, this.figure.rows.length), column: clamp(column, this.figure.columns.length) };
    this.spoken = this.describe(this.cursor);
  }

  private choose(cell: Cell | undefined): void {
    if (cell && typeof this.figure.values[cell.row]?.[cell.column] === 'number') this.onChoose(cell);
  }

  private describe({ row, column }: Cell): string {
    const value = this.figure.values[row]?.[column];
    const place = `${this.figure.rows[row]}, ${this.figure.columnLabel} ${this.figure.columns[column]}`;
    return `${place}: ${typeof value === 'number' ? `${this.figure.valueName} ${formatNumber(value)}` : l10n.t('no module')}`;
  }

  private async savePicture(): Promise<void> {
    try {
      this.onPicture(this.figure.title, await picture(heatDrawingForPicture(this.figure, this.theme.value)));
    } catch (error) {
      this.onFailure(error);
    }
  }
}
