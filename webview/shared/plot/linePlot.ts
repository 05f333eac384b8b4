/** @file A line plot: drawn in place, zoomed by dragging, read by mouse or arrow keys, or shown as a table. */
import * as l10n from '@vscode/l10n';
import type { ReadonlySignal } from '@preact/signals-core';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { SignalElement } from '../signalElement';
import type { Theme } from '../theme';
import { describeReading, MAX_ENTRIES, readingAt, stepOn, type Reading } from './dataCursor';
import { erase, picture } from './draw';
import { yExtent } from './extent';
import { legend, type LegendEntry } from './legend';
import { lineDrawingForPicture, MARGIN, type View } from './lineDrawing';
import { isEmpty, marksInside, withoutHidden, type LineFigure, type Range } from './lineFigure';
import { marksOverlay, readingOverlay } from './lineOverlay';
import { LineSurface } from './lineSurface';
import { lineTable } from './lineTable';
import { plotFrame } from './plotFrame';

@customElement('as-line-plot')
export class LinePlot extends SignalElement {
  @property({ attribute: false }) figure!: LineFigure;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;
  /** What is shown of x. */
  @property({ attribute: false }) xRange: Range = [0, 1];
  /** Empty: no legend. */
  @property({ attribute: false }) legendEntries: readonly LegendEntry[] = [];
  @property({ attribute: false }) controls: TemplateResult | typeof nothing = nothing;
  @property({ type: Number }) height = 240;
  /** A part of x was chosen; null: everything. */
  @property({ attribute: false }) onZoom: (range: Range | null) => void = () => {};
  @property({ attribute: false }) onPicture: (name: string, dataUrl: string) => void = () => {};
  @property({ attribute: false }) onFailure: (error: unknown) => void = () => {};

  @state() private width = 0;
  @state() private isTable = false;
  @state() private hiddenKeys: ReadonlySet<string> = new Set();
  /** Chosen with a box; holds while the range of x is a chosen one too. */
  @state() private yRange: Range | null = null;
  @state() private reading: Reading | undefined;
  /** Said by a screen reader; follows the keys, not the mouse. */
  @state() private spoken = '';
  /** The curve on which the arrow keys move. */
  private keyCurve = 0;
  private surface: LineSurface | undefined;
  private readonly resize = new ResizeObserver(([entry]) => (this.width = Math.floor(entry?.contentRect.width ?? 0)));

  override connectedCallback(): void {
    super.connectedCallback();
    this.resize.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resize.disconnect();
    this.removeSurface();
  }

  protected override render(): TemplateResult {
    const isDrawn = !this.isTable && !isEmpty(this.figure);
    return plotFrame({
      title: this.figure.title,
      isTable: this.isTable,
      onToggleTable: () => (this.isTable = !this.isTable),
      onSavePicture: isEmpty(this.figure) ? undefined : () => void this.savePicture(),
      controls: this.controls,
      body: html`${this.isTable ? lineTable(this.shown, this.xRange) : isDrawn ? this.renderPlot() : this.renderEmpty()}
      ${
        this.legendEntries.length > 0 ? legend(this.legendEntries, this.hiddenKeys, (key) => this.toggle(key)) : nothing
      }`,
    });
  }

  private renderEmpty(): TemplateResult {
    return html`<div class="plot-empty" style="min-height:${this.height}px"><p>${this.figure.emptyText}</p></div>`;
  }

  private renderPlot(): TemplateResult {
    return html`<div
        class="plot-surface"
        style="height:${this.height}px"
        tabindex="0"
        role="application"
        aria-roledescription=${l10n.t('line plot')}
        aria-label=${this.description}
        @keydown=${this.onKey}
        @pointermove=${this.onPointer}
        @pointerleave=${() => (this.reading = undefined)}
        @blur=${() => (this.reading = undefined)}
      >
        <div class="plot-canvas" aria-hidden="true"></div>
        ${marksOverlay(this.figure, this.xRange, this.width)}
        ${this.reading ? readingOverlay(this.figure, this.reading, this.xRange, this.width) : nothing}
      </div>
      <div class="visually-hidden" aria-live="polite">${this.spoken}</div>`;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('figure');
    // Another axis has other units, so what was chosen in the old ones means nothing.
    if (before && (before.isLogY !== this.figure.isLogY || before.x.label !== this.figure.x.label)) this.yRange = null;
  }

  protected override updated(): void {
    const canvas = this.querySelector<HTMLElement>('.plot-canvas');
    if (canvas !== this.surface?.canvas) this.removeSurface();
    if (!canvas || this.width === 0) return;
    this.surface ??= new LineSurface(canvas, {
      onZoom: (x, y) => {
        this.yRange = y;
        if (x) this.onZoom(x);
      },
      onReset: () => this.reset(),
      onFailure: (error) => this.onFailure(error),
    });
    this.surface.show(this.shown, this.view, this.theme.value);
  }

