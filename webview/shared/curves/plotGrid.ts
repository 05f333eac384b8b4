/** @file Plots side by side that share the range of x; their width says how finely curves are asked for. */
import { property } from 'lit/decorators.js';
import { SignalElement } from '../signalElement';
import type { CurveStore } from './curveStore';

/** A pixel shows the minimum and maximum of a bucket; more buckets than pixels are wasted, fewer than this look coarse. */
const BUCKETS = { min: 200, max: 1000 } as const;

export abstract class PlotGrid<S extends CurveStore> extends SignalElement {
  @property({ attribute: false }) store!: S;

  private readonly resize = new ResizeObserver(([entry]) => {
    // In steps, so that dragging the edge of the panel does not pull for every pixel.
    const width = Math.round((entry?.contentRect.width ?? 0) / 100) * 100;
    this.store.buckets.value = Math.min(BUCKETS.max, Math.max(BUCKETS.min, width));
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.resize.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.resize.disconnect();
  }
}
