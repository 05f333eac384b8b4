import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatValue, logTicks, tickOptions } from '../../../../webview/shared/plot/axes';
import { describeReading, nearestIndex, readingAt, stepOn } from '../../../../webview/shared/plot/dataCursor';
import { padded, xExtent, yExtent } from '../../../../webview/shared/plot/extent';
import { lineDrawing } from '../../../../webview/shared/plot/lineDrawing';
import type { Curve, LineFigure } from '../../../../webview/shared/plot/lineFigure';
import { tableRows } from '../../../../webview/shared/plot/lineTable';
import { readTheme } from '../../../../webview/shared/theme';

const style = { color: '#ff0000', dash: 'solid', width: 1 } as const;
const curve = (name: string, x: readonly number[], y: readonly (number | null)[]): Curve => ({
  name,
  legendKey: name,
  x,
  y,
  style,
});
const figure = (curves: readonly Curve[], isLogY = false): LineFigure => ({
  title: 'Loss',
  x: { label: 'step', kind: 'count' },
  y: { label: 'loss', kind: 'number' },
  isLogY,
  curves,
  marks: [],
  emptyText: '',
});
const ascending = fc
  .uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 })
  .map((xs) => xs.sort((a, b) => a - b));

describe('the data cursor', () => {
  it('finds the nearest point', () => {
    fc.assert(
      fc.property(ascending, fc.double({ min: -1500, max: 1500, noNaN: true }), (xs, place) => {
        const found = Math.abs(xs[nearestIndex(xs, place)]! - place);
        expect(found).toBe(Math.min(...xs.map((x) => Math.abs(x - place))));
      }),
    );
    expect(nearestIndex([], 1)).toBe(-1);
  });

  it('reads all curves at one place, and sparse ones only where they have a point', () => {
    const both = figure([curve('train', [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]), curve('eval', [1, 5], [6, 2])]);
    expect(readingAt(both, 2.2, [0, 6])).toMatchObject({ x: 2, entries: [{ value: 4 }] });
    const last = readingAt(both, 9, [0, 6])!;
    expect(describeReading(both, last)).toBe('step 5: train 1, eval 2');
    expect(readingAt(both, 3, [10, 20])).toBeUndefined();
  });

  it('tells what is marked at the place, and the table has it too', () => {
    const marks = [{ x: 5, label: 'Resumed at step 5' }];
    const marked = { ...figure([curve('train', [1, 4], [5, 4])]), marks };
    expect(describeReading(marked, readingAt(marked, 5, [0, 6])!)).toBe('step 4: train 4');
    const near = { ...marked, marks: [{ x: 4.01, label: 'Resumed' }] };
    expect(describeReading(near, readingAt(near, 5, [0, 6])!)).toBe('step 4: train 4. Resumed');
    expect(tableRows(marked, [0, 6]).rows.at(-1)).toEqual({ x: 5, values: [null], marks: ['Resumed at step 5'] });
    expect(tableRows(marked, [0, 4]).rows.at(-1)).toMatchObject({ x: 4, marks: [] });
  });

  it('steps from point to point and stays in the range', () => {
    const c = curve('train', [1, 2, 3, 4, 5], [1, 1, 1, 1, 1]);
    expect(stepOn(c, undefined, 1, [2, 4])).toBe(2);
    expect(stepOn(c, undefined, -1, [2, 4])).toBe(4);
    expect(stepOn(c, 2, 1, [2, 4])).toBe(3);
    expect(stepOn(c, 4, 5, [2, 4])).toBe(4);
    expect(stepOn(c, 3, 1, [10, 20])).toBeUndefined();
  });
});

