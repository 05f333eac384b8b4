/** @file Spectra of factored updates against the dense product, and the summaries at values known by hand. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jacobiSvd } from '../../../kernels/analysis/linalg/jacobiSvd';
import { frobeniusNorm, type Matrix, multiply, transpose, zeros } from '../../../kernels/analysis/linalg/matrix';
import {
  countAbove,
  type DeltaFactors,
  effectiveRank,
  energyEffectiveRank,
  factoredSingularValues,
  factoredSvd,
  frobeniusOfSpectrum,
  nuclearNorm,
  numericalRank,
  spectrumMeasures,
  stableRank,
} from '../../../kernels/analysis/spectrum';
import { largestDifference, randomMatrix } from './randomMatrix';

function factors(outFeatures: number, inFeatures: number, rank: number, scaling: number, seed: number): DeltaFactors {
  const a = Float32Array.from(randomMatrix(rank, inFeatures, seed).data);
  const b = Float32Array.from(randomMatrix(outFeatures, rank, seed + 1).data);
  return { a, b, rank, scaling, inFeatures, outFeatures };
}

function denseSum(terms: readonly DeltaFactors[]): Matrix {
  const sum = zeros(terms[0]!.outFeatures, terms[0]!.inFeatures);
  for (const { a, b, rank, scaling } of terms) {
    const product = multiply(
      { rows: sum.rows, cols: rank, data: Float64Array.from(b) },
      { rows: rank, cols: sum.cols, data: Float64Array.from(a) },
    );
    product.data.forEach((value, i) => (sum.data[i]! += scaling * value));
  }
  return sum;
}

const size = fc.integer({ min: 1, max: 25 });
const term = fc.record({
  rank: fc.integer({ min: 1, max: 10 }),
  // The dense reference squares its values, which vanish below 1e-150.
  scaling: fc.double({ min: -4, max: 4, noNaN: true }).map((value) => (Math.abs(value) < 1e-100 ? 0 : value)),
  seed: fc.nat(),
});

test('the spectrum of a sum of factored updates is that of the dense sum', () => {
  fc.assert(
    fc.property(size, size, fc.array(term, { minLength: 1, maxLength: 3 }), (out, inF, terms) => {
      const all = terms.map(({ rank, scaling, seed }) => factors(out, inF, rank, scaling, seed));
      const dense = denseSum(all);
      const reference = jacobiSvd(dense).values;
      const { values, left, right } = factoredSvd(all);
      const rank = terms.reduce((sum, t) => sum + t.rank, 0);
      expect(values).toHaveLength(Math.min(out, inF, rank));
      const top = reference[0]! || 1;
      const plain = factoredSingularValues(all);
      reference.forEach((value, i) => {
        expect(Math.abs((values[i] ?? 0) - value)).toBeLessThan(1e-12 * top + 1e-300);
        expect(Math.abs((plain[i] ?? 0) - value)).toBeLessThan(1e-12 * top + 1e-300);
      });
      const scaled = transpose(left);
      scaled.data.forEach((value, i) => (scaled.data[i] = value * values[i % values.length]!));
      expect(largestDifference(multiply(scaled, right), dense)).toBeLessThan(1e-12 * top + 1e-300);
      expect(Math.abs(frobeniusOfSpectrum(plain) - frobeniusNorm(dense))).toBeLessThan(1e-12 * top + 1e-300);
    }),
    { numRuns: 60 },
  );
});

test('an update that has not begun has the spectrum zero and no rank', () => {
  const values = factoredSingularValues([{ ...factors(6, 8, 3, 2, 1), b: new Float32Array(18) }]);
  expect([...values]).toEqual([0, 0, 0]);
  expect(spectrumMeasures(values)).toEqual({ stable_rank: 0, effective_rank: 0, 'above_0.1': 0, above_relative: 0 });
  expect([energyEffectiveRank(values), numericalRank(values, 1e-10), frobeniusOfSpectrum(values)]).toEqual([0, 0, 0]);
});

test('n equal values have rank n by every measure', () => {
  const values = [2, 2, 2, 2, 0];
  for (const measure of [stableRank, effectiveRank, energyEffectiveRank]) expect(measure(values)).toBeCloseTo(4, 12);
  expect(numericalRank(values, 1e-10)).toBe(4);
  expect(frobeniusOfSpectrum(values)).toBeCloseTo(4, 12);
  expect(nuclearNorm(values)).toBe(8);
});

test('the counts are absolute or relative, and strict', () => {
  const values = [20, 0.2000001, 0.2, 0.1000001, 0.1, 0];
  expect(spectrumMeasures(values)).toMatchObject({ 'above_0.1': 4, above_relative: 2 });
  expect(countAbove(values, 0.2)).toBe(2);
});

test('the measures of the values 4, 2, 1 by hand', () => {
  const values = [4, 2, 1];
  expect(stableRank(values)).toBeCloseTo(21 / 16, 14);
  const entropy = (p: number[]): number => Math.exp(-p.reduce((sum, x) => sum + x * Math.log(x), 0));
  expect(effectiveRank(values)).toBeCloseTo(entropy([4 / 7, 2 / 7, 1 / 7]), 14);
  expect(energyEffectiveRank(values)).toBeCloseTo(entropy([16 / 21, 4 / 21, 1 / 21]), 14);
});

test('no measure overflows or vanishes with the scale of the values', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 1e-3, max: 1, noNaN: true }), { minLength: 1 }),
      fc.constantFrom(1e-200, 1e200),
      (values, scale) => {
        const scaled = values.map((value) => value * scale);
        for (const measure of [stableRank, effectiveRank, energyEffectiveRank]) {
          expect(measure(scaled)).toBeCloseTo(measure(values), 8);
        }
        expect(frobeniusOfSpectrum(scaled) / scale).toBeCloseTo(frobeniusOfSpectrum(values), 8);
      },
    ),
  );
});
