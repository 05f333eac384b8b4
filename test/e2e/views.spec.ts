/** @file The views on run folders that someone else wrote: no engine is needed to look at a run, nor is trust. */
import { expect, test, type Page } from '@playwright/test';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  builtVsix,
  collectErrors,
  frameWith,
  ofExtension,
  openFile,
  openWorkbench,
  runCommand,
  showView,
  startHost,
} from './workbench';

const writer = path.resolve('test/support/writeRun.mjs');
const write = (...args: string[]) => execFileSync(process.execPath, [writer, ...args]);
const config = 'fixture.adapter.yaml';

let workspace: string;

test.beforeEach(() => {
  workspace = mkdtempSync(path.join(tmpdir(), 'adapter-studio-views-'));
  cpSync('media/sample/questions.adapter.yaml', path.join(workspace, config));
});
test.afterEach(() => rmSync(workspace, { recursive: true }));

const runRow = (page: Page, text: string | RegExp) =>
  page.locator('.pane').filter({ hasText: 'Runs' }).locator('.monaco-list-row').filter({ hasText: text });

test('runs are found with what became of them, and a live one moves', async ({ page }, info) => {
  write(path.join(workspace, 'runs/done'), '--to', '30');
  write(path.join(workspace, 'runs/stopped'), '--to', '20', '--total', '30', '--end', 'stopped');
  write(path.join(workspace, 'elsewhere/deep/killed'), '--to', '20', '--total', '30', '--end', 'none');
  const settings = { 'workbench.colorTheme': 'Default Light Modern' };
  const host = await startHost({ workspace, vsix: builtVsix(), settings });
  const live = spawn(process.execPath, [
    ...[writer, path.join(host.workspace, 'runs/live'), '--to', '2000', '--interval', '100'],
    ...['--config', path.join(host.workspace, config)],
  ]);
  try {
    const errors = collectErrors(page);
    await openWorkbench(page, host);
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
    await host.stop();
  }
});

test('in a workspace that is not trusted runs can be viewed and nothing can be run', async ({ page }, info) => {
  write(path.join(workspace, 'runs/stopped'), '--to', '20', '--total', '30', '--end', 'stopped');
  const host = await startHost({ workspace, vsix: builtVsix(), trusted: false });
  try {
    const errors = collectErrors(page);
    await openWorkbench(page, host);
    await showView(page, 'Adapter Studio');
    await runRow(page, '20/30').click();
    const dashboard = await frameWith(page, 'as-run-header .facts');
    await expect(dashboard.locator('vscode-button', { hasText: 'Resume' })).toHaveAttribute('aria-disabled', 'true');
    const form = await frameWith(page, 'as-config-form');
    await expect(form.locator('vscode-button.train')).toHaveAttribute('aria-disabled', 'true', { timeout: 60_000 });
    await page.screenshot({ path: info.outputPath('untrusted.png') });

    await runCommand(page, 'Workspaces: Manage Workspace Trust');
    await page.getByRole('button', { name: 'Trust', exact: true }).click();
    await page.keyboard.press('Escape'); // closes the trust editor
    const again = await frameWith(page, 'as-run-header .facts');
    await expect(again.locator('vscode-button', { hasText: 'Resume' })).toHaveAttribute('aria-disabled', 'false');
    expect(ofExtension(errors)).toEqual([]);
  } finally {
    await host.stop();
  }
});

test('an empty workspace says what to do', async ({ page }, info) => {
  rmSync(path.join(workspace, config));
  writeFileSync(path.join(workspace, 'notes.txt'), 'nothing here\n');
  const host = await startHost({ workspace, vsix: builtVsix() });
  try {
    const errors = collectErrors(page);
    await openWorkbench(page, host);
    await showView(page, 'Adapter Studio');
    const form = await frameWith(page, 'as-config-form');
    await expect(form.locator('vscode-button', { hasText: 'New Configuration' })).toBeVisible({ timeout: 60_000 });
    await expect(page.locator('.welcome-view').filter({ hasText: 'No run in this workspace yet' })).toBeVisible();
    await expect(page.locator('.welcome-view').filter({ hasText: 'No checkpoint or adapter' })).toBeVisible();
    await page.screenshot({ path: info.outputPath('empty.png') });
    expect(ofExtension(errors)).toEqual([]);
  } finally {
    await host.stop();
  }
});

test('a configuration has its lens and its problems in the text', async ({ page }) => {
  const host = await startHost({ workspace, vsix: builtVsix() });
  try {
    await openWorkbench(page, host);
    await openFile(page, config);
    // The sample's configuration without its base model: the path is the problem.
    await expect(page.locator('.codelens-decoration')).toContainText('problem', { timeout: 60_000 });
    await expect(page.locator('.squiggly-error').first()).toBeVisible();
  } finally {
    await host.stop();
  }
});