describe('extents', () => {
  it('hold every visible point', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (ys) => {
        const [low, high] = yExtent(
          figure([
            curve(
              'c',
              ys.map((_, i) => i),
              ys,
            ),
          ]),
          [0, ys.length],
        );
        expect(low).toBeLessThanOrEqual(Math.min(...ys));
        expect(high).toBeGreaterThanOrEqual(Math.max(...ys));
        expect(high).toBeGreaterThan(low);
      }),
      { examples: [[[5e-324]], [[0, 5e-324]], [[0]], [[1e6, 1e6]]] },
    );
  });

  it('leave out what is not in view, not a number, or not above zero on a logarithmic axis', () => {
    const c = curve('c', [1, 2, 3, 4], [100, 0, 2, NaN]);
    const [low, high] = yExtent(figure([c], true), [2, 4]);
    expect(low).toBeCloseTo(2 / 1.1);
    expect(high).toBeCloseTo(2 * 1.1);
    expect(yExtent(figure([curve('c', [1], [0])], true), [0, 2])).toEqual([0.1, 10]);
  });

  it('have a width even for one point', () => {
    expect(xExtent([curve('c', [], [])])).toBeUndefined();
    const [low, high] = padded(xExtent([curve('c', [7], [1])])!);
    expect(low).toBeLessThan(7);
    expect(high).toBeGreaterThan(7);
  });
});

describe('the table', () => {
  it('keeps the last row and every point of a sparse curve', () => {
    const x = Array.from({ length: 5000 }, (_, i) => i);
    const { rows, total } = tableRows(figure([curve('train', x, x), curve('eval', [3, 17], [1, 2])]), [0, 5000]);
    expect(total).toBe(5000);
    expect(rows.length).toBeLessThanOrEqual(202);
    expect(rows.at(-1)!.x).toBe(4999);
    expect(rows.find((row) => row.x === 17)!.values).toEqual([17, 2]);
  });

  it('has only rows inside the range', () => {
    const { rows } = tableRows(figure([curve('c', [1, 2, 3], [1, 2, 3])]), [1.5, 3]);
    expect(rows.map((row) => row.x)).toEqual([2, 3]);
  });
});

describe('axes', () => {
  it('have ticks at round durations', () => {
    expect(tickOptions('duration', [0, 3600], 6)).toEqual({
      tickvals: [0, 600, 1200, 1800, 2400, 3000, 3600],
      ticktext: ['0', '10 min', '20 min', '30 min', '40 min', '50 min', '1 h'],
    });
  });

  it.each([
    [[0.3, 6], 8, ['0.5', '1', '2', '5']],
    [[1e-7, 2], 8, ['1e-7', '1e-6', '1e-5', '0.0001', '0.001', '0.01', '0.1', '1']],
    [[1e-13, 2], 8, ['1e-13', '1e-11', '1e-9', '1e-7', '1e-5', '0.001', '0.1']],
    [[812, 952], 5, ['850', '900', '950']],
  ] as const)('have readable ticks on a logarithmic scale over %j', (range, count, texts) => {
    expect(logTicks('number', range, count)).toMatchObject({ ticktext: texts });
  });

  it('have no ticks between steps', () => {
    expect(tickOptions('count', [0, 3], 8)).toEqual({ dtick: 1 });
  });

  it('say values in their own unit', () => {
    expect(formatValue('bytes', 2e9)).toBe('2 GB');
    expect(formatValue('duration', 90)).toBe('1 min 30 s');
    expect(formatValue('count', 12_345)).toBe('12,345');
  });
});

describe('the drawing', () => {
  const view = { x: [0, 4], y: [1, 100], width: 500, height: 200 } as const;
  const theme = readTheme(document);

  it('states both ranges, the logarithmic one in powers of ten', () => {
    expect(lineDrawing(figure([curve('c', [1, 2], [1, 2])], true), view, theme).layout).toMatchObject({
      xaxis: { range: [0, 4] },
      yaxis: { type: 'log', range: [0, 2] },
    });
  });

  it('shows a single point as a marker', () => {
    const modes = lineDrawing(figure([curve('a', [1], [1]), curve('b', [1, 2], [1, 2])]), view, theme).data.map(
      (t) => t['mode'],
    );
    expect(modes).toEqual(['lines+markers', 'lines']);
  });
});