  /** Everything again, in both directions. */
  reset(): void {
    this.yRange = null;
    this.onZoom(null);
  }

  /** For those who do not see the plot: what it shows, what is marked on it and which keys work in it. */
  private get description(): string {
    const { title, x } = this.figure;
    const names = this.shown.curves.map(({ name }) => name);
    const marks = marksInside(this.figure, this.xRange).map(({ label }) => label);
    const marked = marks.length > 0 ? [l10n.t('Marked: {0}.', listed(marks))] : [];
    const drawn = l10n.t(
      '{0} over {1}. {2} curves: {3}. Left and right move the data cursor, up and down change the curve, plus and minus zoom, 0 shows everything.',
      title,
      x.label,
      names.length,
      names.join(', '),
    );
    return [drawn, ...marked].join(' ');
  }

  private get shown(): LineFigure {
    return withoutHidden(this.figure, this.hiddenKeys);
  }

  private get view(): View {
    const y = this.yRange ?? yExtent(this.shown, this.xRange);
    return { x: this.xRange, y, width: this.width, height: this.height };
  }

  private toggle(key: string): void {
    const next = new Set(this.hiddenKeys);
    if (!next.delete(key)) next.add(key);
    this.hiddenKeys = next;
  }

  private readonly onPointer = (event: PointerEvent): void => {
    const surface = event.currentTarget as HTMLElement;
    const [low, high] = this.xRange;
    const fromLeft = event.clientX - surface.getBoundingClientRect().left - MARGIN.l;
    const place = low + (fromLeft / (this.width - MARGIN.l - MARGIN.r)) * (high - low);
    this.reading = place < low || place > high ? undefined : readingAt(this.shown, place, this.xRange);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const act = this.keyAction(event.key);
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };

  private keyAction(key: string): (() => void) | undefined {
    const curve = this.shown.curves[this.keyCurve] ?? this.shown.curves[0];
    const page = Math.max(1, Math.round((curve?.x.length ?? 0) / 10));
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => this.moveCursor(-1),
      ArrowRight: () => this.moveCursor(1),
      PageUp: () => this.moveCursor(-page),
      PageDown: () => this.moveCursor(page),
      Home: () => this.moveCursor(-Infinity),
      End: () => this.moveCursor(Infinity),
      ArrowUp: () => this.changeCurve(-1),
      ArrowDown: () => this.changeCurve(1),
      '+': () => this.zoomBy(0.5),
      '=': () => this.zoomBy(0.5),
      '-': () => this.zoomBy(2),
      '0': () => this.reset(),
      Escape: () => (this.reading = undefined),
    };
    return Object.hasOwn(actions, key) ? actions[key] : undefined;
  }

  private moveCursor(by: number): void {
    const figure = this.shown;
    const curve = figure.curves[this.keyCurve] ?? figure.curves[0];
    if (!curve) return;
    const [low, high] = this.xRange;
    const isJump = !Number.isFinite(by);
    const from = isJump ? (by < 0 ? low : high) : this.reading?.x;
    const x = stepOn(curve, from, isJump ? 0 : by, this.xRange);
    this.reading = x === undefined ? undefined : readingAt(figure, x, this.xRange);
    this.spoken = this.reading ? describeReading(figure, this.reading) : l10n.t('No point here.');
  }

  private changeCurve(by: number): void {
    const { curves } = this.shown;
    if (curves.length === 0) return;
    this.keyCurve = (this.keyCurve + by + curves.length) % curves.length;
    this.spoken = l10n.t('On {0}.', curves[this.keyCurve]?.name ?? '');
  }

  private zoomBy(factor: number): void {
    const [low, high] = this.xRange;
    const centre = this.reading?.x ?? (low + high) / 2;
    this.onZoom([centre - (centre - low) * factor, centre + (high - centre) * factor]);
  }

  private async savePicture(): Promise<void> {
    try {
      const drawing = lineDrawingForPicture(this.shown, this.view, this.theme.value);
      this.onPicture(this.figure.title, await picture(drawing));
    } catch (error) {
      this.onFailure(error);
    }
  }

  private removeSurface(): void {
    if (!this.surface) return;
    this.surface.dispose();
    erase(this.surface.canvas);
    this.surface = undefined;
  }
}

/** The table has all of them. */
function listed(marks: readonly string[]): string {
  const more = marks.length - MAX_ENTRIES;
  return [...marks.slice(0, MAX_ENTRIES), ...(more > 0 ? [l10n.t('and {0} more', more)] : [])].join('; ');
}
