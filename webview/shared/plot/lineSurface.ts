/** @file The drawn part of a line plot: hands figures to the plot library one at a time, and hears its drags. */
import type { Theme } from '../theme';
import { inTurn } from '../turns';
import { draw, hasChanged } from './draw';
import { lineDrawing, type View } from './lineDrawing';
import type { LineFigure, Range } from './lineFigure';

export interface SurfaceListeners {
  /** A box or a band was dragged; a side that was not chosen is null. Ranges in units of the axes. */
  readonly onZoom: (x: Range | null, y: Range | null) => void;
  readonly onReset: () => void;
  readonly onFailure: (error: unknown) => void;
}

export class LineSurface {
  private due: readonly [LineFigure, View, Theme] | undefined;
  private isDrawing = false;
  private isDragging = false;
  private hasListeners = false;
  private isLogY = false;
  private readonly stop = new AbortController();

  constructor(
    readonly canvas: HTMLElement,
    private readonly listeners: SurfaceListeners,
  ) {
    const { signal } = this.stop;
    // Drawing anew would end a drag of the person, so what arrives meanwhile waits.
    canvas.addEventListener('pointerdown', () => (this.isDragging = true), { signal, capture: true });
    window.addEventListener('pointerup', () => this.endDrag(), { signal, capture: true });
    window.addEventListener('pointercancel', () => this.endDrag(), { signal, capture: true });
  }

  show(figure: LineFigure, view: View, theme: Theme): void {
    this.due = [figure, view, theme];
    if (!this.isDrawing && !this.isDragging) void this.drawDue();
  }

  dispose(): void {
    this.due = undefined;
    this.stop.abort();
  }

  private endDrag(): void {
    if (!this.isDragging) return;
    // After the library has handled the same event.
    setTimeout(() => {
      this.isDragging = false;
      if (!this.isDrawing) void this.drawDue();
    });
  }

  private async drawDue(): Promise<void> {
    this.isDrawing = true;
    try {
      while (this.due && !this.isDragging) await inTurn(() => this.drawOne());
    } catch (error) {
      this.listeners.onFailure(error);
    } finally {
      this.isDrawing = false;
    }
  }

  /** The plots of a page change together, but each is drawn in its turn, with what is due by then. */
  private async drawOne(): Promise<void> {
    if (!this.due || this.isDragging) return;
    const [figure, view, theme] = this.due;
    this.due = undefined;
    this.isLogY = figure.isLogY;
    const element = await draw(this.canvas, lineDrawing(figure, view, theme));
    if (this.hasListeners || this.stop.signal.aborted) return;
    this.hasListeners = true;
    element.on('plotly_relayout', (change) => this.onRelayout(change));
    element.on('plotly_doubleclick', () => this.listeners.onReset());
  }

  private onRelayout(change: Readonly<Record<string, unknown>>): void {
    hasChanged(this.canvas);
    const x = rangeOf(change, 'xaxis');
    const y = rangeOf(change, 'yaxis');
    if (x || y) this.listeners.onZoom(x, y && this.isLogY ? [10 ** y[0], 10 ** y[1]] : y);
  }
}

function rangeOf(change: Readonly<Record<string, unknown>>, axis: string): Range | null {
  const low = change[`${axis}.range[0]`];
  const high = change[`${axis}.range[1]`];
  return typeof low === 'number' && typeof high === 'number' ? [Math.min(low, high), Math.max(low, high)] : null;
}
