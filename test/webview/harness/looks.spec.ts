/** @file Every page in every theme, narrow and wide: no axe finding, and a screenshot to look at. */
import { expect, type Page } from '@playwright/test';
import { accessibilityFindings, keepScreenshot, test, type OpenOptions } from './pageTest';
import type { PageName } from '../../../webview/protocol/pages';
import { THEMES } from './server';

interface Look {
  readonly page: PageName;
  readonly name: string;
  readonly options: OpenOptions;
  readonly ready: string;
  readonly prepare?: (page: Page) => Promise<void>;
  /** Made of the same parts as another look, so that two themes are enough. */
  readonly isVariation?: true;
}

const LOOKS: readonly Look[] = [
  { page: 'dashboard', name: 'dashboard', options: { host: { run: '1k' } }, ready: '[data-plot=spectrum] .main-svg' },
  {
    page: 'dashboard',
    name: 'dashboard-narrow',
    options: { host: { run: '1k' }, width: 500 },
    ready: '[data-plot=spectrum] .main-svg',
    prepare: async (page) => {
      await page.getByRole('button', { name: 'Loss as a table' }).click();
      await page.getByText('Events', { exact: true }).click();
    },
  },
  {
    page: 'dashboard',
    name: 'dashboard-100k',
    options: { host: { run: '100k' }, width: 1800 },
    ready: '[data-plot=spectrum] .main-svg',
    isVariation: true,
  },
  {
    page: 'dashboard',
    name: 'dashboard-failed',
    options: { host: { run: 'failed' }, width: 800 },
    ready: '.banner.error',
    isVariation: true,
  },
  {
    page: 'dashboard',
    name: 'dashboard-empty',
    options: { host: { run: 'empty' }, width: 800 },
    ready: '.plot-empty',
    isVariation: true,
  },
  { page: 'configForm', name: 'form', options: { width: 320 }, ready: '[data-key="adapter.r"]' },
  { page: 'configForm', name: 'form-problems', options: { width: 300, host: { doc: 'problems' } }, ready: '.problem' },
  {
    page: 'configForm',
    name: 'form-broken',
    options: { width: 320, host: { doc: 'broken' } },
    ready: '.problem',
    isVariation: true,
  },
  {
    page: 'configForm',
    name: 'form-none',
    options: { width: 320, height: 400, host: { doc: 'none' } },
    ready: 'vscode-button',
    isVariation: true,
  },
];

for (const theme of THEMES) {
  for (const look of LOOKS) {
    if (look.isVariation && theme !== 'dark' && theme !== 'high-contrast-light') continue;
    test(`${look.name} is accessible in ${theme}`, async ({ open }) => {
      const page = await open(look.page, { ...look.options, theme });
      await page.locator(look.ready).first().waitFor();
      await look.prepare?.(page);
      await keepScreenshot(page, `${look.name}-${theme}`);
      expect(await accessibilityFindings(page)).toEqual([]);
    });
  }
}
