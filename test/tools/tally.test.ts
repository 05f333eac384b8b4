/** @file The sum that stands at the end of a test run. */
import { describe, expect, it } from 'vitest';
import { countPlaywright, countVitest, sumUp } from './tally.mjs';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

describe('tally', () => {
  it('counts a test file that could not be loaded as one failure', () => {
    const report = {
      numPassedTests: 1,
      numFailedTests: 1,
      numPendingTests: 2,
      numTodoTests: 1,
      testResults: [file('passed', 'passed'), file('failed', 'failed', 'pending'), file('failed')],
    };
    expect(countVitest(report)).toEqual({ passed: 1, failed: 2, skipped: 3 });
  });

  it('counts an end-to-end test that passed only the second time as passed, and says so', () => {
    const report = { stats: { expected: 3, unexpected: 1, flaky: 1, skipped: 0 }, errors: [] };
    expect(countPlaywright(report)).toEqual({ passed: 4, failed: 1, skipped: 0, retried: 1 });
    expect(sumUp([countPlaywright(report)], {}).text).toBe('1 passed only when tried again\n4 passed, 1 failed');
  });

  it('ends with the sum of both runners, alone on its line', () => {
    const counts = [
      { passed: 3, failed: 0, skipped: 1 },
      { passed: 2, failed: 1, skipped: 0 },
    ];
    expect(sumUp(counts, { check: 0, test: 1 }).text.split('\n')).toEqual([
      'step failed: test (status 1)',
      '1 skipped',
      '5 passed, 1 failed',
    ]);
  });

  it('counts a step that failed without a failed test', () => {
    const passed = [{ passed: 3, failed: 0, skipped: 0 }];
    expect(sumUp(passed, { check: 1, test: 0 }).failed).toBe(1);
    expect(sumUp(passed, { test: 1 }).failed).toBe(1);
    expect(sumUp([], { test: 1 })).toMatchObject({ passed: 0, failed: 1 });
  });
});
