/** @file The page of tokens in a real browser: keys, choosing samples, what is odd, long samples, edits. */
import { expect, type Page } from '@playwright/test';
import { callsOf, test } from './pageTest';

const token = (page: Page, at: number) => page.locator(`.tokens .token[data-at="${at}"]`);
const detail = (page: Page) => page.locator('.token-detail');

test('tokens with loss, special tokens and parts of characters can be told apart without colour', async ({ open }) => {
  const page = await open('tokens');
  await token(page, 0).waitFor();
  await expect(page.locator('.tokens .token')).toHaveCount(26);
  await expect(page.locator('.tokens .token.loss')).toHaveCount(8);
  await expect(page.locator('.tokens .token.special')).toHaveCount(4);
  const underline = (at: number) => token(page, at).evaluate((e) => getComputedStyle(e).borderBottomColor);
  expect(await underline(17)).not.toBe(await underline(3));
  await expect(token(page, 10)).toHaveText('· E2 82');
  await expect(token(page, 11)).toHaveText('AC');
  await expect(token(page, 12)).toHaveText('⇥U+200B');
  await expect(token(page, 1)).toHaveText('↵');
});

test('arrow keys move from token to token and line to line, and say what each is', async ({ open }) => {
  const page = await open('tokens');
  await token(page, 0).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await expect(token(page, 2)).toBeFocused();
  await expect(detail(page)).toHaveText('What: token 3 of 26, id 260, no loss');
  await page.keyboard.press('ArrowDown');
  await expect(token(page, 15)).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(token(page, 2)).toBeFocused();
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowLeft');
  await expect(detail(page)).toHaveText('<|end|>: token 25 of 26, id 0, carries loss, special, end');
  await expect(page.locator('.tokens .token[tabindex="0"]')).toHaveCount(1);
  await page.keyboard.press('Home');
  await expect(token(page, 0)).toBeFocused();
  await token(page, 20).hover();
  await expect(detail(page)).toContainText('sodium: token 21 of 26, id 277, carries loss, after white space');
});

test('samples are chosen by number, in order, by length, by warning and by text', async ({ open }) => {
  const page = await open('tokens');
  const number = page.getByRole('textbox', { name: 'Sample' });
  await expect(number).toHaveValue('1');
  await page.getByRole('button', { name: 'Next sample' }).click();
  await expect(number).toHaveValue('2');
  await number.fill('12');
  await number.press('Enter');
  await expect(page.getByRole('button', { name: 'train.jsonl:12' })).toBeVisible();
  await page.getByRole('button', { name: 'Longest' }).click();
  await expect(number).toHaveValue('17');
  await page.getByRole('button', { name: 'Next Warning' }).click();
  await expect(page.getByRole('status')).toHaveText('No sample with a warning after this one.');
  await expect(number).toHaveValue('17');
  await page.getByRole('textbox', { name: 'Find' }).fill('sodium');
  await page.getByRole('textbox', { name: 'Find' }).press('Enter');
  await expect(number).toHaveValue('7');
  await page.getByRole('textbox', { name: 'Find' }).press('Enter');
  await expect(page.getByRole('status')).toHaveText('No sample after this one contains “sodium”.');
  await page.getByRole('combobox', { name: 'Data' }).selectOption('eval');
  await expect(page.getByRole('button', { name: 'eval.jsonl:1' })).toBeVisible();
  await page.getByRole('button', { name: 'eval.jsonl:1' }).click();
  await expect.poll(() => callsOf(page, 'sample/open')).toEqual([{ file: '/home/me/eval.jsonl', line: 1 }]);
});

test('a row that is no sample is said to be none, and has its place among the others', async ({ open }) => {
  const page = await open('tokens');
  const number = page.getByRole('textbox', { name: 'Sample' });
  await token(page, 0).waitFor();
  await number.fill('5');
  await number.press('Enter');
  await expect(page.locator('.banner.error')).toContainText('train.jsonl:5: messages: found nothing');
  await page.getByRole('button', { name: 'Next sample' }).click();
  await expect(number).toHaveValue('6');
  await expect(page.locator('.banner.error')).toHaveCount(0);
});

test('an edit of the configuration changes the tokens, where they are cut and the lengths', async ({ open }) => {
  const page = await open('tokens');
  await expect(page.locator('.tokens .token')).toHaveCount(26);
  await page.evaluate(() => (globalThis as unknown as { editMaxLength(value: number): void }).editMaxLength(20));
  await expect(page.locator('.tokens .token')).toHaveCount(20);
  await expect(page.locator('.token-cut')).toHaveText('Cut here by max_length 20: 6 tokens are left out.');
  await expect(page.locator('.token-warnings li')).toHaveCount(2);
  expect((await callsOf(page, 'tokens/lengths')).length).toBe(2);
  await page.locator('[data-plot=lengths] .main-svg .trace').first().waitFor({ state: 'attached' });
});

test('a long sample comes in pages, and the keys go on over their ends', async ({ open }) => {
  const page = await open('tokens', { host: { set: 'long' } });
  await expect(page.locator('.tokens .token')).toHaveCount(1024);
  await expect(page.getByText('1 to 1,024 of 4,096')).toBeVisible();
  await token(page, 0).focus();
  await page.keyboard.press('PageDown');
  await expect(token(page, 1024)).toBeFocused();
  await page.keyboard.press('ArrowLeft');
  await expect(token(page, 1023)).toBeFocused();
  await page.keyboard.press('End');
  await expect(token(page, 4095)).toBeFocused();
  await expect(page.locator('.token-cut')).toContainText('904 tokens are left out');
  await page.getByRole('button', { name: 'Earlier' }).click();
  await expect(page.getByText('2,049 to 3,072 of 4,096')).toBeVisible();
});

test('what cannot be shown is said', async ({ open }) => {
  const page = await open('tokens', { host: { fail: 'tokens/show' } });
  await expect(page.getByRole('alert').first()).toContainText('Could not show the sample: data.train');
});

test('set, number and search are kept', async ({ open }) => {
  const state = JSON.stringify({ set: 'eval', number: 9, query: 'x' });
  const page = await open('tokens', { host: { state } });
  await expect(page.getByRole('button', { name: 'eval.jsonl:9' })).toBeVisible();
  const kept = await page.evaluate(() => (globalThis as unknown as { pageState(): unknown }).pageState());
  expect(kept).toMatchObject({ config: 'file:///questions.adapter.yaml', set: 'eval', number: 9, query: 'x' });
});
