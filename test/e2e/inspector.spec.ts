/** @file The inspector in the real workbench: an adapter, a checkpoint, a broken file and a pickle, and the line over a configuration. */
import { expect, test, type Locator, type Page } from '@playwright/test';
import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  builtVsix,
  chooseFromMenu,
  frameWith,
  ofExtension,
  runCommand,
  setTheme,
  sharedWindow,
  trustWorkspace,
} from './workbench';

const adapter = path.resolve('test/golden/cases/02-lora-llama-qv/adapter_final');
const shots = path.resolve('.cache/screenshots');

const window = sharedWindow(() => ({
  workspace: fill,
  vsix: builtVsix(),
  settings: { 'workbench.colorTheme': 'Default Dark Modern', 'workbench.editor.enablePreview': false },
  trusted: false,
}));

function fill(workspace: string): void {
  for (const file of ['adapter_config.json', 'adapter_model.safetensors'])
    cpSync(path.join(adapter, file), path.join(workspace, file));
  cpSync('media/sample/base', path.join(workspace, 'base'), { recursive: true });
  cpSync(path.join(workspace, 'adapter_model.safetensors'), path.join(workspace, 'cut.safetensors'));
  truncateSync(path.join(workspace, 'cut.safetensors'), 3000);
  writeFileSync(path.join(workspace, 'weights.bin'), 'not read');
}

/** A link of the line over the file. While the editor asks for a line that it has shown before, it shows that one as plain text. */
const link = (page: Page, text: string): Locator => page.locator('.codelens-decoration a', { hasText: text });

/** Opens a file by its path, as a person who knows its name. */
async function openByName(page: Page, name: string): Promise<void> {
  const input = page.locator('.quick-input-widget .quick-input-box input');
  // The whole name: model.safetensors is not adapter_model.safetensors, which the list has first while it is being filtered.
  const file = path.basename(name);
  const row = page.locator(`.quick-input-list .monaco-list-row[aria-label^="${file}"]`);
  await expect(async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+p');
    await input.fill(name, { timeout: 5_000 });
    await row.first().click({ timeout: 5_000 });
    await expect(page.locator(`.tabs-container .tab.active[data-resource-name="${file}"]`)).toBeVisible({
      timeout: 5_000,
    });
  }).toPass({ timeout: 90_000 });
}

test('weights open in the inspector, broken ones with what is wrong, in any workspace', async () => {
  test.setTimeout(300_000);
  const { host, page, errors } = window;
  await test.step('an adapter: the map of its modules, a spectrum, the delta weight', async () => {
    await openByName(page, 'adapter_model.safetensors');
    const frame = await frameWith(page, 'as-adapter-view .virtual-row');
    await expect(frame.locator('h1')).toHaveText('LoRA adapter', { timeout: 60_000 });
    await expect(frame.locator('[data-plot=module-map] .heatmaplayer image')).toBeAttached();
    await frame.locator('.virtual-row').nth(1).click();
    await expect(frame.locator('#module-title')).toHaveText(/layers\.0\.self_attn\.v_proj/);
    await expect(frame.locator('[data-plot=spectrum] .main-svg').first()).toBeVisible();
    await frame
      .getByRole('button', { name: /^Delta weight/ })
      .first()
      .click();
    await expect(frame.locator('.matrix-state')).toContainText(/rows 0 to \d+ of \d+/);
    await expect(frame.getByRole('button', { name: 'Merge' })).toHaveAttribute('aria-disabled', 'true');
    await page.screenshot({ path: path.join(shots, 'e2e-inspector-adapter.png') });
  });

  await test.step('a change on disk is shown', async () => {
    const config = path.join(host.workspace, 'adapter_config.json');
    writeFileSync(config, readFileSync(config, 'utf8').replace(/"lora_alpha": \d+/, '"lora_alpha": 77'));
    const frame = await frameWith(page, 'as-adapter-view');
    await expect(frame.locator('as-inspector-header .facts')).toContainText('77', { timeout: 60_000 });
  });

  await test.step('any other file: its tensors, and one of them', async () => {
    await openByName(page, 'base/model.safetensors');
    const frame = await frameWith(page, 'as-tensors-view .virtual-row');
    await frame.locator('.virtual-row').first().click();
    await expect(frame.locator('as-tensor-detail .facts')).toContainText('Standard deviation', { timeout: 60_000 });
    await expect(frame.locator('as-matrix-map .matrix-scale')).toBeVisible();
    await page.screenshot({ path: path.join(shots, 'e2e-inspector-tensors.png') });
  });

  await test.step('a file that was cut off says so', async () => {
    await openByName(page, 'cut.safetensors');
    const frame = await frameWith(page, '.problem-row');
    await expect(frame.locator('.problem-row').first()).toContainText('cut.safetensors');
    await page.screenshot({ path: path.join(shots, 'e2e-inspector-refused.png') });
  });

  await test.step('the line over adapter_config.json inspects; without trust it does not offer to merge', async () => {
    await openByName(page, 'adapter_config.json');
    const lens = page.locator('.codelens-decoration');
    await expect(lens).toContainText(/LoRA: rank \d+, alpha 77/, { timeout: 60_000 });
    await expect(lens).toContainText('Inspect');
    await expect(lens).toContainText('Check');
    await expect(lens).not.toContainText('Merge into base');
    await page.screenshot({ path: path.join(shots, 'e2e-inspector-lens.png') });
    await link(page, 'Inspect').click();
    await expect(page.locator('.tabs-container .tab.active')).toContainText('adapter_model.safetensors');
  });

  await test.step('a check of the folder finds the file that was cut off', async () => {
    await openByName(page, 'adapter_config.json');
    await link(page, 'Check').click({ timeout: 60_000 });
    const toast = page.locator('.notification-toast').filter({ hasText: /cannot be used as it is; problems: \d+/ });
    await expect(toast.first()).toBeVisible({ timeout: 30_000 });
  });
  expect(ofExtension(errors)).toEqual([]);
});

test('a pickle file is refused with the reason, in a light theme', async () => {
  test.setTimeout(200_000);
  const { page } = window;
  await trustWorkspace(page);
  await setTheme(page, 'Light Modern', 'vs');
  const row = page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: 'weights.bin' });
  await chooseFromMenu(page, row, 'Inspect…');
  const frame = await frameWith(page, '.problem-row');
  await expect(frame.locator('.problem-row')).toContainText('pickle');
  await runCommand(page, 'Adapter Studio: Inspect…');
  await expect(page.locator('.quick-input-list')).toContainText('A file…');
  await page.screenshot({ path: path.join(shots, 'e2e-inspector-pickle-light.png') });
});
