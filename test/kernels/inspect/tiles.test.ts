/** @file Parts of matrices as heat maps show them: exact where there is a cell for each value, pooled over all of them else. */
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { deltaMatrix, tensorMatrix, type BlockMatrix } from '../../../kernels/inspect/matrixBlocks';
import { readTile } from '../../../kernels/inspect/tiles';
import type { Pool } from '../../../kernels/protocol/calls/inspect';
import { temporaryFolder } from '../../support/tinyModel';

const folder = temporaryFolder();

/** The definition, value by value. */
function pooled(values: readonly number[], pool: Pool): number {
  if (values.length > 1 && !values.every(Number.isFinite)) return NaN;
  if (pool === 'max') return Math.max(...values);
  if (pool === 'min') return Math.min(...values);
  if (pool === 'mean') return values.reduce((sum, v) => sum + v, 0) / values.length;
  // Of two values with the same magnitude the positive one.
  const most = Math.max(...values.map(Math.abs));
  return values.includes(most) ? most : -most;
}

const dense = (rows: number, cols: number, values: ArrayLike<number>): BlockMatrix => ({
  rows,
  cols,
  read: ({ rows: [top, bottom], cols: [left, right] }) =>
    Array.from({ length: bottom - top }, (_, i) =>
      Array.from({ length: right - left }, (_, j) => values[(top + i) * cols + left + j] as number),
    ).flat(),
});

const range = (size: number) =>
  fc
    .tuple(fc.nat(size), fc.nat(size))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    .filter(([a, b]) => b > a);

const matrices = fc
  .record({ rows: fc.integer({ min: 1, max: 12 }), cols: fc.integer({ min: 1, max: 12 }) })
  .chain(({ rows, cols }) =>
    fc.record({
      rows: fc.constant(rows),
      cols: fc.constant(cols),
      values: fc.array(
        fc.oneof({ weight: 9, arbitrary: fc.double({ noNaN: true, min: -9, max: 9 }) }, fc.constant(NaN)),
        {
          minLength: rows * cols,
          maxLength: rows * cols,
        },
      ),
      part: fc.record({ rows: range(rows), cols: range(cols) }),
      height: fc.integer({ min: 1, max: 14 }),
      width: fc.integer({ min: 1, max: 14 }),
      pool: fc.constantFrom<Pool>('mean', 'max', 'min', 'extreme'),
    }),
  );

test('every cell is the pool of the values it covers, and every value is under one cell', async () => {
  await fc.assert(
    fc.asyncProperty(matrices, async ({ rows, cols, values, part, height, width, pool }) => {
      const tile = await readTile(dense(rows, cols, values), { ...part, height, width, pool });
      const [tall, wide] = [part.rows[1] - part.rows[0], part.cols[1] - part.cols[0]];
      expect([tile.height, tile.width]).toEqual([Math.min(height, tall), Math.min(width, wide)]);
      const isExact = tile.height === tall && tile.width === wide;
      let covered = 0;
      for (let i = 0; i < tile.height; i++) {
        for (let j = 0; j < tile.width; j++) {
          const under: number[] = [];
          for (let r = Math.floor((i * tall) / tile.height); r < Math.floor(((i + 1) * tall) / tile.height); r++) {
            for (let c = Math.floor((j * wide) / tile.width); c < Math.floor(((j + 1) * wide) / tile.width); c++) {
              under.push(values[(part.rows[0] + r) * cols + part.cols[0] + c] as number);
            }
          }
          covered += under.length;
          const cell = tile.values[i * tile.width + j] as number;
          if (isExact) expect(cell).toBe(under[0]);
          else if (under.every(Number.isFinite)) expect(cell).toBeCloseTo(pooled(under, pool), 12);
          else expect(cell).toBeNaN();
        }
      }
      expect(covered).toBe(tall * wide);
    }),
    { numRuns: 150 },
  );
});

