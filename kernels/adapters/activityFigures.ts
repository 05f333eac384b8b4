/** @file Figures that several methods state: tensors that must move, tensors that must not, the update and its rank. */
import type { ActivityContext, ActivityLayer, Measurement, MethodFigure } from './activity';
import { isSettled } from './activity';

/** One value per layer, with the module it belongs to. */
interface LayerValue {
  readonly value: number;
  readonly where: string;
}

const ofLayers = <C, P extends string, O extends string>(
  { layers }: ActivityContext<C, P, O>,
  measure: (layer: ActivityLayer<C, P, O>) => number | undefined,
): readonly LayerValue[] =>
  layers.flatMap((layer) => {
    const value = measure(layer);
    return value === undefined ? [] : [{ value, where: layer.site.path }];
  });

/** The least value of all layers, which must be above 0; what is not a number fails. Not known before the tensors had time to move. */
export function leastAboveZero<C, P extends string, O extends string>(
  context: ActivityContext<C, P, O>,
  measure: (layer: ActivityLayer<C, P, O>) => number | undefined,
): Measurement {
  const values = ofLayers(context, measure);
  const worst = values.find(({ value }) => Number.isNaN(value)) ?? extreme(values, -1);
  if (!worst) return { value: null, isMet: null };
  const isMet = worst.value > 0;
  return { ...worst, isMet: isMet || isSettled(context) ? isMet : null };
}

/** The largest value of all layers and shared tensors, which must not be above `limit`. It is known from the first step on. */
export function mostUpTo(values: readonly LayerValue[], limit: number): Measurement {
  const worst = values.find(({ value }) => Number.isNaN(value)) ?? extreme(values, 1);
  return worst ? { ...worst, isMet: worst.value <= limit } : { value: null, isMet: null };
}

function extreme(values: readonly LayerValue[], sign: 1 | -1): LayerValue | undefined {
  return values.reduce<LayerValue | undefined>(
    (most, next) => (most === undefined || sign * next.value > sign * most.value ? next : most),
    undefined,
  );
}

/** A trained tensor of every layer that has it must leave its start: ‖now − start‖, in units of ‖start‖ where that is not 0. */
export function moved<const P extends string>(
  param: P,
  id: string,
  label: string,
): MethodFigure<Readonly<Record<string, unknown>>, never, P> {
  return {
    id,
    label,
    unit: 'number',
    rule: 'above 0 in every layer',
    applies: ({ layers }) => layers.some(({ now }) => now[param] !== undefined),
    measure: (context) =>
      leastAboveZero(context, (layer) => {
        const [now, start] = [layer.now[param], layer.start[param]];
        if (!now || !start) return undefined;
        const origin = norm(start);
        return distance(now, start) / (origin > 0 ? origin : 1);
      }),
  };
}

/** ‖ΔW‖ of every layer must not be 0. */
export const deltaNorm: MethodFigure = {
  id: 'delta-norm',
  label: 'Smallest norm of ΔW',
  unit: 'number',
  rule: 'above 0 in every layer',
  measure: (context) => leastAboveZero(context, ({ singularValues }) => singularValues && norm(singularValues)),
};

/** Relative to the largest singular value: what float32 factors cannot tell from 0. */
const RANK_TOLERANCE = 1e-6;

export function numericalRank(values: ArrayLike<number>): number {
  const top = Array.from(values).reduce((most, value) => Math.max(most, value), 0);
  return Array.from(values).filter((value) => value > RANK_TOLERANCE * top).length;
}

/** Numerical rank of a square matrix, row by row, by elimination with complete pivoting: cheaper than its singular values. */
export function eliminationRank(values: ArrayLike<number>, size: number): number {
  const m = Float64Array.from(values);
  let first = 0;
  for (let rank = 0; rank < size; rank++) {
    let [pivot, row, column] = [0, rank, rank];
    for (let i = rank; i < size; i++) {
      for (let j = rank; j < size; j++) {
        const found = Math.abs(m[i * size + j] as number);
        if (found > pivot) [pivot, row, column] = [found, i, j];
      }
    }
    if (rank === 0) first = pivot;
    if (!(pivot > RANK_TOLERANCE * first)) return rank;
    for (let j = 0; j < size; j++) swap(m, rank * size + j, row * size + j);
    for (let i = 0; i < size; i++) swap(m, i * size + rank, i * size + column);
    for (let i = rank + 1; i < size; i++) {
      const factor = (m[i * size + rank] as number) / (m[rank * size + rank] as number);
      if (factor === 0) continue;
      for (let j = rank; j < size; j++) m[i * size + j]! -= factor * (m[rank * size + j] as number);
    }
  }
  return size;
}

function swap(values: Float64Array, i: number, j: number): void {
  [values[i], values[j]] = [values[j] as number, values[i] as number];
}

/** Largest absolute difference of two tensors of the same size. */
export function largestChange(now: ArrayLike<number>, start: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < now.length; i++) {
    const change = Math.abs((now[i] ?? NaN) - (start[i] ?? NaN));
    if (!(change <= most)) most = change;
    if (Number.isNaN(change)) return NaN;
  }
  return most;
}

/** Largest entry of |A·Aᵀ − I| with A [r, n], or of |Bᵀ·B − I| with B [n, r]. */
export function gramDefect(values: ArrayLike<number>, r: number, factor: 'A' | 'B'): number {
  const length = values.length / r;
  const [along, across] = factor === 'A' ? [1, length] : [r, 1];
  let most = 0;
  for (let i = 0; i < r; i++) {
    for (let j = 0; j <= i; j++) {
      let product = i === j ? -1 : 0;
      for (let k = 0; k < length; k++) {
        product += (values[i * across + k * along] ?? NaN) * (values[j * across + k * along] ?? NaN);
      }
      if (!(Math.abs(product) <= most)) most = Math.abs(product);
    }
  }
  return most;
}

export function distance(now: ArrayLike<number>, start: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < now.length; i++) sum += ((now[i] ?? NaN) - (start[i] ?? NaN)) ** 2;
  return Math.sqrt(sum);
}

export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? NaN) ** 2;
  return Math.sqrt(sum);
}
