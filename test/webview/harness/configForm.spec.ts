/** @file The configuration form in a real browser, over a real YAML text: edits, focus, keyboard. */
import { expect, type Page } from '@playwright/test';
import { callsOf, test } from './pageTest';

interface FormWindow {
  documentText(): string;
  editText(text: string): void;
}
const documentText = (page: Page) => page.evaluate(() => (globalThis as unknown as FormWindow).documentText());
const editText = (page: Page, text: string) =>
  page.evaluate((next) => (globalThis as unknown as FormWindow).editText(next), text);

test('typing is sent once the person pauses, and keeps the comments of the file', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  await page.getByLabel('Alpha', { exact: true }).fill('');
  await page.getByLabel('Alpha', { exact: true }).pressSequentially('64');
  await expect.poll(() => documentText(page)).toContain('lora_alpha: 64');
  expect(await documentText(page)).toContain('# the bundled base');
  await expect
    .poll(() => callsOf(page, 'form/set'))
    .toEqual([{ uri: 'file:///w/assistant.adapter.yaml', path: ['adapter', 'lora_alpha'], value: 64 }]);
});

test('a choice is sent at once and can be taken back to its default', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  await page.getByLabel('Loss on').selectOption('all');
  await expect.poll(() => documentText(page)).toContain('loss_on: all');
  await page.getByRole('button', { name: 'Reset Loss on to its default: completion' }).click();
  await expect.poll(() => documentText(page)).not.toContain('loss_on');
  await expect(page.getByRole('button', { name: /Reset Loss on/ })).toHaveCount(0);
});

test('a change of the text keeps focus, cursor and half-typed text', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  const model = page.getByLabel('Base model', { exact: true });
  await page.getByText('General').waitFor();
  await model.focus();
  await model.evaluate((input: HTMLInputElement) => input.setSelectionRange(3, 3));
  await editText(page, (await documentText(page)).replace('r: 16', 'r: 24'));
  await expect(page.getByLabel('Rank', { exact: true })).toHaveValue('24');
  await expect(model).toBeFocused();
  expect(await model.evaluate((input: HTMLInputElement) => input.selectionStart)).toBe(3);
  await page.keyboard.type('x');
  await editText(page, (await documentText(page)).replace('r: 24', 'r: 8'));
  await expect(page.getByLabel('Rank', { exact: true })).toHaveValue('8');
  await expect(model).toHaveValue('./mxodels/base');
  await expect.poll(() => documentText(page)).toContain('./mxodels/base');
});

test('a text that is no number is refused under the field and not sent', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  const rate = page.getByLabel('Learning rate', { exact: true });
  await rate.fill('fast');
  await rate.blur();
  await expect(page.getByText('“fast” is not a number.')).toBeVisible();
  await expect(rate).toHaveAttribute('aria-invalid', 'true');
  await expect.poll(() => callsOf(page, 'form/set')).toEqual([]);
  await rate.fill('1e-3');
  await expect.poll(() => documentText(page)).toMatch(/learning_rate: (0.001|1e-3)/);
});

test('target modules change between a list, a regular expression and all-linear', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  const field = page.locator('[data-key="adapter.target_modules"]');
  await expect(field.locator('textarea')).toHaveValue('q_proj\nv_proj');
  await field.locator('textarea').fill('q_proj\nk_proj\nv_proj');
  await expect.poll(() => documentText(page)).toContain('target_modules: [q_proj, k_proj, v_proj]');
  await field.locator('select').selectOption({ index: 0 });
  await expect.poll(() => documentText(page)).toContain('target_modules: all-linear');
  await field.locator('select').selectOption({ index: 1 });
  await field.locator('input').fill('.*_proj');
  await expect.poll(() => documentText(page)).toContain('target_modules: .*_proj');
});

test('a mapping is edited as lines', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  const ranks = page.locator('[data-key="adapter.rank_pattern"] textarea');
  await expect(ranks).toHaveValue('down_proj: 32');
  await ranks.fill('down_proj: 32\nup_proj: 4');
  await expect.poll(() => documentText(page)).toContain('up_proj: 4');
});

test('paths are chosen by the host', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  await page.getByRole('button', { name: 'Browse for Base model' }).click();
  await expect(page.getByLabel('Base model', { exact: true })).toHaveValue('./chosen');
  await expect.poll(() => callsOf(page, 'form/browse')).toMatchObject([{ path: ['model'], kind: 'folder' }]);
});

test('problems stand under their fields and hold up training', async ({ open }) => {
  const page = await open('configForm', { width: 320, host: { doc: 'problems' } });
  const rank = page.getByLabel('Rank', { exact: true });
  await expect(rank).toHaveAttribute('aria-invalid', 'true');
  const described = (await rank.getAttribute('aria-describedby'))!.split(' ')[0]!;
  await expect(page.locator(`#${described}`)).toContainText('Found the number 0; expected an integer of at least 1.');
  await expect(page.getByRole('list', { name: 'Problems' })).toContainText('Line 16: training.learnig_rate');
  const train = page.getByRole('button', { name: 'Train', exact: true });
  await expect(train).toHaveAttribute('aria-disabled', 'true');
  await expect(page.locator('#train-obstacle')).toHaveText('There are 2 errors to fix first.');
});

test('training waits for trust', async ({ open }) => {
  const page = await open('configForm', { width: 320, host: { untrusted: '1' } });
  await expect(page.locator('#train-obstacle')).toContainText('not trusted');
});

test('the primary button trains, by keyboard too', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  await page.getByRole('button', { name: 'Train', exact: true }).focus();
  await page.keyboard.press('Enter');
  await expect.poll(() => callsOf(page, 'form/command')).toEqual([{ command: 'train' }]);
});

test('text that stops being YAML leaves the form in place but closed', async ({ open }) => {
  const page = await open('configForm', { width: 320 });
  await expect(page.getByLabel('Rank', { exact: true })).toHaveValue('16');
  await editText(page, 'version: 1\nmodel: [a\n');
  await expect(page.getByText('The file is not valid YAML, so')).toBeVisible();
  await expect(page.locator('form')).toHaveAttribute('inert', '');
});

test('an edit that the host refuses is shown', async ({ open }) => {
  const page = await open('configForm', { width: 320, host: { refuse: '1' } });
  await page.getByLabel('Loss on').selectOption('all');
  await expect(page.getByRole('alert').first()).toContainText('Could not change data.loss_on: the file is read-only');
});

for (const [method, keys, cost] of [
  ['full', [], 'as many trainable parameters as the model has'],
  ['last_layers', ['num_layers'], 'the trainable parameters of these blocks'],
  ['bitfit', ['train_head'], 'about one parameter in a thousand'],
] as const) {
  test(`${method} shows its own fields alone, and says what it costs`, async ({ open }) => {
    const page = await open('configForm', { width: 320, host: { doc: method } });
    await page.getByLabel('Method').waitFor();
    const shown = page.locator('[data-key^="adapter."]');
    const found = await shown.evaluateAll((rows) => rows.map((row) => row.getAttribute('data-key')));
    expect(found).toEqual(['method', ...keys, 'init_from'].map((key) => `adapter.${key}`));
    await expect(page.locator('[data-key="adapter.method"]')).toContainText(cost);
  });
}
