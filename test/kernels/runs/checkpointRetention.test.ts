/** @file Which checkpoints a run keeps. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Retention, SavedCheckpoint } from '../../../kernels/runs/checkpointRetention';
import { expiredCheckpoints, mostCheckpoints } from '../../../kernels/runs/checkpointRetention';

/** `20*`: its evaluation was the best when it was saved. */
const saved = (text: string): SavedCheckpoint[] =>
  text.split(' ').map((word) => ({ step: Number.parseInt(word), wasBest: word.endsWith('*') }));
const expired = (text: string, retention: Partial<Retention>): number[] =>
  expiredCheckpoints(saved(text), { saveSteps: 10, limit: undefined, best: null, ...retention });

describe('without a limit', () => {
  test('all are kept but those that were only the best for a while', () => {
    expect(expired('10 13* 20 26* 30', { best: { step: 26 } })).toEqual([13]);
    expect(expired('5* 10* 15*', { best: { step: 15 } })).toEqual([5]);
    expect(expired('10* 17 20', { best: { step: 0 } })).toEqual([]);
  });
});

describe('with a limit, as in the Hugging Face Trainer', () => {
  test('the newest stay, and the best counts among them', () => {
    expect(expired('10 20 30 40', { limit: 2 })).toEqual([10, 20]);
    expect(expired('10 20 30 40 50', { limit: 3, best: { step: 10 } })).toEqual([20, 30]);
    expect(expired('10 20 30', { limit: 3, best: { step: 0 } })).toEqual([]);
  });

  test('of 1 keeps the newest, and the best beside it', () => {
    expect(expired('10 20 30', { limit: 1 })).toEqual([10, 20]);
    expect(expired('10 20 30', { limit: 1, best: { step: 10 } })).toEqual([20]);
    expect(expired('10 20 30', { limit: 1, best: { step: 30 } })).toEqual([10, 20]);
  });
});

test('the newest and the best always stay, and never more than are said to', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }),
      fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      fc.nat(),
      (steps, limit, pick) => {
        const best = { step: steps[pick % steps.length] ?? 0 };
        const all = steps.map((step) => ({ step, wasBest: step <= best.step && step % 3 === 0 }));
        const gone = expiredCheckpoints(all, { saveSteps: 10, limit, best });
        const kept = steps.filter((step) => !gone.includes(step));
        expect(kept).toContain(Math.max(...steps));
        expect(kept).toContain(best.step);
        if (limit !== undefined) expect(kept.length).toBeLessThanOrEqual(Math.max(2, limit));
      },
    ),
  );
});

test('the most that lie beside one another follow from the steps', () => {
  const run = { totalSteps: 60, evalSteps: 2 };
  expect(mostCheckpoints(run, { saveSteps: 100, limit: undefined })).toBe(2);
  expect(mostCheckpoints({ ...run, evalSteps: null }, { saveSteps: 100, limit: undefined })).toBe(1);
  expect(mostCheckpoints(run, { saveSteps: 10, limit: undefined })).toBe(7);
  expect(mostCheckpoints({ ...run, evalSteps: 20 }, { saveSteps: 10, limit: undefined })).toBe(6);
  expect(mostCheckpoints(run, { saveSteps: 10, limit: 3 })).toBe(3);
  expect(mostCheckpoints(run, { saveSteps: 10, limit: 1 })).toBe(2);
  expect(mostCheckpoints({ ...run, evalSteps: null }, { saveSteps: 10, limit: 1 })).toBe(1);
});
