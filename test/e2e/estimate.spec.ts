/** @file The estimate in the real workbench: opened by its command, measured, and made again when the file is saved. */
import { expect, test } from '@playwright/test';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  builtVsix,
  frameWith,
  ofExtension,
  openFile,
  runCommand,
  setTheme,
  sharedWindow,
  trustWorkspace,
} from './workbench';

const config = 'questions.adapter.yaml';
const window = sharedWindow(() => ({
  workspace: path.resolve('media/sample'),
  vsix: builtVsix(),
  settings: { 'files.autoSave': 'off', 'workbench.colorTheme': 'Default Light Modern' },
  trusted: false,
}));

test('without trust it is estimated and not measured', async ({}, info) => {
  const { page } = window;
  await openFile(page, config);
  await runCommand(page, 'Adapter Studio: Estimate');
  const frame = await frameWith(page, 'as-estimate');
  await expect(frame.locator('.verdict')).toContainText('It fits', { timeout: 90_000 });
  for (const name of ['Measure', 'Train']) {
    await expect(frame.locator('vscode-button', { hasText: name })).toHaveAttribute('aria-disabled', 'true');
  }
  await page.screenshot({ path: info.outputPath('untrusted-light.png') });
});

test('a configuration is estimated, measured, and estimated again after a change', async ({}, info) => {
  const { host, page, errors } = window;
  await trustWorkspace(page);
  await setTheme(page, 'Dark Modern', 'vs-dark');
  await openFile(page, config);
  await runCommand(page, 'Adapter Studio: Estimate');
  const frame = await frameWith(page, 'as-estimate');
  const verdict = frame.locator('.verdict');
  await expect(verdict).toContainText('It fits', { timeout: 90_000 });
  await expect(verdict).toContainText('not known until it is measured');
  await expect(frame.getByText('696 (messages)')).toBeVisible();

  await frame.getByRole('button', { name: 'Measure' }).click();
  await expect(verdict).toContainText(/It takes about \d/, { timeout: 90_000 });
  await expect(frame.locator('as-time-section .facts')).toContainText(/Per step\s*\d/);
  await page.screenshot({ path: info.outputPath('measured-dark.png') });

  const file = path.join(host.workspace, config);
  writeFileSync(file, readFileSync(file, 'utf8').replace('max_steps: 120', 'max_steps: 12'));
  await expect(frame.getByText('12, 44 per epoch')).toBeVisible({ timeout: 60_000 });
  writeFileSync(file, readFileSync(file, 'utf8').replace('r: 8', 'r: none'));
  await expect(frame.locator('.banner.error')).toContainText('adapter.r', { timeout: 60_000 });
  await page.screenshot({ path: info.outputPath('refused-dark.png') });
  expect(ofExtension(errors)).toEqual([]);
});
