/** @file The comparison of runs in a real browser: drawn, zoomed together, told apart, read by keyboard. */
import { expect, type Locator, type Page } from '@playwright/test';
import { callsOf, test } from './pageTest';

const plot = (page: Page, id: string): Locator => page.locator(`[data-plot=${id}]`);
const PLOTS = ['loss', 'eval-loss', 'learning-rate', 'grad-norm', 'throughput', 'rank'];

test('each plot has a curve of every run, and zooming one zooms all', async ({ open }) => {
  const page = await open('compare');
  for (const id of PLOTS) await expect(plot(page, id).locator('.main-svg .trace')).toHaveCount(3);
  await plot(page, 'loss').locator('.plot-surface').focus();
  await page.keyboard.press('Home');
  await expect(plot(page, 'loss').locator('[aria-live=polite]')).toContainText(/assistant k3fz \d/);
  await page.keyboard.press('+');
  await expect.poll(async () => (await callsOf(page, 'series/get')).at(-1)).toHaveProperty('range');
});

test('lines differ by their dash as well as by their colour', async ({ open }) => {
  const page = await open('compare', { host: { runs: '4' } });
  const lines = plot(page, 'loss').locator('.trace .js-line');
  await expect(lines).toHaveCount(3);
  const looks = await lines.evaluateAll((all) =>
    all.map((line) => [getComputedStyle(line).stroke, getComputedStyle(line).strokeDasharray]),
  );
  expect(new Set(looks.map(([color]) => color)).size).toBe(3);
  expect(new Set(looks.map(([, dash]) => dash)).size).toBe(3);
});

test('the table of configurations shows what differs, and everything when asked', async ({ open }) => {
  const page = await open('compare');
  const keys = page.locator('.configurations tbody th');
  await expect(keys).toHaveText(['adapter.method', 'adapter.r', 'training.learning_rate']);
  await page.getByLabel('Show all keys').check();
  await expect(keys).toContainText(['model', 'data.train']);
  const kept = await page.evaluate(() => (globalThis as unknown as { pageState(): unknown }).pageState());
  expect(kept).toMatchObject({ areAllKeysShown: true, runs: expect.stringContaining('k3fz') });
});

test('the head of a column opens the dashboard of its run', async ({ open }) => {
  const page = await open('compare');
  await page.getByRole('button', { name: 'assistant qmwd' }).first().click();
  await expect.poll(() => callsOf(page, 'run/open')).toEqual([{ folder: expect.stringMatching(/qmwd$/) as unknown }]);
});

test('curves grow while runs are at work', async ({ open }) => {
  const page = await open('compare', { host: { run: 'live' } });
  const steps = page.locator('.compare-table tbody tr').nth(1).locator('td').first();
  const before = await steps.innerText();
  await expect(steps).not.toHaveText(before);
  await expect(plot(page, 'loss').locator('.main-svg .trace')).toHaveCount(3);
});
