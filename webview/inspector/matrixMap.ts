/** @file A matrix as a heat map: read in tiles for what is on the screen, zoomed down to its values, or shown as a table. */
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Pool, Tile, TileOf } from '../../kernels/protocol/calls/inspect';
import { formatCount, formatNumber, formatShare } from '../shared/format';
import { icon } from '../shared/icon';
import { plotFrame } from '../shared/plot/plotFrame';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import { cellSize, drawTile, MATRIX_MARGIN, matrixColors, scaleEnd } from './matrixDrawing';
import { matrixTable, TABLE_CELLS } from './matrixTable';
import {
  cellAt,
  cellPart,
  paged,
  sameWindow,
  showing,
  wholeWindow,
  zoomed,
  type MatrixWindow,
  type Place,
} from './matrixWindow';
import type { InspectorStore } from './store';

/** A cell is at least so many pixels wide and high. */
const CELL_PX = 2;
const MIN_HEIGHT = 120;
const MAX_HEIGHT = 420;

const POOLS: Readonly<Record<Pool, string>> = {
  extreme: l10n.t('Largest magnitude'),
  mean: l10n.t('Mean'),
  max: l10n.t('Maximum'),
  min: l10n.t('Minimum'),
};

@customElement('as-matrix-map')
export class MatrixMap extends SignalElement {
  @property({ attribute: false }) store!: InspectorStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;
  @property({ attribute: false }) name = '';
  @property({ attribute: false }) of!: TileOf;
  /** Of the whole matrix. */
  @property({ attribute: false }) shape: readonly [rows: number, cols: number] = [0, 0];

  @state() private width = 0;
  @state() private isTable = false;
  @state() private pool: Pool = 'extreme';
  @state() private window: MatrixWindow = wholeWindow([0, 0]);
  @state() private tile: Tile | undefined;
  @state() private fraction: number | null = null;
  @state() private wasCancelled = false;
  @state() private cursor: Place | undefined;
  @state() private spoken = '';
  /** Where a box began that is being drawn with the mouse, and where it is now. */
  @state() private drag: { readonly from: Place; readonly to: Place } | undefined;
  /** What the shown or expected tile was asked for. */
  private asked = '';
  private abort: AbortController | undefined;
  private readonly resize = new ResizeObserver(([entry]) => (this.width = Math.floor(entry?.contentRect.width ?? 0)));

