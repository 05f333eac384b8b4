/**
 * @file The pictures of the README: the sample run in the real workbench, dark and light. They go to docs/images with
 * `ADAPTER_STUDIO_IMAGES=docs/images npm test -- e2e images`, and to the test's own folder otherwise.
 */
import { expect, test, type Page } from '@playwright/test';
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

test.use({ viewport: { width: 1500, height: 940 } });

test('the sample run as it looks in dark and light', async ({ page }, info) => {
  test.setTimeout(300_000);
  const to = (file: string): string => {
    const folder = process.env.ADAPTER_STUDIO_IMAGES;
    return folder ? path.resolve(folder, file) : info.outputPath(file);
  };
  const settings = {
    'files.autoSave': 'off',
    'workbench.colorTheme': 'Default Dark Modern',
    'workbench.preferredLightColorTheme': 'Default Light Modern',
    'editor.minimap.enabled': false,
  };
  const host = await startHost({ workspace: path.resolve('media/sample'), vsix: builtVsix(), settings });
  try {
    const errors = collectErrors(page);
    await openWorkbench(page, host);
    await openFile(page, 'questions.adapter.yaml');
    await showView(page, 'Adapter Studio');
    const form = await frameWith(page, 'as-config-form');
    await expect(form.locator('vscode-button.train')).toBeEnabled({ timeout: 60_000 });
    await form.locator('vscode-button.train').click();
    const dashboard = await frameWith(page, 'as-run-header .facts');
    await expect(dashboard.locator('as-run-header .status')).toContainText('Finished', { timeout: 240_000 });
    await expect(dashboard.locator('[data-plot=loss] .main-svg .trace').first()).toBeAttached();
    const models = page.locator('.pane').filter({ hasText: 'Models & Adapters' });
    await expect(models.locator('.monaco-list-row').filter({ hasText: '/adapter' })).toHaveCount(1);
    await runCommand(page, 'Notifications: Clear All Notifications');
    await page.screenshot({ path: to('workbench-dark.png') });
    await toggleTheme(page, 'vs');
    await page.screenshot({ path: to('workbench-light.png') });

    // The dashboard alone, scrolled to the rank of the delta weights.
    await runCommand(page, 'View: Toggle Maximize Editor Group');
    await runCommand(page, 'View: Toggle Primary Side Bar Visibility');
    const map = dashboard.locator('[data-plot=rank-map]');
    await expect(map.locator('.heatmaplayer image')).toBeAttached();
    await dashboard.locator('as-rank-section').scrollIntoViewIfNeeded();
    await map.scrollIntoViewIfNeeded();
    await page.waitForTimeout(1000); // plots redraw for the new width
    await page.screenshot({ path: to('rank-light.png') });
    await toggleTheme(page, 'vs-dark');
    await page.screenshot({ path: to('rank-dark.png') });
    expect(ofExtension(errors)).toEqual([]);
  } finally {
    await host.stop();
  }
});

/** To the other theme, and the moment that pages and plots take to follow. */
async function toggleTheme(page: Page, kind: 'vs' | 'vs-dark'): Promise<void> {
  await runCommand(page, 'Preferences: Toggle between Light/Dark Themes');
  await expect(page.locator('.monaco-workbench')).toHaveClass(new RegExp(`(^|\\s)${kind}(\\s|$)`));
  await page.waitForTimeout(1000);
}
