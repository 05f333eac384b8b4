/** @file The whole line in the real workbench, with the packaged extension: configure, train, watch, stop, resume, merge. */
import { expect, test, type Frame, type Locator, type Page } from '@playwright/test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  builtVsix,
  frameWith,
  ofExtension,
  openFile,
  reloadWindow,
  runCommand,
  sharedWindow,
  showView,
} from './workbench';

const sample = path.resolve('media/sample');
/** So many that the run is still at work after everything that is done with it meanwhile. */
const steps = '1000';
/** In the browser the editor saves by itself after a second, unlike on the desktop. */
const settings = { 'files.autoSave': 'off', 'workbench.colorTheme': 'Default Dark Modern' };
const configName = 'questions.adapter.yaml';

const window = sharedWindow(() => ({ workspace: sample, vsix: builtVsix(), settings }));

test('a new configuration is made by three questions and has no problem', async () => {
  const { host, page, errors } = window;
  await runCommand(page, 'Adapter Studio: New Configuration');
  await answerQuickPick(page, 'base model', 'base');
  await answerQuickPick(page, 'training data', 'train.jsonl');
  await acceptInput(page, 'file name');
  await expect(line(page, 'model: ./base')).toBeVisible();
  await expect(line(page, 'train: ./train.jsonl')).toBeVisible();
  await expect(page.locator('.codelens-decoration')).toContainText('Train', { timeout: 60_000 });
  await expect(page.locator('.codelens-decoration')).toContainText('parameters');
  expect(existsSync(path.join(host.workspace, 'base-lora.adapter.yaml'))).toBe(true);
  expect(ofExtension(errors)).toEqual([]);
});

test('the sample is configured, trained, watched over a reload, stopped, resumed and merged', async ({}, info) => {
  test.setTimeout(600_000);
  const { host, page, errors } = window;
  const onDisk = () => readFileSync(path.join(host.workspace, configName), 'utf8');
  try {
    const original = onDisk();
    const [, r = ''] = /\br: (\d+)/.exec(original) ?? [];
    const [, maxSteps = ''] = /max_steps: (\d+)/.exec(original) ?? [];
    await openFile(page, configName);
    await showView(page, 'Adapter Studio');

    const form = await frameWith(page, 'as-config-form');
    const rank = form.locator('[data-key="adapter.r"] input');
    await test.step('a change in the form is one undoable edit of the text, and is not saved', async () => {
      await expect(rank).toHaveValue(r, { timeout: 60_000 });
      await rank.fill('4');
      await rank.blur();
      await expect(line(page, 'r: 4')).toBeVisible();
      await expect(form.locator('.dirty')).toBeVisible();
      expect(onDisk()).toBe(original);
      await line(page, 'r: 4').click();
      await page.keyboard.press('Control+z');
      await expect(line(page, `r: ${r}`)).toBeVisible();
      await expect(rank).toHaveValue(r);
      await rank.fill('4');
      await rank.blur();
      await expect(line(page, 'r: 4')).toBeVisible();
    });

    await test.step('a change of the text is shown in the form and checked by the engine', async () => {
      await typeAtEndOf(page, `max_steps: ${maxSteps}`, 'x');
      await expect(page.locator('.squiggly-error').first()).toBeVisible({ timeout: 30_000 });
      for (let i = 0; i <= maxSteps.length; i++) await page.keyboard.press('Backspace');
      await page.keyboard.type(steps);
      await expect(form.locator('[data-key="training.max_steps"] input')).toHaveValue(steps);
      await expect(page.locator('.squiggly-error')).toHaveCount(0, { timeout: 30_000 });
    });

    await test.step('training asks before it saves, and the comments are still there', async () => {
      await form.locator('vscode-button.train').click();
      await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Save and Train' }).click();
      await expect
        .poll(onDisk)
        .toBe(original.replace(` r: ${r}`, ' r: 4').replace(`max_steps: ${maxSteps}`, `max_steps: ${steps}`));
    });

    await test.step('live points arrive', async () => {
      const dashboard = await dashboardFrame(page);
      await expect(status(dashboard)).toContainText('Running', { timeout: 60_000 });
      await expect.poll(() => lastStep(dashboard), { timeout: 60_000 }).toBeGreaterThan(3);
      await expect(dashboard.locator('[data-plot=loss] .main-svg .trace').first()).toBeAttached();
      await expect(page.locator('.codelens-decoration')).toContainText('Training');
      await expect(
        page.locator('.statusbar-item').filter({ hasText: new RegExp(`questions \\d+/${steps}`) }),
      ).toBeVisible();
      await page.screenshot({ path: info.outputPath('training.png') });
    });

    await test.step('after a reload of the window the dashboard is back and its curves have no gap', async () => {
      expect(ofExtension(errors)).toEqual([]);
      await reloadWindow(page);
      errors.length = 0; // what the old window said while it went away
      const dashboard = await dashboardFrame(page);
      await dashboard.getByRole('button', { name: 'Loss as a table' }).click();
      const before = await lastStep(dashboard);
      await expect.poll(() => lastStep(dashboard), { timeout: 60_000 }).toBeGreaterThan(before);
      await expectNoGap(dashboard);
      await expect(page.locator('.codelens-decoration')).toContainText('Training');
    });

    await test.step('stop saves a checkpoint, and resume goes on from it', async () => {
      const dashboard = await dashboardFrame(page);
      await dashboard.locator('vscode-button', { hasText: 'Stop' }).click();
      await expect(status(dashboard)).toContainText('Stopped', { timeout: 60_000 });
      const stoppedAt = await lastStep(dashboard);
      await dashboard.locator('vscode-button', { hasText: 'Resume' }).click();
      await expect(status(dashboard)).toContainText('Running', { timeout: 60_000 });
      await expect.poll(() => lastStep(dashboard), { timeout: 60_000 }).toBeGreaterThan(stoppedAt);
      await expectNoGap(dashboard);
      await runCommand(page, 'Adapter Studio: Stop Run');
      await expect(status(dashboard)).toContainText('Stopped', { timeout: 60_000 });
      await page.screenshot({ path: info.outputPath('stopped.png') });
    });

    await test.step('merge writes a checkpoint and shows its proof', async () => {
      const dashboard = await dashboardFrame(page);
      await dashboard.locator('vscode-button', { hasText: 'Merge' }).click();
      await answerQuickPick(page, 'base model', 'the base of the run');
      await acceptInput(page, 'new folder');
      await answerQuickPick(page, 'number type', 'Keep');
      const toast = page.locator('.notification-toast').filter({ hasText: 'Largest logit difference' });
      await expect(toast).toBeVisible({ timeout: 120_000 });
      expect(existsSync(path.join(host.workspace, 'base-merged/config.json'))).toBe(true);
      await toast.getByRole('button', { name: 'Show Report' }).click();
      const report = await frameWith(page, '#proof');
      await expect(report.locator('body')).toContainText('Largest absolute difference');
      await page.screenshot({ path: info.outputPath('merged.png') });
    });

    await test.step('unmerge restores the base and says how near it is', async () => {
      await runCommand(page, 'Adapter Studio: Unmerge Adapter…');
      await answerQuickPick(page, 'adapter', 'questions');
      await answerQuickPick(page, 'merged model', 'base-merged');
      await acceptInput(page, 'new folder');
      const toast = page.locator('.notification-toast').filter({ hasText: 'Unmerged into base-merged-unmerged' });
      await expect(toast).toContainText('Largest weight difference to base', { timeout: 120_000 });
      expect(existsSync(path.join(host.workspace, 'base-merged-unmerged/config.json'))).toBe(true);
    });

    expect(ofExtension(errors)).toEqual([]);
  } finally {
    endRuns(host.workspace);
  }
});