  override connectedCallback(): void {
    super.connectedCallback();
    this.resize.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resize.disconnect();
    this.abort?.abort();
    this.asked = '';
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('of') && !changed.has('shape')) return;
    if (JSON.stringify([changed.get('of'), changed.get('shape')]) === JSON.stringify([this.of, this.shape])) return;
    this.window = wholeWindow(this.shape);
    this.cursor = undefined;
    this.tile = undefined;
  }

  protected override render(): TemplateResult {
    return plotFrame({
      title: this.name,
      isTable: this.isTable,
      onToggleTable: () => (this.isTable = !this.isTable),
      onSavePicture: this.tile && !this.isTable ? () => this.savePicture() : undefined,
      controls: this.renderControls(),
      body: html`${this.isTable ? this.renderTable() : this.renderMap()} ${this.renderState()}
        <div class="visually-hidden" aria-live="polite">${this.spoken}</div>`,
    });
  }

  private renderControls(): TemplateResult {
    const button = (name: string, title: string, act: () => void, isEnabled: boolean) =>
      html`<button
        type="button"
        class="icon-button"
        title=${title}
        aria-label="${title}: ${this.name}"
        ?disabled=${!isEnabled}
        @click=${act}
      >
        ${icon(name)}
      </button>`;
    const isWhole = sameWindow(this.window, wholeWindow(this.shape));
    return html`<label class="control pool"
        >${l10n.t('Cell')}
        <select @change=${(e: Event) => (this.pool = (e.target as HTMLSelectElement).value as Pool)}>
          ${Object.entries(POOLS).map(
            ([pool, label]) => html`<option value=${pool} ?selected=${pool === this.pool}>${label}</option>`,
          )}
        </select>
      </label>
      ${button('zoom-in', l10n.t('Zoom in'), () => this.zoomBy(0.5), true)}
      ${button('zoom-out', l10n.t('Zoom out'), () => this.zoomBy(2), !isWhole)}
      ${button('screen-full', l10n.t('Show everything'), () => this.goTo(wholeWindow(this.shape)), !isWhole)}`;
  }

  private renderMap(): TemplateResult {
    const { tile, cursor } = this;
    return html`<div
      class="plot-surface matrix"
      style="height:${this.height}px"
      tabindex="0"
      role="application"
      aria-roledescription=${l10n.t('heat map')}
      aria-label=${l10n.t(
        '{0}, {1} rows and {2} columns. Arrow keys move the cursor, plus and minus zoom, Page Up and Page Down move by a whole view, 0 shows everything.',
        this.name,
        this.shape[0],
        this.shape[1],
      )}
      @keydown=${this.onKey}
      @pointerdown=${this.onPointerDown}
      @pointermove=${this.onPointerMove}
      @pointerup=${this.onPointerUp}
      @pointerleave=${() => (this.drag ? undefined : (this.cursor = undefined))}
      @dblclick=${() => this.goTo(wholeWindow(this.shape))}
    >
      <canvas class="matrix-canvas" aria-hidden="true" style="width:${this.width}px;height:${this.height}px"></canvas>
      ${tile && cursor ? this.renderCursor(tile, cursor) : nothing}
      ${tile && this.drag ? this.renderBox(tile, this.drag.from, this.drag.to, 'matrix-drag') : nothing}
    </div>`;
  }

  private renderTable(): TemplateResult {
    return this.tile && this.isFor(this.tile)
      ? matrixTable(this.name, this.tile)
      : html`<p class="plot-empty">${l10n.t('Reading…')}</p>`;
  }

  private renderState(): TemplateResult {
    const { rows, cols } = this.window;
    const [tall, wide] = [rows[1] - rows[0], cols[1] - cols[0]];
    if (this.fraction !== null) {
      return html`<p class="matrix-state" role="status">
        <span>${l10n.t('Reading {0}', formatShare(this.fraction))}</span>
        <button type="button" class="text-button" @click=${() => this.cancel()}>${l10n.t('Cancel')}</button>
      </p>`;
    }
    if (this.wasCancelled) {
      return html`<p class="matrix-state">
        <span>${l10n.t('Not read.')}</span>
        <button type="button" class="text-button" @click=${() => this.again()}>${l10n.t('Read it')}</button>
      </p>`;
    }
    const { tile } = this;
    if (!tile) return html`<p class="matrix-state"></p>`;
    const part = l10n.t(
      'rows {0} to {1} of {2}, columns {3} to {4} of {5}',
      ...[rows[0], rows[1] - 1, this.shape[0], cols[0], cols[1] - 1, this.shape[1]].map(formatCount),
    );
    const isExact = tile.height === tall && tile.width === wide;
    const cell = isExact
      ? l10n.t('each cell is one value')
      : l10n.t('each cell about {0} × {1} values', roughly(tall / tile.height), roughly(wide / tile.width));
    return html`<div class="matrix-state">
      ${this.isTable ? nothing : this.renderScale(tile)}<span class="muted">${part}; ${cell}</span>
      ${
        tile.values.some((value) => !Number.isFinite(value))
          ? html`<span class="matrix-broken">${icon('warning')} ${l10n.t('holds values that are not finite')}</span>`
          : nothing
      }
    </div>`;
  }

  private renderScale(tile: Tile): TemplateResult {
    const end = scaleEnd(tile.values);
    const [negative, zero, positive] = matrixColors(this.theme.value);
    const ramp = `background:linear-gradient(to right, ${negative}, ${zero}, ${positive})`;
    return html`<span class="matrix-scale" aria-hidden="true">
      <span>${formatNumber(-end)}</span><span class="heat-ramp" style=${ramp}></span><span>${formatNumber(end)}</span>
    </span>`;
  }

  private renderCursor(tile: Tile, cursor: Place): TemplateResult {
    const [w] = cellSize(tile, this.size);
    const col = cellAt(tile.cols, tile.width, cursor.col);
    const row = cellAt(tile.rows, tile.height, cursor.row);
    const x = MATRIX_MARGIN.l + (col + 0.5) * w;
    const side = x > this.width / 2 ? `right:${this.width - x + w / 2 + 6}px` : `left:${x + w / 2 + 6}px`;
    const [, h] = cellSize(tile, this.size);
    return html`${this.renderBox(tile, cursor, cursor, 'heat-cursor')}
      <div class="plot-tooltip" style="${side};top:${Math.max(0, MATRIX_MARGIN.t + row * h - 4)}px">
        ${describeCell(tile, row, col, this.pool)}
      </div>`;
  }

  private renderBox(tile: Tile, from: Place, to: Place, className: string): TemplateResult {
    const [w, h] = cellSize(tile, this.size);
    const cols = [cellAt(tile.cols, tile.width, from.col), cellAt(tile.cols, tile.width, to.col)] as const;
    const rows = [cellAt(tile.rows, tile.height, from.row), cellAt(tile.rows, tile.height, to.row)] as const;
    const [left, top] = [Math.min(...cols), Math.min(...rows)];
    const [wide, tall] = [Math.max(...cols) - left + 1, Math.max(...rows) - top + 1];
    const place = `left:${MATRIX_MARGIN.l + left * w - 1}px;top:${MATRIX_MARGIN.t + top * h - 1}px`;
    return html`<div class=${className} style="${place};width:${wide * w + 2}px;height:${tall * h + 2}px"></div>`;
  }

  protected override updated(): void {
    this.request();
    const canvas = this.querySelector('canvas');
    if (!canvas || !this.tile || this.width === 0) return;
    // As many digits as a cell has room for.
    const format = (value: number) => (Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value));
    const view = { ...this.size, density: window.devicePixelRatio };
    drawTile(canvas, this.tile, view, this.theme.value, format);
  }

  private get size(): { readonly width: number; readonly height: number } {
    return { width: this.width, height: this.height };
  }

  /** In the proportions of the part that is shown, within limits. */
  private get height(): number {
    const { rows, cols } = this.window;
    const { l, r, t, b } = MATRIX_MARGIN;
    const natural = ((this.width - l - r) * (rows[1] - rows[0])) / Math.max(1, cols[1] - cols[0]);
    return t + b + Math.round(Math.min(MAX_HEIGHT, Math.max(MIN_HEIGHT, natural)));
  }

  /** Asks for what is on the screen, unless that is what was asked for last. */
  private request(): void {
    const [rows, cols] = this.shape;
    if (this.width === 0 || rows * cols === 0) return;
    const { l, r, t, b } = MATRIX_MARGIN;
    const cells = this.isTable
      ? TABLE_CELLS
      : {
          height: Math.max(1, Math.floor((this.height - t - b) / CELL_PX)),
          width: Math.max(1, Math.floor((this.width - l - r) / CELL_PX)),
        };
    const request = { of: this.of, ...this.window, ...cells, pool: this.pool };
    const { snapshot } = this.store;
    const key = JSON.stringify([request, snapshot.peek()?.revision]);
    if (key === this.asked) return;
    this.asked = key;
    this.abort?.abort();
    const controller = (this.abort = new AbortController());
    void this.load(request, controller);
  }

  private async load(request: Parameters<InspectorStore['tile']>[0], controller: AbortController): Promise<void> {
    this.fraction = 0;
    this.wasCancelled = false;
    const tile = await this.store.tile(request, {
      signal: controller.signal,
      onFraction: (fraction) => {
        if (this.abort === controller) this.fraction = fraction;
      },
    });
    if (this.abort !== controller) return;
    this.fraction = null;
    if (tile) this.tile = tile;
    else this.wasCancelled = true;
  }

  private cancel(): void {
    this.abort?.abort();
  }

  private again(): void {
    this.asked = '';
    this.requestUpdate();
  }

  private isFor({ rows, cols }: Tile): boolean {
    return sameWindow(this.window, { rows, cols });
  }

  private goTo(window: MatrixWindow): void {
    this.window = window;
  }

  private zoomBy(factor: number): void {
    const { rows, cols } = this.window;
    const centre = { row: Math.floor((rows[0] + rows[1]) / 2), col: Math.floor((cols[0] + cols[1]) / 2) };
    this.goTo(zoomed(this.window, this.shape, factor, this.cursor ?? centre));
  }

  private placeAt(event: PointerEvent): Place | undefined {
    const { tile } = this;
    if (!tile) return undefined;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [w, h] = cellSize(tile, this.size);
    const col = Math.floor((event.clientX - box.left - MATRIX_MARGIN.l) / w);
    const row = Math.floor((event.clientY - box.top - MATRIX_MARGIN.t) / h);
    if (col < 0 || row < 0 || col >= tile.width || row >= tile.height) return undefined;
    return { row: cellPart(tile.rows, tile.height, row)[0], col: cellPart(tile.cols, tile.width, col)[0] };
  }

  private readonly onPointerDown = (event: PointerEvent): void => {
    const place = event.button === 0 ? this.placeAt(event) : undefined;
    if (!place) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    this.drag = { from: place, to: place };
  };

  private readonly onPointerMove = (event: PointerEvent): void => {
    const place = this.placeAt(event);
    if (this.drag && place) this.drag = { ...this.drag, to: place };
    this.cursor = place;
  };

  /** A box of more than one cell is zoomed to; a single one is where the cursor goes. */
  private readonly onPointerUp = (): void => {
    const { drag, tile } = this;
    this.drag = undefined;
    if (!drag || !tile) return;
    const span = (part: readonly [number, number], count: number, a: number, b: number) => {
      const [first, last] = [cellAt(part, count, Math.min(a, b)), cellAt(part, count, Math.max(a, b))];
      return { cells: last - first, part: [cellPart(part, count, first)[0], cellPart(part, count, last)[1]] as const };
    };
    const rows = span(tile.rows, tile.height, drag.from.row, drag.to.row);
    const cols = span(tile.cols, tile.width, drag.from.col, drag.to.col);
    if (rows.cells + cols.cells > 0) this.goTo({ rows: rows.part, cols: cols.part });
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const act = this.keyAction(event.key);
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };

  private keyAction(key: string): (() => void) | undefined {
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.moveCursor(0, -1),
      ArrowRight: () => this.moveCursor(0, 1),
      ArrowUp: () => this.moveCursor(-1, 0),
      ArrowDown: () => this.moveCursor(1, 0),
      Home: () => this.moveCursor(0, -Infinity),
      End: () => this.moveCursor(0, Infinity),
      PageUp: () => this.goTo(paged(this.window, this.shape, -1, 0)),
      PageDown: () => this.goTo(paged(this.window, this.shape, 1, 0)),
      '+': () => this.zoomBy(0.5),
      '=': () => this.zoomBy(0.5),
      '-': () => this.zoomBy(2),
      '0': () => this.goTo(wholeWindow(this.shape)),
      Escape: () => (this.cursor = undefined),
    };
    return Object.hasOwn(actions, key) ? actions[key] : undefined;
  }

  /** By cells; past the edge of the view it takes the view along. */
  private moveCursor(byRows: number, byCols: number): void {
    const { tile, window: view } = this;
    if (!tile || !this.isFor(tile)) return;
    const from = this.cursor ?? { row: view.rows[0], col: view.cols[0] };
    const step = (part: readonly [number, number], count: number, at: number, by: number, size: number): number => {
      if (!Number.isFinite(by)) return by < 0 ? part[0] : part[1] - 1;
      // The first key shows where the cursor is.
      if (by === 0 || this.cursor === undefined) return at;
      const [first, end] = cellPart(part, count, cellAt(part, count, at));
      return Math.max(0, Math.min(size - 1, by < 0 ? first - 1 : end));
    };
    this.cursor = {
      row: step(tile.rows, tile.height, from.row, byRows, this.shape[0]),
      col: step(tile.cols, tile.width, from.col, byCols, this.shape[1]),
    };
    const next = showing(view, this.shape, this.cursor);
    if (!sameWindow(next, view)) return this.goTo(next);
    const row = cellAt(tile.rows, tile.height, this.cursor.row);
    this.spoken = describeCell(tile, row, cellAt(tile.cols, tile.width, this.cursor.col), this.pool);
  }

  private savePicture(): void {
    const { tile } = this;
    if (!tile) return;
    try {
      const canvas = document.createElement('canvas');
      const view = { ...this.size, density: 2 };
      drawTile(canvas, tile, view, this.theme.value, formatNumber);
      const context = canvas.getContext('2d');
      if (context) {
        // Under what is drawn: a picture has no page behind it.
        context.globalCompositeOperation = 'destination-over';
        context.fillStyle = this.theme.value.background;
        context.fillRect(0, 0, canvas.width, canvas.height);
      }
      this.store.savePicture(this.name, canvas.toDataURL('image/png'));
    } catch (error) {
      this.store.plotFailed(error);
    }
  }
}

/** "row 3, column 17: 0.0123", or what the cell covers and how it was pooled. */
export function describeCell(tile: Tile, row: number, col: number, pool: Pool): string {
  const [rows, cols] = [cellPart(tile.rows, tile.height, row), cellPart(tile.cols, tile.width, col)];
  const value = tile.values[row * tile.width + col] ?? NaN;
  const text = Number.isFinite(value) ? String(Number(value.toPrecision(7))) : formatNumber(value);
  if (rows[1] - rows[0] === 1 && cols[1] - cols[0] === 1) {
    return l10n.t('row {0}, column {1}: {2}', rows[0], cols[0], text);
  }
  return l10n.t(
    'rows {0} to {1}, columns {2} to {3}, {4}: {5}',
    ...[rows[0], rows[1] - 1, cols[0], cols[1] - 1],
    POOLS[pool].toLowerCase(),
    text,
  );
}

const roughly = (count: number): string => String(Number(count.toPrecision(2)));
