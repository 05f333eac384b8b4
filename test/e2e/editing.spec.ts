/** @file Editing with help in the real workbench, with the packaged extension and no other: completion, hover, fixes, figures, data. */
import { expect, test, type Locator, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  builtVsix,
  collectErrors,
  ofExtension,
  openFile,
  openWorkbench,
  runCommand,
  setTheme,
  startHost,
} from './workbench';

const configName = 'questions.adapter.yaml';
const settings = {
  'files.autoSave': 'off',
  'workbench.colorTheme': 'Default Dark Modern',
  'editor.minimap.enabled': false,
  'editor.hover.delay': 100,
};
/** Name in the list of themes, class of the workbench, name of the picture. */
const THEMES = [
  ['Light Modern', 'vs', 'light'],
  ['Dark High Contrast', 'hc-black', 'high-contrast'],
] as const;

let workspace: string;

test.beforeEach(() => {
  workspace = mkdtempSync(path.join(tmpdir(), 'adapter-studio-editing-'));
  cpSync('media/sample', workspace, { recursive: true });
  const config = path.join(workspace, configName);
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace('target_modules: all-linear', 'target_modules: [q_proj, v_proj]'));
  writeFileSync(
    path.join(workspace, 'broken.adapter.yaml'),
    text.replace('learning_rate', 'learing_rate').replace('train.jsonl', 'bad.jsonl'),
  );
  const [first = ''] = readFileSync('media/sample/train.jsonl', 'utf8').split('\n');
  writeFileSync(path.join(workspace, 'bad.jsonl'), `${first}\n${first}\n{"messages": []}\n{"messages"`);
});
test.afterEach(() => rmSync(workspace, { recursive: true }));

test('a configuration is written with the help of the engine', async ({ page }, info) => {
  test.setTimeout(400_000);
  const host = await startHost({ workspace, vsix: builtVsix(), settings });
  try {
    // A short run, so that there is an adapter to look at.
    const config = path.join(host.workspace, configName);
    const train = ['train', config, '--set', 'training.max_steps=3', '--set', 'data.max_length=32'];
    execFileSync(process.execPath, ['dist/kernel.js', ...train], { stdio: 'pipe' });

    const errors = collectErrors(page);
    await openWorkbench(page, host);
    await openFile(page, configName);

    await test.step('the row over the text, and the figures beside it', async () => {
      for (const title of ['Train', 'Estimate', 'Show tokens']) {
        await expect(lenses(page).filter({ hasText: title }).first()).toBeVisible({ timeout: 60_000 });
      }
      for (const figure of [
        'of the base',
        'linear layers',
        'samples a step',
        '696 samples',
        '120 steps',
        'at the peak',
      ]) {
        await expect(editor(page)).toContainText(figure, { timeout: 60_000 });
      }
      await page.screenshot({ path: info.outputPath('figures-dark.png') });
    });

    await test.step('a hover on a module name shows what became of it', async () => {
      const image = await hoverImage(page, 'q_proj');
      await expect(page.locator('.monaco-hover:visible')).toContainText('effective rank');
      await expect(page.locator('.monaco-hover:visible')).toContainText('linear layers');
      expect(await image.evaluate((img: HTMLImageElement) => [img.complete, img.naturalWidth])).toEqual([true, 320]);
      await page.screenshot({ path: info.outputPath('hover-dark.png') });
    });

    await test.step('a key and a module name are completed', async () => {
      await endOf(page, 'seed: 42');
      await page.keyboard.press('Enter');
      await page.keyboard.type('grad');
      const widget = page.locator('.suggest-widget.visible');
      await expect(widget).toContainText('gradient_accumulation_steps');
      await page.screenshot({ path: info.outputPath('completion-dark.png') });
      await page.keyboard.press('Enter');
      await page.keyboard.type('2');
      await expect(line(page, 'gradient_accumulation_steps: 2')).toBeVisible();
      await expect(editor(page)).toContainText('32 samples a step', { timeout: 30_000 });
      await endOf(page, 'target_modules');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.type(', up');
      await expect(widget).toContainText('up_proj');
      await page.screenshot({ path: info.outputPath('modules-dark.png') });
      await page.keyboard.press('Tab');
      await expect(line(page, 'target_modules: [q_proj, v_proj, up_proj]')).toBeVisible();
    });

    await test.step('a misspelt key is put right by a quick fix', async () => {
      await openFile(page, 'broken.adapter.yaml');
      await expect(page.locator('.squiggly-error').first()).toBeVisible({ timeout: 30_000 });
      const menu = page.locator('.action-widget').filter({ hasText: 'Quick Fix' });
      // The menu closes when a busy workbench moves the focus.
      await expect(async () => {
        await line(page, 'learing_rate').click();
        await page.keyboard.press('Control+.');
        await expect(menu).toContainText('Change to learning_rate', { timeout: 10_000 });
        await page.screenshot({ path: info.outputPath('fix-dark.png') });
        await page.keyboard.press('Enter');
        await expect(line(page, 'learing_rate')).toHaveCount(0, { timeout: 10_000 });
      }).toPass({ timeout: 90_000 });
      await expect(line(page, 'learning_rate: 2.0e-3')).toBeVisible();
    });

    await test.step('problems of a data file stand at their lines', async () => {
      await openFile(page, 'bad.jsonl');
      await expect(lenses(page).filter({ hasText: 'training data of broken.adapter.yaml' })).toBeVisible({
        timeout: 30_000,
      });
      await runCommand(page, 'Problems: Focus on Problems View');
      const problems = page.locator('.markers-panel');
      for (const text of ['the same sample as in line 1', 'found an empty list', 'not valid JSON']) {
        await expect(problems).toContainText(text, { timeout: 30_000 });
      }
      await page.screenshot({ path: info.outputPath('data-dark.png') });
      await page.keyboard.press('Control+j');
    });

    await openFile(page, configName);
    for (const [label, kind, name] of THEMES) {
      await setTheme(page, label, kind);
      await hoverImage(page, 'v_proj');
      await page.screenshot({ path: info.outputPath(`hover-${name}.png`) });
      await page.keyboard.press('Escape');
    }
    expect(ofExtension(errors)).toEqual([]);
  } finally {
    await host.stop();
  }
});

const editor = (page: Page): Locator => page.locator('.editor-instance:visible .view-lines').first();
const lenses = (page: Page): Locator => page.locator('.codelens-decoration:visible a');
const line = (page: Page, text: string): Locator => page.locator('.view-line').filter({ hasText: text }).first();

/** The cursor behind the last character of a line; a figure at its end is none of its characters. */
async function endOf(page: Page, text: string): Promise<void> {
  await line(page, text).locator('span span').first().click();
  await page.keyboard.press('End');
}

/** The picture in the hover over a word, once it is there: the first look reads the adapter. */
async function hoverImage(page: Page, word: string): Promise<Locator> {
  const image = page.locator('.monaco-hover:visible img[src^="data:image/svg+xml"]').first();
  await expect(async () => {
    await page.mouse.move(5, 5);
    await line(page, 'target_modules').getByText(word, { exact: true }).first().hover();
    await expect(image).toBeVisible({ timeout: 5_000 });
  }).toPass({ timeout: 60_000 });
  return image;
}
