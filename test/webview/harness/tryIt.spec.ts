/** @file The page that tries models in a real browser: choosing them, answers that stream side by side, stop, what is kept. */
import { expect, type Page } from '@playwright/test';
import { callsOf, test } from './pageTest';

const column = (page: Page, id: string) => page.locator(`[data-column=${id}]`);
const text = (page: Page, id: string) => column(page, id).locator('.answer-text');

test('base and adapter of the latest checkpoint answer side by side, streaming', async ({ open }) => {
  const page = await open('tryIt');
  await expect(page.getByRole('combobox', { name: 'Adapter' })).toHaveValue(/^run:.*k3fz$/);
  await expect(page.getByRole('combobox', { name: 'Checkpoint' })).toHaveValue(/step-000080$/);
  await page.getByRole('textbox', { name: 'Question' }).fill('What is the capital of France?');
  await page.getByRole('button', { name: 'Answer', exact: true }).click();
  await expect(column(page, 'base').locator('.answer-facts')).toContainText('Writing');
  await expect(text(page, 'adapter')).toHaveText('The capital of France is Paris.');
  await expect(column(page, 'adapter').locator('.answer-facts')).toHaveText(
    '6 tokens after 12 · 8.3 tokens/s · 0.3 s to the first · ended by itself',
  );
  await expect(column(page, 'base').locator('.answer-facts')).toContainText('cut at the limit of tokens');
  const calls = (await callsOf(page, 'tryIt/write')) as { adapter?: string; prompt: unknown; settings: unknown }[];
  expect(calls).toHaveLength(2);
  expect(calls[1]).toMatchObject({
    base: '/home/me/base',
    prompt: { kind: 'chat', user: 'What is the capital of France?' },
    settings: { maxNewTokens: 128 },
  });
  expect(calls[1]?.adapter).toMatch(/step-000080$/);
  await column(page, 'adapter').getByRole('button', { name: 'Copy the answer of Adapter' }).click();
  await expect.poll(() => callsOf(page, 'tryIt/copy')).toEqual([{ text: 'The capital of France is Paris.' }]);
});

test('a stop leaves what came so far', async ({ open }) => {
  const page = await open('tryIt', { host: { speed: 'slow' } });
  await page.getByRole('textbox', { name: 'Question' }).fill('x');
  await page.getByRole('textbox', { name: 'Question' }).press('Control+Enter');
  await expect(text(page, 'base')).toContainText('The country');
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(column(page, 'base').locator('.answer-facts')).toHaveText(/Stopped after \d+ pieces/);
  await expect(text(page, 'base')).toContainText('The country');
  await expect(page.getByRole('button', { name: 'Answer', exact: true })).toBeEnabled();
});

test('a merged model answers beside them, and a model that fails does not keep the others', async ({ open }) => {
  const page = await open('tryIt', { host: { fail: 'adapter' } });
  await page.getByRole('combobox', { name: 'Merged model' }).selectOption('/home/me/base-merged');
  await page.getByRole('textbox', { name: 'Question' }).fill('x');
  await page.getByRole('button', { name: 'Answer', exact: true }).click();
  await expect(text(page, 'merged')).toHaveText('The capital of France is Paris.');
  await expect(column(page, 'adapter').getByRole('alert')).toContainText('lora_A of q_proj is [8, 96]');
  await page.getByLabel('answers too').uncheck();
  await expect(column(page, 'base')).toHaveCount(0);
});

test('settings and the system line go with the prompt, and earlier prompts come back', async ({ open }) => {
  const page = await open('tryIt');
  await page.getByRole('textbox', { name: 'System' }).fill('Be brief.');
  await page.getByRole('textbox', { name: 'Question' }).fill('first');
  await page.getByRole('textbox', { name: 'New tokens' }).fill('300');
  await page.getByRole('textbox', { name: 'New tokens' }).press('Tab');
  await expect(page.getByRole('textbox', { name: 'New tokens' })).toHaveValue('256');
  await page.getByLabel('Draw at random').check();
  await page.getByRole('textbox', { name: 'Temperature' }).fill('0.5');
  await page.getByRole('textbox', { name: 'Seed' }).fill('7');
  await page.getByRole('textbox', { name: 'Seed' }).press('Tab');
  await page.getByRole('button', { name: 'Answer', exact: true }).click();
  const [call] = await callsOf(page, 'tryIt/write');
  expect(call).toMatchObject({
    prompt: { kind: 'chat', user: 'first', system: 'Be brief.' },
    settings: { maxNewTokens: 256, sampling: { temperature: 0.5, topP: 0.9, seed: 7 } },
  });
  await expect(page.getByRole('button', { name: 'Answer', exact: true })).toBeVisible();
  await page.getByLabel('Plain text').check();
  await page.getByRole('textbox', { name: 'Text to continue' }).fill('second');
  await page.getByRole('button', { name: 'Answer', exact: true }).click();
  await expect.poll(async () => (await callsOf(page, 'tryIt/write')).length).toBe(4);
  await page.getByRole('combobox', { name: 'Earlier prompts' }).selectOption('1');
  await expect(page.getByRole('textbox', { name: 'Question' })).toHaveValue('first');
  await expect(page.getByRole('textbox', { name: 'System' })).toHaveValue('Be brief.');
});

test('what is chosen from outside, in the file dialog or as an older checkpoint is taken', async ({ open }) => {
  const page = await open('tryIt');
  await page.getByRole('combobox', { name: 'Checkpoint' }).selectOption({ label: 'step 40' });
  await expect(column(page, 'adapter').locator('.place')).toContainText('step-000040');
  await page.evaluate(() => (globalThis as unknown as { offer(): void }).offer());
  await expect(page.getByRole('combobox', { name: 'Adapter' })).toHaveValue('/home/me/adapters/poems');
  await expect(page.getByRole('combobox', { name: 'Checkpoint' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Choose the folder of an adapter' }).click();
  await expect(page.getByRole('combobox', { name: 'Adapter' })).toHaveValue('/home/me/elsewhere/other');
  await expect(column(page, 'adapter').locator('.place')).toContainText('elsewhere/other');
});

test('without trust nothing answers; without a chat template the prompt is plain text', async ({ open }) => {
  const page = await open('tryIt', { host: { trusted: 'no', template: 'no' } });
  await expect(page.locator('.banner')).toContainText('trusted workspace');
  await expect(page.getByText('This checkpoint has no chat template.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Text to continue' }).fill('x');
  await expect(page.getByRole('button', { name: 'Answer', exact: true })).toBeDisabled();
});
