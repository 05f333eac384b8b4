/** @file Ranges of axes, stated by us rather than found by the plot library: plots side by side agree, and live points do not shake them. */
import type { Curve, LineFigure, Range } from './lineFigure';

/** From the first to the last x of all curves; undefined without points. */
export function xExtent(curves: readonly Pick<Curve, 'x'>[]): Range | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const { x } of curves) {
    if (x.length === 0) continue;
    low = Math.min(low, x[0]!);
    high = Math.max(high, x[x.length - 1]!);
  }
  return low <= high ? [low, high] : undefined;
}

/** A little air left and right, and a width where there is only one point. */
export function padded([low, high]: Range, share = 0.015): Range {
  const pad = high > low ? (high - low) * share : Math.max(1, Math.abs(low) * 0.5);
  return [low - pad, high + pad];
}

/** The range of y that the points inside `xRange` need, in units of y, also for a logarithmic axis (only what is above 0 counts there). */
export function yExtent(figure: LineFigure, xRange: Range): Range {
  let low = Infinity;
  let high = -Infinity;
  for (const { x, y } of figure.curves) {
    for (let i = 0; i < x.length; i++) {
      const value = y[i];
      if (x[i]! < xRange[0] || x[i]! > xRange[1] || typeof value !== 'number' || !Number.isFinite(value)) continue;
      if (figure.isLogY && value <= 0) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return figure.isLogY ? [0.1, 10] : [0, 1];
  return figure.isLogY ? paddedLog(low, high) : paddedLinear(low, high);
}

/** All positive values that come near 0 compared with their spread start at 0: a loss that falls to 0.1 is read against 0. */
function paddedLinear(low: number, high: number): Range {
  const spread = high - low;
  // So close to 0 that a part of it is 0 again, and air around it none.
  if (Math.max(Math.abs(low), Math.abs(high)) < 1e-300) return [-1, 1];
  if (spread === 0) return [low - Math.abs(low) * 0.5, low + Math.abs(low) * 0.5];
  const bottom = low - spread * 0.06;
  return [low >= 0 && bottom < spread * 0.15 ? Math.min(0, low) : bottom, high + spread * 0.06];
}

function paddedLog(low: number, high: number): Range {
  const factor = Math.max(1.1, (high / low) ** 0.06);
  return [low / factor, high * factor];
}
