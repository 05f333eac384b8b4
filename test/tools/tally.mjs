/**
 * @file Adds up what the test runners wrote. `node test/tools/tally.mjs check=0 test=1 …` (exit statuses of steps) prints
 * `N passed, N failed` as its last line and ends with 1 if anything failed.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './process.mjs';

export const vitestReport = path.join(root, '.cache/test/vitest.json');
export const playwrightReport = path.join(root, '.cache/test/playwright.json');

const read = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);

/** @returns {{ passed: number, failed: number, skipped: number } | undefined} undefined if vitest did not get to its end */
export function countVitest(report) {
  if (report === undefined) return undefined;
  // A file that cannot be loaded has no tests, only its own status.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** As `countVitest`. A test that passed only when tried again counts as passed and is told: the workbench around it is not ours. */
export function countPlaywright(report) {
  if (report === undefined) return undefined;
  const { expected, unexpected, flaky, skipped } = report.stats;
  return { passed: expected + flaky, failed: unexpected + report.errors.length, skipped, retried: flaky };
}

/** The sum of what the runners' reports say now. */
export function tally(steps) {
  return sumUp([countVitest(read(vitestReport)), countPlaywright(read(playwrightReport))], steps);
}

/**
 * @param {readonly (ReturnType<typeof countVitest>)[]} runners undefined: that runner left no report
 * @param {Readonly<Record<string, number>>} steps exit status of each step; a failed one counts as one failure, but `test`
 *   only if no single test failed
 */
export function sumUp(runners, steps) {
  const counts = runners.filter((count) => count !== undefined);
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failedTests = counts.reduce((sum, count) => sum + count.failed, 0);
  const skipped = counts.reduce((sum, count) => sum + count.skipped, 0);
  const failedSteps = Object.entries(steps).filter(([, status]) => status !== 0);
  const lines = failedSteps.map(([step, status]) => `step failed: ${step} (status ${status})`);
  const failed = failedTests + failedSteps.filter(([step]) => step !== 'test' || failedTests === 0).length;
  const retried = counts.reduce((sum, count) => sum + (count.retried ?? 0), 0);
  if (retried > 0) lines.push(`${retried} passed only when tried again`);
  if (skipped > 0) lines.push(`${skipped} skipped`);
  lines.push(`${passed} passed, ${failed} failed`);
  return { passed, failed, text: lines.join('\n') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const steps = Object.fromEntries(
    process.argv
      .slice(2)
      .map((step) => step.split('='))
      .map(([name, status]) => [name, Number(status)]),
  );
  const { failed, text } = tally(steps);
  process.stdout.write(`${text}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
