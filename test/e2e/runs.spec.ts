/** @file Runs in the real workbench: queued, watched, filtered, compared, saved, trained again, deleted. */
import { expect, test, type Frame, type Locator, type Page } from '@playwright/test';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dashboard, endRuns } from './runPages';
import {
  builtVsix,
  chooseFromMenu,
  collectErrors,
  frameWith,
  ofExtension,
  openFile,
  openWorkbench,
  reloadWindow,
  runCommand,
  showView,
  startHost,
} from './workbench';

const PROMPTS =
  'samples:\n  prompts: ["Who is the king of the sea?", "What colour is the sky?"]\n  max_new_tokens: 12\n';

/** The sample with a run that is long enough to be waited for, and a short one with prompts. */
function makeWorkspace(): string {
  const workspace = mkdtempSync(path.join(tmpdir(), 'adapter-studio-runs-'));
  cpSync('media/sample', workspace, { recursive: true });
  const text = readFileSync(path.join(workspace, 'questions.adapter.yaml'), 'utf8');
  const write = (name: string, steps: number, rank: number, evalEvery: number, more: string) =>
    writeFileSync(
      path.join(workspace, `${name}.adapter.yaml`),
      text
        .replace(/max_steps: \d+/, `max_steps: ${steps}`)
        .replace(/ r: \d+/, ` r: ${rank}`)
        .replace(/eval_steps: \d+/, `eval_steps: ${evalEvery}`) + more,
    );
  write('long', 5000, 8, 1000, '');
  write('short', 12, 4, 4, PROMPTS);
  for (const file of ['questions', 'questions-rslora'].map((name) => path.join(workspace, `${name}.adapter.yaml`)))
    rmSync(file, { force: true });
  return workspace;
}

