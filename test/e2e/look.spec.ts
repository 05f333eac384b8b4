/** @file Looking at samples as tokens, and at what models answer, in the real workbench with a real run. */
import { expect, test } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { builtVsix, frameWith, ofExtension, openFile, runCommand, setTheme, sharedWindow } from './workbench';

const config = 'questions.adapter.yaml';
const settings = { 'files.autoSave': 'off', 'workbench.colorTheme': 'Default Dark Modern' };

const window = sharedWindow(() => ({ workspace: fill, vsix: builtVsix(), settings }));

/** The sample with a run that has made checkpoints. */
function fill(workspace: string): void {
  cpSync(path.resolve('media/sample'), workspace, { recursive: true });
  const kernel = path.resolve('dist/kernel.js');
  const steps = [
    'training.max_steps=30',
    'training.save_steps=15',
    'training.eval_steps=30',
    'training.warmup_steps=3',
  ];
  const options = steps.flatMap((step) => ['--set', step]);
  execFileSync(process.execPath, [kernel, 'train', path.join(workspace, config), ...options], { stdio: 'pipe' });
}

test('a sample is shown as tokens from the line over the configuration, and again as the text changes', async ({}, info) => {
  const { page, errors } = window;
  await openFile(page, config);
  await page.locator('.codelens-decoration a').filter({ hasText: 'Show tokens' }).click({ timeout: 60_000 });
  const frame = await frameWith(page, 'as-tokens');
  const tokens = frame.locator('.tokens .token');
  await expect(tokens.first()).toHaveText('<|user|>', { timeout: 60_000 });
  await expect(frame.locator('.tokens .token.loss').last()).toHaveText('<|end|>');
  await expect(frame.locator('.lengths summary')).toContainText('696 samples');
  await page.screenshot({ path: info.outputPath('tokens-dark.png') });

  await test.step('what is not saved counts', async () => {
    const line = page.locator('.view-line').filter({ hasText: /max_length:\s64/ });
    await line.click();
    await page.keyboard.press('End');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('12');
    await expect(frame.locator('.token-cut')).toContainText('Cut here by max_length 12', { timeout: 60_000 });
    await expect(frame.locator('.token-warnings')).toContainText('training leaves this sample out');
    await expect(tokens).toHaveCount(12);
  });

  await test.step('the other set, and the line of the file', async () => {
    await frame.locator('as-sample-bar select').selectOption('eval');
    await frame.locator('.link-button', { hasText: 'eval.jsonl:1' }).click();
    await expect(page.locator('.tabs-container .tab').filter({ hasText: 'eval.jsonl' })).toBeVisible();
  });
  expect(ofExtension(errors)).toEqual([]);
});

test('base and adapter of a run answer the same question side by side', async ({}, info) => {
  const { page, errors } = window;
  await setTheme(page, 'Light Modern', 'vs');
  await runCommand(page, 'Adapter Studio: Try It');
  const frame = await frameWith(page, 'as-try-it');
  const answer = (id: string) => frame.locator(`[data-column=${id}]`);
  // A run and its base are chosen by themselves; its checkpoints can be had.
  const checkpoint = frame.getByRole('combobox', { name: 'Checkpoint' });
  await expect(checkpoint.locator('option')).toHaveText(['final adapter', 'step 30', 'step 15'], { timeout: 60_000 });
  await frame.getByRole('textbox', { name: 'New tokens' }).fill('24');
  await frame.getByRole('textbox', { name: 'Question' }).fill('What is the capital of France?');
  await frame.locator('.prompt-form .primary').click();
  for (const id of ['base', 'adapter']) {
    await expect(answer(id)).toHaveAttribute('data-state', 'done', { timeout: 90_000 });
    await expect(answer(id).locator('.answer-facts')).toContainText('tokens/s');
  }
  const [base, adapter] = await frame.locator('.answer-text').allInnerTexts();
  expect(adapter).toContain('capital of France');
  expect(adapter).not.toBe(base);
  await page.screenshot({ path: info.outputPath('try-it-light.png') });

  await test.step('an older checkpoint answers too', async () => {
    await checkpoint.selectOption({ label: 'step 15' });
    await frame.locator('.prompt-form .primary').click();
    await expect(answer('adapter')).toHaveAttribute('data-state', 'done', { timeout: 90_000 });
    await expect(answer('adapter').locator('.place')).toHaveText('checkpoints/step-000015');
  });
  expect(ofExtension(errors)).toEqual([]);
});
