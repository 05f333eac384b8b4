/** @file Values of factors that do not start one by one: those that cancel each other, and those taken out of the base weight. */
import type { Init } from '../adapters/types';
import { householderQr } from '../analysis/linalg/householderQr';
import type { Matrix } from '../analysis/linalg/matrix';
import { identity, matrix, multiply, multiplyTransposed, transpose } from '../analysis/linalg/matrix';
import { leadingSvd } from '../analysis/linalg/leadingSvd';
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

/** The largest singular values of layers' base weights; those of the last layer are kept, as up to four tensors start from one. */
export class LeadingValues {
  private last: { readonly key: string; readonly svd: Svd } | undefined;

  /** `weightOf`: the base weight [out, in] of a module. */
  constructor(private readonly weightOf: (module: string) => Matrix) {}

  /** √(S/s)·Vᵀ [r, in] for A, U·√(S/s) [out, r] for B. */
  factor(
    { module, shape }: { readonly module: string; readonly shape: readonly number[] },
    { factor, scaling, rounds }: Extract<Init, { kind: 'principal' }>,
    stream: () => Uniform,
  ): Float64Array {
    const r = (factor === 'A' ? shape[0] : shape[1]) ?? 0;
    const { values, left, right } = this.of(module, r, rounds, stream);
    const vectors = factor === 'A' ? right : left;
    const length = vectors.cols;
    const scaled = matrix(r, length, vectors.data.subarray(0, r * length));
    for (let i = 0; i < r; i++) {
      const root = Math.sqrt((values[i] ?? NaN) / scaling);
      for (let j = 0; j < length; j++) scaled.data[i * length + j] = (scaled.data[i * length + j] ?? NaN) * root;
    }
    return factor === 'A' ? scaled.data : transpose(scaled).data;
  }

  /** The first right singular vectors as rows [r, in], or left ones as columns [out, r]. */
  vectors(
    { module, shape }: { readonly module: string; readonly shape: readonly number[] },
    side: 'left' | 'right',
  ): Float64Array {
    const { left, right } = this.of(module, Math.min(...shape), 0, () => () => NaN);
    return side === 'right' ? right.data : transpose(left).data;
  }

  private of(module: string, count: number, rounds: number, stream: () => Uniform): Svd {
    const key = `${module} ${count} ${rounds}`;
    if (this.last?.key !== key) {
      const weight = this.weightOf(module);
      this.last = { key, svd: rounds === 0 ? leadingSvd(weight, count) : roundedSvd(weight, count, rounds, stream()) };
    }
    return this.last.svd;
  }
}

/**
 * The first `count` singular values and vectors by subspace iteration from random directions (Halko et al. 2011, algorithm
 * 4.4), a few more directions than wanted so that the last ones settle too.
 */
function roundedSvd(weight: Matrix, count: number, rounds: number, uniform: Uniform): Svd {
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