test('a part of a delta weight is that part of scaling · B · A', async () => {
  const small = fc.double({ min: -2, max: 2, noNaN: true });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 4 }),
      fc.double({ min: 0.1, max: 4, noNaN: true }),
      fc.infiniteStream(small),
      async (out, input, rank, scaling, numbers) => {
        const take = (n: number): Float32Array =>
          Float32Array.from({ length: n }, () => numbers.next().value as number);
        const [a, b] = [take(rank * input), take(out * rank)];
        const product = Array.from({ length: out * input }, (_, at) => {
          let sum = 0;
          for (let k = 0; k < rank; k++)
            sum += (b[Math.floor(at / input) * rank + k] ?? 0) * (a[k * input + (at % input)] ?? 0);
          return scaling * sum;
        });
        const delta = deltaMatrix([{ a, b, rank, scaling, inFeatures: input, outFeatures: out }]);
        const whole = { rows: [0, out], cols: [0, input] } as const;
        const exact = await readTile(delta, { ...whole, height: out, width: input, pool: 'mean' });
        exact.values.forEach((value, i) => expect(value).toBeCloseTo(product[i] ?? NaN, 10));
        const overview = await readTile(delta, { ...whole, height: 1, width: 1, pool: 'max' });
        expect(overview.values[0]).toBeCloseTo(Math.max(...product), 10);
        const corner = { rows: [out - 1, out], cols: [input - 1, input] } as const;
        const last = await readTile(delta, { ...corner, height: 9, width: 9, pool: 'max' });
        expect([...last.values]).toEqual([exact.values.at(-1)]);
      },
    ),
    { numRuns: 60 },
  );
});

describe('a tensor in its file', () => {
  const write = (name: string, shape: readonly number[], values: Float32Array, dtype: 'F32' | 'F16' = 'F32') => {
    const file = path.join(folder, `${name}.safetensors`);
    const writer = SafetensorsWriter.create(file, [{ name, dtype, shape }]);
    writer.writeF32(name, values);
    writer.commit();
    return openSafetensors(file);
  };
  const count = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);

  test('is read by rows and by parts of rows', async () => {
    const file = write('matrix', [5, 7], count(35), 'F16');
    const matrix = tensorMatrix(file, 'matrix');
    const tile = await readTile(matrix, { rows: [1, 3], cols: [2, 5], height: 9, width: 9, pool: 'mean' });
    expect([...tile.values]).toEqual([9, 10, 11, 16, 17, 18]);
    const rows = await readTile(matrix, { rows: [4, 5], cols: [0, 7], height: 1, width: 7, pool: 'mean' });
    expect([...rows.values]).toEqual([28, 29, 30, 31, 32, 33, 34]);
    file.close();
  });

  test.each([
    [[], [1, 1]],
    [[6], [1, 6]],
    [
      [2, 3, 1],
      [6, 1],
    ],
    [
      [3, 0],
      [3, 0],
    ],
  ] as const)('of shape %j is seen as %j', (shape, expected) => {
    const file = write(`shape${shape.length}${shape.join('')}`, shape, count(shape.reduce((n: number, d) => n * d, 1)));
    const name = [...file.tensors.keys()][0] ?? '';
    const { rows, cols } = tensorMatrix(file, name);
    expect([rows, cols]).toEqual(expected);
    file.close();
  });

  test('of one long row is read in parts, its largest value found in a late one', async () => {
    const values = new Float32Array(1_500_000);
    values[1_400_000] = -3;
    const file = write('long', [1_500_000], values);
    const matrix = tensorMatrix(file, 'long');
    const whole = { rows: [0, 1], cols: [0, 1_500_000], height: 4, width: 15 } as const;
    const { values: cells } = await readTile(matrix, { ...whole, pool: 'extreme' });
    expect([...cells]).toEqual(Array.from({ length: 15 }, (_, i) => (i === 14 ? -3 : 0)));
    file.close();
  });

  test('is refused outside its shape, and left when told to', async () => {
    const file = write('small', [2, 2], count(4));
    const matrix = tensorMatrix(file, 'small');
    const tile = { rows: [0, 2], cols: [0, 3], height: 2, width: 2, pool: 'mean' } as const;
    await expect(readTile(matrix, tile)).rejects.toThrow(/columns 0 to 3.*inside \[2, 2\]/);
    const good = { ...tile, cols: [0, 2] } as const;
    await expect(readTile(matrix, { ...good, height: 1e7 })).rejects.toThrow(/at most 1048576 cells/);
    await expect(readTile(matrix, good, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    file.close();
  });
});
