/** @file The views on run folders that someone else wrote: no engine is needed to look at a run, nor is trust. */
import { expect, test, type Page } from '@playwright/test';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  builtVsix,
  frameWith,
  ofExtension,
  openFile,
  openWorkbench,
  setTheme,
  sharedWindow,
  showView,
  trustWorkspace,
} from './workbench';

const writer = path.resolve('test/support/writeRun.mjs');
const write = (...args: string[]) => execFileSync(process.execPath, [writer, ...args]);
const config = 'fixture.adapter.yaml';

const window = sharedWindow(() => ({
  workspace: (folder) => {
    cpSync('media/sample/questions.adapter.yaml', path.join(folder, config));
    write(path.join(folder, 'runs/done'), '--to', '30');
    write(path.join(folder, 'runs/stopped'), '--to', '20', '--total', '30', '--end', 'stopped');
    write(path.join(folder, 'elsewhere/deep/killed'), '--to', '20', '--total', '30', '--end', 'none');
  },
  vsix: builtVsix(),
  trusted: false,
}));

const runRow = (page: Page, text: string | RegExp) =>
  page.locator('.pane').filter({ hasText: 'Runs' }).locator('.monaco-list-row').filter({ hasText: text });

test('in a workspace that is not trusted runs can be viewed and nothing can be run', async ({}, info) => {
  const { page, errors } = window;
  await showView(page, 'Adapter Studio');
  // Groups stand in the order of how urgent they are: the first is the one that was stopped.
  await runRow(page, '20/30').first().click();
  const dashboard = await frameWith(page, 'as-run-header .facts');
  await expect(dashboard.locator('as-run-header .status')).toContainText('Stopped');
  await expect(dashboard.locator('vscode-button', { hasText: 'Resume' })).toHaveAttribute('aria-disabled', 'true');
  const form = await frameWith(page, 'as-config-form');
  await expect(form.locator('vscode-button.train')).toHaveAttribute('aria-disabled', 'true', { timeout: 60_000 });
  await page.screenshot({ path: info.outputPath('untrusted.png') });

  await trustWorkspace(page);
  const again = await frameWith(page, 'as-run-header .facts');
  await expect(again.locator('vscode-button', { hasText: 'Resume' })).toHaveAttribute('aria-disabled', 'false');
  expect(ofExtension(errors)).toEqual([]);
});

test('runs are found with what became of them, and a live one moves', async ({}, info) => {
  const { host, page, errors } = window;
  await setTheme(page, 'Light Modern', 'vs');
  const live = spawn(process.execPath, [
    ...[writer, path.join(host.workspace, 'runs/live'), '--to', '2000', '--interval', '100'],
    ...['--config', path.join(host.workspace, config)],
  ]);
  try {
    await showView(page, 'Adapter Studio');
    for (const group of ['Running', 'Stopped', 'Failed', 'Finished']) await expect(runRow(page, group)).toHaveCount(1);
    await expect(runRow(page, 'Queued')).toHaveCount(0);
    await expect(runRow(page, /loss .* · 20\/30/)).toHaveCount(2);
    await expect(runRow(page, /loss .* · .* left · \d+\/2000/)).toHaveCount(1);

    await runRow(page, /\/2000/).click();
    const dashboard = await frameWith(page, 'as-run-header .facts');
    await expect(dashboard.locator('as-run-header .status')).toContainText('Running');
    const step = dashboard.locator('.facts dd').first();
    const before = await step.innerText();
    await expect(step).not.toHaveText(before);
    await expect(dashboard.locator('[data-plot=rank-map] .heatmaplayer image')).toBeAttached();
    await page.screenshot({ path: info.outputPath('live-light.png') });

    live.kill('SIGKILL');
    await expect(dashboard.locator('as-run-header .status')).toContainText('Failed');
    await expect(page.locator('.notification-toast')).toContainText('The run fixture failed');
    expect(ofExtension(errors)).toEqual([]);
  } finally {
    live.kill('SIGKILL');
  }
});

test('a configuration has its lens and its problems in the text', async () => {
  const { page } = window;
  await openFile(page, config);
  // The sample's configuration without its base model: the path is the problem.
  await expect(page.locator('.codelens-decoration')).toContainText('problem', { timeout: 60_000 });
  await expect(page.locator('.squiggly-error').first()).toBeVisible();
});

test('an empty workspace says what to do', async ({}, info) => {
  const { host, page, errors } = window;
  for (const name of readdirSync(host.workspace)) rmSync(path.join(host.workspace, name), { recursive: true });
  writeFileSync(path.join(host.workspace, 'notes.txt'), 'nothing here\n');
  // A new window, which has never seen what was there.
  await openWorkbench(page, host);
  errors.length = 0; // what the old one said while it went away
  await showView(page, 'Adapter Studio');
  const form = await frameWith(page, 'as-config-form');
  await expect(form.locator('vscode-button', { hasText: 'New Configuration' })).toBeVisible({ timeout: 60_000 });
  await expect(page.locator('.welcome-view').filter({ hasText: 'No run in this workspace yet' })).toBeVisible();
  await expect(page.locator('.welcome-view').filter({ hasText: 'No checkpoint or adapter' })).toBeVisible();
  await page.screenshot({ path: info.outputPath('empty.png') });
  expect(ofExtension(errors)).toEqual([]);
});
