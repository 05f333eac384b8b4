/** @file Fewer points for the screen without losing a spike: the smallest and the largest value of every bucket of x. */

/**
 * Indices of the points to draw, ascending: all of them when there are at most 2·`buckets`; otherwise the first, the last,
 * and the minimum and maximum of each of `buckets` equal parts of the x range. Points whose y is not finite are kept by
 * the first of each gap, so that a line is broken where values are missing. `x` must not fall.
 */
export function decimate(x: Float64Array, y: Float64Array, buckets: number): Uint32Array {
  const count = x.length;
  if (count <= 2 * buckets || buckets < 1) return Uint32Array.from({ length: count }, (_, i) => i);
  const first = x[0]!;
  const width = (x[count - 1]! - first) / buckets;
  const kept: number[] = [];
  const keep = (index: number) => {
    if (index >= 0 && kept[kept.length - 1] !== index) kept.push(index);
  };
  keep(0);
  let start = 0;
  while (start < count) {
    const bucket = bucketOf(x[start]!, first, width, buckets);
    let low = -1;
    let high = -1;
    let gap = -1;
    let end = start;
    for (; end < count && bucketOf(x[end]!, first, width, buckets) === bucket; end++) {
      const value = y[end]!;
      if (!Number.isFinite(value)) {
        if (gap < 0) gap = end;
        continue;
      }
      if (low < 0 || value < y[low]!) low = end;
      if (high < 0 || value > y[high]!) high = end;
    }
    for (const index of [low, high, gap].sort((a, b) => a - b)) keep(index);
    start = end;
  }
  keep(count - 1);
  return Uint32Array.from(kept);
}

function bucketOf(x: number, first: number, width: number, buckets: number): number {
  return width > 0 ? Math.min(buckets - 1, Math.floor((x - first) / width)) : 0;
}
