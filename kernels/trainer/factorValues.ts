/** @file Values of factors that do not start one by one: those that cancel each other, and those taken out of the base weight. */
import type { Init } from '../adapters/types';
import { householderQr } from '../analysis/linalg/householderQr';
import type { Matrix } from '../analysis/linalg/matrix';
import { identity, matrix, multiply, multiplyTransposed, transpose } from '../analysis/linalg/matrix';
import type { Svd } from '../analysis/linalg/svd';
import { thinSvd } from '../analysis/linalg/svd';
import { normalStream } from '../util/random';

type Uniform = () => number;

/**
 * A [r, in] or B [out, r] with B·A = 0: the even rows of a random orthogonal Q [r, r] make A, the odd ones B, each mixed by
 * normal numbers and divided by 10 (PEFT's `orthogonal`). Both factors draw Q from the same stream.
 */
export function annihilating(
  [first = 0, second = 0]: readonly number[],
  factor: 'A' | 'B',
  stream: (name: string) => Uniform,
): Float64Array {
  const [r, width] = factor === 'A' ? [first, second] : [second, first];
  const q = orthonormalRows(r, r, stream('orthogonal'));
  const half = r / 2;
  const rows = matrix(
    half,
    r,
    Float64Array.from({ length: half * r }, (_, i) => {
      const row = 2 * Math.floor(i / r) + (factor === 'A' ? 0 : 1);
      return q.data[row * r + (i % r)] ?? NaN;
    }),
  );
  const mixed = multiply(normalMatrix(width, half, stream(`orthogonal.${factor}`)), rows); // [width, r]
  const { data } = factor === 'A' ? transpose(mixed) : mixed;
  return data.map((value) => value / 10);
}

/** [count, length] with orthonormal rows, from the QR decomposition of normal numbers. */
export function orthonormalRows(count: number, length: number, uniform: Uniform): Matrix {
  return householderQr(normalMatrix(count, length, uniform)).timesQ(identity(count));
}

function normalMatrix(rows: number, cols: number, uniform: Uniform): Matrix {
  return matrix(rows, cols, Float64Array.from({ length: rows * cols }, normalStream(uniform)));
}

/** The factors of layers' largest singular values; the last layer's decomposition is kept, as four tensors start from one. */
export class PrincipalFactors {
  private last: { readonly module: string; readonly svd: Svd } | undefined;

  /** `weightOf`: the base weight [out, in] of a module. */
  constructor(private readonly weightOf: (module: string) => Matrix) {}

  /** √(S/s)·Vᵀ [r, in] for A, U·√(S/s) [out, r] for B. */
  factor(
    { module, shape }: { readonly module: string; readonly shape: readonly number[] },
    { factor, scaling, rounds }: Extract<Init, { kind: 'principal' }>,
    stream: () => Uniform,
  ): Float64Array {
    const r = (factor === 'A' ? shape[0] : shape[1]) ?? 0;
    if (this.last?.module !== module) {
      const weight = this.weightOf(module);
      this.last = { module, svd: rounds === 0 ? thinSvd(weight) : leadingSvd(weight, r, rounds, stream()) };
    }
    const { values, left, right } = this.last.svd;
    const vectors = factor === 'A' ? right : left;
    const length = vectors.cols;
    const scaled = matrix(r, length, vectors.data.subarray(0, r * length));
    for (let i = 0; i < r; i++) {
      const root = Math.sqrt((values[i] ?? NaN) / scaling);
      for (let j = 0; j < length; j++) scaled.data[i * length + j] = (scaled.data[i * length + j] ?? NaN) * root;
    }
    return factor === 'A' ? scaled.data : transpose(scaled).data;
  }
}

/**
 * The first `count` singular values and vectors by subspace iteration from random directions (Halko et al. 2011, algorithm
 * 4.4), a few more directions than wanted so that the last ones settle too.
 */
function leadingSvd(weight: Matrix, count: number, rounds: number, uniform: Uniform): Svd {
  const width = Math.min(count + OVERSAMPLING, weight.rows, weight.cols);
  const turned = transpose(weight);
  const orthonormal = (rows: Matrix): Matrix => householderQr(rows).timesQ(identity(width));
  let basis = orthonormal(normalMatrix(width, weight.cols, uniform)); // rows in the input space
  for (let round = 0; round < rounds; round++) {
    const outputs = orthonormal(multiplyTransposed(basis, weight)); // [width, out]
    basis = orthonormal(multiplyTransposed(outputs, turned)); // [width, in]
  }
  const small = thinSvd(multiplyTransposed(basis, weight)); // of basis·Wᵀ [width, out]: left vectors mix the basis
  return { values: small.values, left: small.right, right: multiply(small.left, basis) };
}

const OVERSAMPLING = 8;
