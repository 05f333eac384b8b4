/** @file The part of x that the plots of a page show together, and how finely their curves are asked for. */
import { computed, signal } from '@preact/signals-core';
import type { XAxis } from '../../protocol/dashboard';
import { padded } from '../plot/extent';
import type { Range } from '../plot/lineFigure';
import type { CurveChoices } from './curveChoices';

export abstract class CurveStore {
  abstract readonly choices: CurveChoices;
  /** The chosen part of the x axis of the metric plots; null: everything. */
  readonly zoom = signal<Range | null>(null);
  /** Buckets a curve is asked in: about the width of a plot in pixels. */
  readonly buckets = signal(400);
  /** From the first to the last point, from the last pull that was not zoomed. */
  protected readonly extent = signal<Range>([0, 1]);
  readonly xRange = computed<Range>(() => this.zoom.value ?? padded(this.extent.value));

  abstract savePicture(name: string, dataUrl: string): void;
  abstract plotFailed(error: unknown): void;

  /** Chooses a part of x; what reaches past both ends of the run, or null, shows everything. */
  zoomTo(range: Range | null): void {
    if (range === null) return void (this.zoom.value = null);
    const [low, high] = padded(this.extent.value);
    const next: Range = [Math.max(low, range[0]), Math.min(high, range[1])];
    // Below a millionth of the run there is nothing to see, and floating-point ticks run together.
    if (next[1] - next[0] <= (high - low) * 1e-6) return;
    this.zoom.value = next[0] <= low && next[1] >= high ? null : next;
  }

  zoomBy(factor: number): void {
    const [low, high] = this.xRange.value;
    const [centre, half] = [(low + high) / 2, ((high - low) / 2) * factor];
    this.zoomTo([centre - half, centre + half]);
  }

  setXAxis(x: XAxis): void {
    if (x === this.choices.xAxis.value) return;
    // A range in other units means nothing.
    this.zoom.value = null;
    this.choices.xAxis.value = x;
  }
}