/** A run outlives the editor, so a test that failed half-way ends it before its folder is removed. */
function endRuns(workspace: string): void {
  const folder = path.join(workspace, 'runs');
  for (const run of existsSync(folder) ? readdirSync(folder) : []) {
    const { pid } = JSON.parse(readFileSync(path.join(folder, run, 'state.json'), 'utf8')) as { pid: number };
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

/** A line of the text editor; the editor draws spaces as non-breaking ones. */
function line(page: Page, text: string): Locator {
  const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(' ', '\\s'));
  return page.locator('.view-line').filter({ hasText: pattern });
}

async function typeAtEndOf(page: Page, text: string, addition: string): Promise<void> {
  await line(page, text).click();
  await page.keyboard.press('End');
  await page.keyboard.type(addition);
}

const dashboardFrame = (page: Page): Promise<Frame> => frameWith(page, 'as-run-header .facts');

const status = (dashboard: Frame) => dashboard.locator('as-run-header .status');

/** The step in the head of the dashboard: `12 / 60`. */
async function lastStep(dashboard: Frame): Promise<number> {
  return Number.parseInt((await dashboard.locator('.facts dd').first().innerText()).replaceAll(',', ''), 10);
}

/** The table behind the loss plot goes from the first step to the last without a gap; a long table is thinned evenly. */
async function expectNoGap(dashboard: Frame): Promise<void> {
  const rows = dashboard.locator('[data-plot=loss] tbody tr');
  await expect(rows.first()).toBeVisible();
  const shown = await rows.locator('th').allInnerTexts();
  const numbers = shown.map((text) => Number(text.replaceAll(',', '')));
  const stride = Math.ceil(numbers.at(-1)! / 200) + 1;
  expect(numbers[0]).toBeLessThanOrEqual(1);
  for (const [i, step] of numbers.slice(1).entries()) {
    expect(step).toBeGreaterThan(numbers[i]!);
    expect(step - numbers[i]!).toBeLessThanOrEqual(stride);
  }
}

async function answerQuickPick(page: Page, title: string, choice: string): Promise<void> {
  const widget = page.locator('.quick-input-widget');
  await expect(widget.locator('.quick-input-title')).toContainText(title, { timeout: 60_000 });
  await widget.locator('.monaco-list-row').filter({ hasText: choice }).first().click();
}

async function acceptInput(page: Page, title: string): Promise<void> {
  const widget = page.locator('.quick-input-widget');
  await expect(widget.locator('.quick-input-title')).toContainText(title, { timeout: 60_000 });
  await widget.locator('.quick-input-box input').press('Enter');
}
