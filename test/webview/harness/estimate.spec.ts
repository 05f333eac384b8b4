/** @file The estimate in a real browser: what it says in each state, and what reaches the host. */
import { expect } from '@playwright/test';
import { callsOf, test } from './pageTest';

test('what is measured stands in the first line', async ({ open }) => {
  const page = await open('estimate');
  await expect(page.locator('.verdict')).toHaveText(
    /It fits: 2\.52 GB of 24\.1 GB free memory\.\s+It takes about 26 min 52 s\./,
  );
  await expect(page.getByRole('row', { name: /Measured peak/ })).toContainText('2.61 GB');
});

test('measuring is asked for, shown, and can be left', async ({ open }) => {
  const page = await open('estimate', { host: { case: 'plain' } });
  await expect(page.locator('.verdict')).toContainText('not known until it is measured');
  await page.getByRole('button', { name: 'Measure' }).click();
  await expect(page.locator('.work')).toContainText('8 × 256 tokens');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.locator('.work')).toHaveCount(0);
  await page.evaluate(() => (globalThis as unknown as { finishMeasuring(): void }).finishMeasuring());
  await expect(page.locator('.verdict')).toContainText('26 min 52 s');
  await expect.poll(() => callsOf(page, 'estimate/command')).toEqual([{ command: 'measure' }, { command: 'cancel' }]);
});

test('what does not fit says what to change', async ({ open }) => {
  const page = await open('estimate', { host: { case: 'exceeds' } });
  await expect(page.locator('.verdict')).toContainText('It does not fit');
  await expect(page.locator('.advice li')).toHaveText([
    'Batches of 32 samples instead of 64: 10.4 GB',
    'Cut samples at 512 tokens instead of 1,024: 9.8 GB',
  ]);
  await expect(page.getByRole('img', { name: /needed/ })).toBeVisible();
  await expect(page.locator('.banner.warning')).toContainText(
    '903 MB, and 640 MB are free on the disk of /home/me/project/runs',
  );
});

test('the parts are as wide as their share, and the gauge as what is free', async ({ open }) => {
  const page = await open('estimate', { host: { case: 'plain' } });
  const bar = (await page.locator('.bar').boundingBox())!;
  const activations = (await page.locator('.segment.part-activations').boundingBox())!;
  expect(activations.width / bar.width).toBeCloseTo(1_654 / 2_523, 2);
  const gauge = (await page.locator('.gauge').boundingBox())!;
  const used = (await page.locator('.used').boundingBox())!;
  expect(used.width / gauge.width).toBeCloseTo(2.523 / 24.1, 2);
  await expect(page.locator('.segment.part-mappings')).toHaveCount(0);
});

test('a refused configuration names its problems and opens their place', async ({ open }) => {
  const page = await open('estimate', { host: { case: 'refused' } });
  await expect(page.getByRole('alert').last()).toContainText('q_porj matches no linear layer');
  await page.getByRole('button', { name: 'assistant.adapter.yaml:9' }).click();
  await expect
    .poll(() => callsOf(page, 'estimate/openFile'))
    .toEqual([{ file: '/home/me/project/assistant.adapter.yaml', line: 9 }]);
  await expect(page.locator('vscode-button', { hasText: 'Train' })).toHaveAttribute('aria-disabled', 'true');
});

test('without trust one can look and not run', async ({ open }) => {
  const page = await open('estimate', { host: { case: 'plain', trusted: 'no' } });
  for (const name of ['Measure', 'Train']) {
    await expect(page.locator('vscode-button', { hasText: name })).toHaveAttribute('aria-disabled', 'true');
  }
  await expect(page.locator('table.parts tr').first()).toContainText('Base weights');
});

test('the page keeps its configuration for a reload of the window', async ({ open }) => {
  const page = await open('estimate');
  await page.locator('.verdict').waitFor();
  const kept = await page.evaluate(() => (globalThis as unknown as { pageState(): unknown }).pageState());
  expect(kept).toEqual({ config: 'file:///home/me/project/assistant.adapter.yaml' });
});
