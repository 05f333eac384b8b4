/** @file For everyone, in a remote window (the test host is one): in Korean, by the walkthrough, and without a word to any other machine. */
import { expect, test, type Page, type Request } from '@playwright/test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  setTheme,
  showView,
  startHost,
} from './workbench';

const sample = path.resolve('media/sample');
const configuration = 'questions.adapter.yaml';
const korean = JSON.parse(readFileSync('media/l10n/bundle.l10n.ko.json', 'utf8')) as Record<string, string>;
const koreanNames = JSON.parse(readFileSync('package.nls.ko.json', 'utf8')) as Record<string, string>;

/** Requests of the window and its webviews to another machine. Files of webviews have an address that the window itself answers. */
function collectOutside(page: Page): string[] {
  const outside: string[] = [];
  const isHere = (request: Request): boolean => {
    const url = new URL(request.url());
    return ['127.0.0.1', 'localhost'].includes(url.hostname) || !/^(https?|wss?):$/.test(url.protocol);
  };
  page.on('requestfailed', (request) => {
    if (!isHere(request)) outside.push(request.url());
  });
  page.on('response', (response) => {
    if (!isHere(response.request()) && !response.fromServiceWorker()) outside.push(response.url());
  });
  return outside;
}

const shot = (page: Page, name: string) => page.screenshot({ path: path.resolve('.cache/screenshots', `${name}.png`) });

test('a window in Korean has commands, views, editor, form and dashboard in Korean, and nothing leaves the machine', async ({
  page,
}) => {
  // There is no language pack here, so the workbench itself stays English; extensions ask for the language of the window.
  await page.addInitScript(() => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: 'ko' }));
  const host = await startHost({
    workspace: sample,
    vsix: builtVsix(),
    settings: { 'workbench.colorTheme': 'Default Dark Modern' },
  });
  try {
    const errors = collectErrors(page);
    const outside = collectOutside(page);
    await openWorkbench(page, host);
    await openFile(page, configuration);
    await expect(page.locator('.codelens-decoration a').filter({ hasText: korean['Train']! })).toBeVisible({
      timeout: 60_000,
    });
    await showView(page, 'Adapter Studio');
    const form = await frameWith(page, 'as-config-form [data-key="adapter.r"]');
    // The page's own text, and one that comes from the engine.
    await expect(form.getByText(korean['Open as Text']!)).toBeVisible();
    await expect(form.locator('[data-key="training.learning_rate"] label')).toHaveText(korean['Learning rate']!);
    for (const view of ['view.runs', 'view.models']) {
      await expect(page.locator('.pane-header').filter({ hasText: koreanNames[view]! })).toBeVisible();
    }
    await shot(page, 'korean-dark');
    await setTheme(page, 'Light Modern', 'vs');
    await shot(page, 'korean-light');
    await runCommand(page, `Adapter Studio: ${koreanNames['command.showLog']}`);
    expect(ofExtension(errors)).toEqual([]);
    expect(outside).toEqual([]);
  } finally {
    await host.stop();
  }
});

test('the walkthrough leads from the sample to its training', async ({ page }) => {
  test.setTimeout(240_000);
  const workspace = mkdtempSync(path.join(tmpdir(), 'adapter-studio-walkthrough-'));
  writeFileSync(path.join(workspace, 'hello.txt'), '');
  const host = await startHost({
    workspace,
    vsix: builtVsix(),
    settings: { 'workbench.colorTheme': 'Default Dark Modern' },
  });
  try {
    const errors = collectErrors(page);
    await openWorkbench(page, host);
    const steps = page.locator('.gettingStartedContainer .getting-started-step');
    for (const [theme, kind] of [
      ['Light Modern', 'vs'],
      ['Dark High Contrast', 'hc-black'],
      ['Dark Modern', 'vs-dark'],
    ] as const) {
      await setTheme(page, theme, kind);
      // Escape, with which a command is begun, leaves the walkthrough.
      await runCommand(page, 'Welcome: Open Walkthrough...');
      await page
        .locator('.quick-input-list .monaco-list-row')
        .filter({ hasText: 'Fine-Tune a Language Model' })
        .click();
      await expect(steps).toHaveCount(6);
      await shot(page, `walkthrough-${kind}`);
    }
    const target = path.join(path.dirname(host.workspace), 'chosen');
    mkdirSync(target);
    await page.locator('.gettingStartedContainer').getByRole('button', { name: 'Open Sample' }).click();
    // In a remote window the editor's own dialog asks for the folder.
    const input = page.locator('.quick-input-widget .quick-input-box input');
    await input.fill(`${target}/`);
    await page.locator('.quick-input-widget').getByRole('button', { name: 'Put Sample Here' }).click();
    await page
      .locator('.notification-toast')
      .filter({ hasText: 'adapter-studio-sample' })
      .getByRole('button', { name: 'Open in This Window' })
      .click();
    await expect(
      page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: configuration }),
    ).toBeVisible({ timeout: 60_000 });
    expect(existsSync(path.join(target, 'adapter-studio-sample/base/model.safetensors'))).toBe(true);
    // The pictures of a walkthrough are pages in which the workbench allows no script, and says so; a window that is left
    // reads no further, and says that too.
    const own = ofExtension(errors).filter((text) => !/^Blocked script execution|Canceled: Canceled/.test(text));
    expect(own).toEqual([]);
  } finally {
    await host.stop();
    rmSync(workspace, { recursive: true });
  }
});
