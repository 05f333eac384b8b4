/** @file Metrics of predictions against values worked by hand, by the definitions of scikit-learn and SciPy. */
import { describe, expect, it } from 'vitest';
import {
  classificationMetrics,
  predictedClasses,
  regressionMetrics,
} from '../../../kernels/analysis/predictionMetrics';

describe('metrics of classes', () => {
  it('are those worked by hand for two classes', () => {
    // TP 3, FP 1, FN 2, TN 2: accuracy 5/8, F1 6/9, Matthews (3·2 − 1·2) / √(4·5·3·4)
    const predicted = [1, 1, 1, 1, 0, 0, 0, 0];
    const actual = [1, 1, 1, 0, 1, 1, 0, 0];
    const { accuracy, f1, matthews_correlation: matthews } = classificationMetrics(predicted, actual, 2);
    expect(accuracy).toBeCloseTo(5 / 8, 12);
    expect(f1).toBeCloseTo(6 / 9, 12);
    expect(matthews).toBeCloseTo(4 / Math.sqrt(240), 12);
  });

  it('take the mean of F1 over more than two classes', () => {
    // Class 0: 2·2/(2+3), class 1: 2·1/(2+1), class 2: 2·1/(2+2)
    const actual = [0, 0, 1, 1, 2, 2];
    const predicted = [0, 0, 1, 2, 2, 0];
    const { accuracy, f1, matthews_correlation: matthews } = classificationMetrics(predicted, actual, 3);
    expect(accuracy).toBeCloseTo(4 / 6, 12);
    expect(f1).toBeCloseTo((4 / 5 + 2 / 3 + 1 / 2) / 3, 12);
    // (c·s − Σ p·t) / √((s² − Σ p²)(s² − Σ t²)) = (4·6 − 12) / √((36 − 14)·(36 − 12))
    expect(matthews).toBeCloseTo(12 / Math.sqrt(22 * 24), 12);
  });

  it('are 0 where all predictions are of one class and there is nothing to correlate', () => {
    expect(classificationMetrics([0, 0, 0], [0, 1, 0], 2)).toEqual({
      accuracy: 2 / 3,
      f1: 0,
      matthews_correlation: 0,
    });
  });

  it('take the largest logit of each row, the first of equal ones', () => {
    expect([...predictedClasses(Float32Array.of(0.1, 0.3, -1, 2, 2, 0), 3)]).toEqual([1, 0]);
  });
});

describe('metrics of numbers', () => {
  it('are those worked by hand', () => {
    // Deviations −1.5, −0.5, 0.5, 1.5 and −2, 0, −1, 3: Σ xy = 7, Σ x² = 5, Σ y² = 14
    const { pearson, spearmanr } = regressionMetrics([1, 2, 3, 4], [2, 4, 3, 7]);
    expect(pearson).toBeCloseTo(7 / Math.sqrt(70), 12);
    // Ranks 1 3 2 4: 1 − 6·2/(4·15)
    expect(spearmanr).toBeCloseTo(0.8, 12);
  });

  it('give equal values the mean of their ranks', () => {
    // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / √(4.5·5)
    expect(regressionMetrics([1, 5, 5, 9], [1, 2, 3, 4]).spearmanr).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
  });

  it('are not defined against a constant', () => {
    expect(regressionMetrics([1, 1, 1], [1, 2, 3])).toEqual({ pearson: null, spearmanr: null });
  });
});