test('two runs are queued, watched, compared and deleted', async ({ page }, info) => {
  test.setTimeout(600_000);
  const workspace = makeWorkspace();
  const settings = { 'files.autoSave': 'off', 'workbench.colorTheme': 'Default Dark Modern' };
  const host = await startHost({ workspace, vsix: builtVsix(), settings });
  const runs = () => path.join(host.workspace, 'runs');
  const folderOf = (name: string) =>
    path.join(
      runs(),
      readdirSync(runs()).find((run) => run.startsWith(`${name}-`))!,
    );
  try {
    const errors = collectErrors(page);
    await openWorkbench(page, host);
    await showView(page, 'Adapter Studio');

    await test.step('a second Train waits for the first', async () => {
      await train(page, 'long');
      await expect(row(page, /^long.*\d+\/5000/)).toBeVisible({ timeout: 90_000 });
      await train(page, 'short', false);
      await page.locator('.monaco-dialog-box').getByRole('button', { name: 'Queue After It' }).click();
      await showView(page, 'Adapter Studio');
      const queued = await dashboard(page, 'short');
      await expect(queued.locator('.banner.queue')).toContainText('It waits for long to end', { timeout: 90_000 });
      await expect(row(page, /^Queued/)).toBeVisible();
      await expect(row(page, /^short.*place 1 in the queue/)).toBeVisible();
      await page.screenshot({ path: info.outputPath('queued-dark.png') });
    });

    await test.step('the queue goes on when the first is stopped, and the samples are shown', async () => {
      const long = await openRun(page, 'long');
      await long.locator('vscode-button', { hasText: 'Stop' }).click();
      await expect(row(page, /^Stopped/)).toBeVisible({ timeout: 90_000 });
      await expect(row(page, /^Finished/)).toBeVisible({ timeout: 90_000 });
      const short = await openRun(page, 'short');
      await expect(short.locator('as-run-header .status')).toContainText('Finished');
      await expect(short.locator('.sample')).toHaveCount(2);
      await expect(short.locator('.samples')).toContainText('Step 12 against step 8');
      await short.locator('.samples input[type=range]').press('Home');
      await expect(short.locator('.samples')).toContainText('The texts at step 0');
      await short.locator('.samples').scrollIntoViewIfNeeded();
      await page.screenshot({ path: info.outputPath('samples-dark.png') });
    });

    await test.step('curves and plots are saved where the person says', async () => {
      const short = await dashboard(page, 'short');
      await short.locator('as-plot-toolbar vscode-button', { hasText: 'Save CSV' }).click();
      await acceptFile(page);
      const csv = path.join(host.workspace, 'short-metrics.csv');
      await expect.poll(() => existsSync(csv)).toBe(true);
      expect(
        readFileSync(csv, 'utf8')
          .split('\n')
          .filter((line) => line.startsWith('train,')),
      ).toHaveLength(12);
      await short.getByRole('button', { name: 'Save Loss as PNG' }).click();
      await acceptFile(page);
      const png = path.join(host.workspace, 'short-Loss.png');
      await expect.poll(() => existsSync(png)).toBe(true);
      expect(readFileSync(png).subarray(1, 4).toString()).toBe('PNG');
    });

    await test.step('the filter leaves what matches, and is cleared', async () => {
      await runCommand(page, 'Adapter Studio: Filter Runs…');
      await page.locator('.quick-input-box input').fill('short');
      await expect(row(page, /^long/)).toHaveCount(0);
      await page.keyboard.press('Enter');
      await expect(runsPane(page)).toContainText('1 of 2 runs match “short”.');
      await page.screenshot({ path: info.outputPath('filter-dark.png') });
      await runCommand(page, 'Adapter Studio: Clear Run Filter');
      await expect(row(page, /^long/)).toBeVisible();
    });

    await test.step('the folder of a run is shown among the files', async () => {
      await chooseFromMenu(page, row(page, /^short/), 'Reveal Run Folder');
      const files = page.locator('.explorer-folders-view .monaco-list-row');
      await expect(files.and(page.locator('[aria-selected=true]'))).toHaveAttribute('aria-label', /^run\.json/);
      // All of it is there to be opened, under the name of its folder.
      await expect(files.filter({ hasText: path.basename(folderOf('short')) })).toBeVisible();
      for (const name of ['metrics.jsonl', 'state.json']) await expect(files.filter({ hasText: name })).toBeVisible();
      await showView(page, 'Adapter Studio');
    });

    await test.step('the configuration of a run goes to the clipboard, to be pasted anywhere', async () => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: host.url });
      await chooseFromMenu(page, row(page, /^short/), 'Copy Configuration of Run');
      await expect(page.locator('.statusbar-item')).toContainText(['The configuration of short is in the clipboard.']);
      await runCommand(page, 'File: New Untitled Text File');
      const text = page.locator('.editor-group-container.active .view-lines');
      await page.keyboard.press('ControlOrMeta+v');
      await expect(text).toContainText('The configuration of the run short.');
      const model = path.join(host.workspace, 'base');
      for (const part of [`model: ${model}`, 'max_steps: 12', 'r: 4', 'Who is the king of the sea?']) {
        // Spaces of an editor's line are not those of a text.
        await expect(text).toContainText(new RegExp(escaped(part).replaceAll(' ', '\\s')));
      }
      await runCommand(page, 'View: Revert and Close Editor');
    });

    await test.step('both in one dashboard, also after a reload', async () => {
      await row(page, /^long/).click();
      await row(page, /^short/).click({ modifiers: ['ControlOrMeta'] });
      await chooseFromMenu(page, row(page, /^short/), 'Compare Runs…');
      const comparison = await frameWith(page, 'as-comparison .compare-table');
      await expect(comparison.locator('[data-plot=loss] .main-svg .trace')).toHaveCount(2);
      await expect(comparison.locator('.configurations tbody th')).toContainText(['adapter.r', 'training.max_steps']);
      await page.screenshot({ path: info.outputPath('compare-dark.png') });
      expect(ofExtension(errors)).toEqual([]);
      await reloadWindow(page);
      errors.length = 0; // what the old window said while it went away
      const again = await frameWith(page, 'as-comparison .compare-table');
      await expect(again.locator('[data-plot=loss] .main-svg .trace')).toHaveCount(2);
    });

    await test.step('training again begins with a new configuration beside the old one', async () => {
      await chooseFromMenu(page, row(page, /^short/), 'Train Again with Changes…');
      await expect(page.locator('.tabs-container .tab').filter({ hasText: 'short-2.adapter.yaml' })).toBeVisible();
      const text = readFileSync(path.join(host.workspace, 'short-2.adapter.yaml'), 'utf8');
      for (const part of ['model: ./base', 'train: ./train.jsonl', 'max_steps: 12', 'Who is the king']) {
        expect(text).toContain(part);
      }
      await expect(page.locator('.codelens-decoration').first()).toContainText('Train', { timeout: 60_000 });
      await expect(page.locator('.squiggly-error')).toHaveCount(0);
    });

    await test.step('a run is deleted by key, once that was agreed to', async () => {
      const folder = folderOf('long');
      const open = await openRun(page, 'long');
      expect(open).toBeDefined();
      const dialog = page.locator('.monaco-dialog-box');
      const agree = dialog.getByRole('button', { name: 'Move to Trash' });
      await row(page, /^long/).click();
      await page.keyboard.press('Delete');
      await agree.click();
      // The host of these tests is a remote machine, which has no trash.
      await dialog.getByRole('button', { name: 'Delete Permanently' }).click();
      await expect.poll(() => existsSync(folder)).toBe(false);
      await expect(row(page, /^long/)).toHaveCount(0);
    });

    await test.step('a dashboard whose folder goes says so', async () => {
      const short = await openRun(page, 'short');
      await runCommand(page, 'Preferences: Toggle between Light/Dark Themes');
      rmSync(folderOf('short'), { recursive: true });
      await expect(short.locator('.banner.error')).toContainText('was deleted or moved');
      await expect(short.locator('[data-plot=loss] .main-svg .trace').first()).toBeAttached();
      await page.screenshot({ path: info.outputPath('gone-light.png') });
    });
    expect(ofExtension(errors)).toEqual([]);
  } finally {
    endRuns(runs());
    await host.stop();
    rmSync(workspace, { recursive: true });
  }
});

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const runsPane = (page: Page): Locator =>
  page.locator('.pane').filter({ has: page.locator('.pane-header', { hasText: /^Runs/ }) });

/** A row of the Runs view, group or run, by its text: name, then description. */
const row = (page: Page, text: RegExp): Locator => runsPane(page).locator('.monaco-list-row').filter({ hasText: text });

async function train(page: Page, name: string, isAlone = true): Promise<void> {
  await page.locator('.activitybar [aria-label^="Explorer"]').first().click();
  await openFile(page, `${name}.adapter.yaml`);
  await runCommand(page, 'Adapter Studio: Train');
  // Otherwise a question is open, and nothing behind it can be clicked.
  if (isAlone) await showView(page, 'Adapter Studio');
}

/** Opens the dashboard of a run from its row. */
async function openRun(page: Page, name: string): Promise<Frame> {
  await row(page, new RegExp(`^${name}`)).click();
  return dashboard(page, name);
}

/** Takes the name that the save dialog offers. */
async function acceptFile(page: Page): Promise<void> {
  const widget = page.locator('.quick-input-widget');
  await expect(widget.locator('.quick-input-box input')).toHaveValue(/\.(csv|png)$/);
  await widget.getByRole('button', { name: 'OK' }).click();
  await expect(widget).toBeHidden();
}
