/**
 * @file How good predictions for whole texts are: accuracy, F1, Matthews' correlation for classes; Pearson's and Spearman's
 * correlation for numbers. Defined as in scikit-learn and SciPy.
 */
import type { EvaluationMetrics } from '../protocol/types';

/** `predicted` and `actual`: ids of classes from 0 to `classes` − 1, of the same length. */
export function classificationMetrics(
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  classes: number,
): EvaluationMetrics {
  const counts = confusion(predicted, actual, classes);
  return {
    accuracy: ratio(
      sum(classes, (c) => counts[c]?.[c] ?? 0),
      actual.length,
    ),
    f1: classes === 2 ? f1Of(counts, 1) : meanF1(counts),
    matthews_correlation: matthews(counts),
  };
}

/** Of two columns of numbers. A correlation with a constant is not defined: null. */
export function regressionMetrics(predicted: ArrayLike<number>, actual: ArrayLike<number>): EvaluationMetrics {
  return {
    pearson: pearson(predicted, actual),
    spearmanr: pearson(ranks(predicted), ranks(actual)),
  };
}

/** The class with the largest logit of each row of `logits` [rows, classes]; the first of equal ones. */
export function predictedClasses(logits: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: logits.length / classes }, (_, row) => {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    return own.reduce((best, value, c) => (value > (own[best] ?? NaN) ? c : best), 0);
  });
}

/** counts[actual][predicted] */
type Confusion = readonly Float64Array[];

function confusion(predicted: ArrayLike<number>, actual: ArrayLike<number>, classes: number): Confusion {
  const counts = Array.from({ length: classes }, () => new Float64Array(classes));
  for (let i = 0; i < actual.length; i++) {
    const row = counts[actual[i] ?? 0];
    const column = predicted[i] ?? 0;
    if (row) row[column] = (row[column] ?? 0) + 1;
  }
  return counts;
}

/** 2·TP / (2·TP + FP + FN); 0 where a class is neither there nor predicted. */
function f1Of(counts: Confusion, c: number): number {
  const hits = counts[c]?.[c] ?? 0;
  return ratio(2 * hits, actualOf(counts, c) + predictedOf(counts, c));
}

/** The mean over the classes that are there or predicted, as scikit-learn takes its labels from both. */
function meanF1(counts: Confusion): number {
  const seen = [...counts.keys()].filter((c) => actualOf(counts, c) + predictedOf(counts, c) > 0);
  return ratio(
    seen.reduce((total, c) => total + f1Of(counts, c), 0),
    seen.length,
  );
}

/** (c·s − Σ p_k·t_k) / √((s² − Σ p_k²)·(s² − Σ t_k²)) (Gorodkin 2004); 0 where all are of one class. */
function matthews(counts: Confusion): number {
  const n = counts.length;
  const total = sum(n, (c) => actualOf(counts, c));
  const hits = sum(n, (c) => counts[c]?.[c] ?? 0);
  const [p, t] = [(c: number) => predictedOf(counts, c), (c: number) => actualOf(counts, c)];
  const covariance = hits * total - sum(n, (c) => p(c) * t(c));
  const variances = (total ** 2 - sum(n, (c) => p(c) ** 2)) * (total ** 2 - sum(n, (c) => t(c) ** 2));
  return ratio(covariance, Math.sqrt(variances));
}

const actualOf = (counts: Confusion, c: number): number => counts[c]?.reduce((a, b) => a + b, 0) ?? 0;
const predictedOf = (counts: Confusion, c: number): number => counts.reduce((total, row) => total + (row[c] ?? 0), 0);
const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b);

function sum(count: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
}

function pearson(x: ArrayLike<number>, y: ArrayLike<number>): number | null {
  const n = x.length;
  const [mx, my] = [sum(n, (i) => x[i] ?? NaN) / n, sum(n, (i) => y[i] ?? NaN) / n];
  const [dx, dy] = [(i: number) => (x[i] ?? NaN) - mx, (i: number) => (y[i] ?? NaN) - my];
  const value = sum(n, (i) => dx(i) * dy(i)) / Math.sqrt(sum(n, (i) => dx(i) ** 2) * sum(n, (i) => dy(i) ** 2));
  return Number.isFinite(value) ? value : null;
}

/** From 1; equal values share the mean of their ranks. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from(values, (value, i) => ({ value, i })).sort((a, b) => a.value - b.value);
  const result = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from;
    while (order[to + 1]?.value === order[from]?.value) to++;
    for (const { i } of order.slice(from, to + 1)) result[i] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return result;
}
