/** @file Weights that bitsandbytes quantised: its own values to the bit, ranges of rows, and every part that does not fit. */
import fc from 'fast-check';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { quantise, type Scheme } from '../../support/quantise';
import { randomValues, temporaryFolder, writeTinyModel } from '../../support/tinyModel';
import { quantisedFile } from '../../support/quantisedFile';

const golden = path.join(import.meta.dirname, '../../golden');

describe('what bitsandbytes quantised', () => {
  it.each([
    ['llama-nf4', '18-lora-llama-nf4', false],
    ['gpt2-fp4', '18-dora-gpt2-fp4', true],
  ])('%s has the values of bitsandbytes to the bit', (base, name, isTransposed) => {
    const model = openBaseModel(path.join(golden, 'bases', base));
    const expected = openSafetensors(path.join(golden, 'cases', name, 'dequantised.safetensors'));
    expect(expected.tensors.size).toBeGreaterThan(3);
    for (const { name: weight, shape } of expected.tensors.values()) {
      const [rows = 0, width = 0] = shape;
      // The sign of zero is the one thing that its kernels do not agree on.
      const values = expected.readF32(weight).map((v) => v + 0);
      const upright = isTransposed ? values.map((_, i) => values[(i % rows) * width + Math.floor(i / rows)]!) : values;
      expect([weight, model.checkpoint.readF32(weight)]).toEqual([weight, upright]);
    }
    model.checkpoint.close();
    expected.close();
  });

  it('llama-int8 has its values but for the rounding of one product', () => {
    const model = openBaseModel(path.join(golden, 'bases/llama-int8'));
    const expected = openSafetensors(path.join(golden, 'cases/18-lora-llama-int8/dequantised.safetensors'));
    for (const { name } of expected.tensors.values()) {
      const wanted = expected.readF32(name);
      model.checkpoint.readF32(name).forEach((value, i) => {
        expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(2 ** -22 * Math.abs(wanted[i]!));
      });
    }
    model.checkpoint.close();
    expected.close();
  });

  it('is not touched by a model in floating types', () => {
    const checkpoint = openCheckpoint(writeTinyModel());
    expect(checkpoint.withQuantized('F32')).toBe(checkpoint);
    checkpoint.close();
  });
});

describe('any range of rows', () => {
  const scheme = fc.oneof(
    fc.record({ form: fc.constant('int8' as const) }),
    fc.record({
      form: fc.constantFrom('nf4' as const, 'fp4' as const),
      blockSize: fc.constantFrom(32, 64, 128),
      nested: fc.option(fc.constantFrom(2, 5, 256), { nil: undefined }),
    }),
  );

  it('is the same part of the whole, and each value lies as near as its levels allow', () => {
    const folder = temporaryFolder();
    const property = fc.property(
      fc.integer({ min: 1, max: 21 }),
      fc.integer({ min: 1, max: 21 }),
      scheme,
      fc.boolean(),
      fc.nat(),
      (rows, width, made, isTransposed, seed) => {
        const { nested, ...rest } = { nested: undefined, ...made };
        const own: Scheme = { ...rest, ...(nested !== undefined && { nested }) };
        const values = randomValues([rows, width], seed);
        const checkpoint = quantisedFile(folder, quantise('a.weight', values, [rows, width], own), isTransposed);
        const whole = checkpoint.readF32('a.weight');
        const [height, across] = isTransposed ? [width, rows] : [rows, width];
        const [from, to] = [Math.floor(height / 3), Math.ceil((2 * height) / 3)];
        expect(checkpoint.readF32('a.weight', { rows: [from, to] })).toEqual(
          whole.subarray(from * across, to * across),
        );
        // The widest gap between two levels is a third of the largest magnitude, 0.3; absmax themselves are a little off.
        whole.forEach((v, i) => {
          const at = isTransposed ? (i % rows) * width + Math.floor(i / rows) : i;
          expect(Math.abs(v - values[at]!)).toBeLessThan(0.06);
        });
        checkpoint.close();
      },
    );
    fc.assert(property, { numRuns: 60 });
  });
});
