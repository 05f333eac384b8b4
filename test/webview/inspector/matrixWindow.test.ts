/** @file Moving about in a matrix: windows stay inside it, cells cover it without gap or overlap. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cellAt,
  cellPart,
  paged,
  showing,
  wholeWindow,
  zoomed,
  type MatrixWindow,
} from '../../../webview/inspector/matrixWindow';

const shapes = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 5000 }));
const places = shapes.chain((shape) =>
  fc.record({
    shape: fc.constant(shape),
    row: fc.nat(shape[0] - 1),
    col: fc.nat(shape[1] - 1),
    factors: fc.array(fc.constantFrom(0.5, 2, 0.3, 5), { maxLength: 20 }),
  }),
);

const isInside = ({ rows, cols }: MatrixWindow, shape: readonly [number, number]) =>
  [rows, cols].every(([from, to], i) => from >= 0 && to <= shape[i]! && to > from && Number.isInteger(from + to));

describe('a window of a matrix', () => {
  it('stays inside, and zooming in keeps the place under the cursor in view', () => {
    fc.assert(
      fc.property(places, ({ shape, row, col, factors }) => {
        let window = wholeWindow(shape);
        for (const factor of factors) {
          window = zoomed(window, shape, factor, { row, col });
          expect(isInside(window, shape)).toBe(true);
          expect(showing(window, shape, { row, col })).toEqual(window);
        }
        expect(isInside(paged(window, shape, 1, -1), shape)).toBe(true);
      }),
    );
  });

  it('shows no more than everything, and no less than four values', () => {
    let window = wholeWindow([100, 3]);
    for (let i = 0; i < 20; i++) window = zoomed(window, [100, 3], 0.5, { row: 99, col: 0 });
    expect(window).toEqual({ rows: [96, 100], cols: [0, 3] });
    for (let i = 0; i < 20; i++) window = zoomed(window, [100, 3], 2, { row: 99, col: 0 });
    expect(window).toEqual(wholeWindow([100, 3]));
  });

  it('follows a cursor that leaves it, and no further', () => {
    const window = { rows: [10, 20], cols: [0, 5] } as const;
    expect(showing(window, [100, 50], { row: 20, col: 4 })).toEqual({ rows: [11, 21], cols: [0, 5] });
    expect(showing(window, [100, 50], { row: 9, col: 49 })).toEqual({ rows: [9, 19], cols: [45, 50] });
  });

  it('is paged by its own size up to the edges', () => {
    const window = { rows: [0, 40], cols: [5, 10] } as const;
    expect(paged(window, [100, 50], 1, 0)).toEqual({ rows: [40, 80], cols: [5, 10] });
    expect(paged(window, [100, 50], 3, 0).rows).toEqual([60, 100]);
  });
});

describe('cells over a part', () => {
  it('cover every place once', () => {
    fc.assert(
      fc.property(
        fc.nat(100),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 400 }),
        (from, span, wish) => {
          const part = [from, from + span] as const;
          const count = Math.min(wish, span);
          for (let at = from; at < from + span; at++) {
            const cell = cellAt(part, count, at);
            const [first, end] = cellPart(part, count, cell);
            expect(first <= at && at < end).toBe(true);
          }
          expect(cellPart(part, count, 0)[0]).toBe(from);
          expect(cellPart(part, count, count - 1)[1]).toBe(from + span);
        },
      ),
    );
  });
});
