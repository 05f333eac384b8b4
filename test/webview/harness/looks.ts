/** @file The states of all pages that are looked at: in every theme, in other languages, by keyboard. A new page adds its looks here. */
import type { Page } from '@playwright/test';
import type { PageName } from '../../../webview/protocol/pages';
import type { OpenOptions } from './pageTest';

/** A state of a page that is worth looking at. The first look of a page is its plain state. */
export interface Look {
  readonly page: PageName;
  readonly name: string;
  readonly options: OpenOptions;
  readonly ready: string;
  /** Goes to the state; finds elements by selectors, since looks are also taken in other languages. */
  readonly prepare?: (page: Page) => Promise<void>;
  /** Made of the same parts as another look, so that two themes are enough. */
  readonly isVariation?: true;
}

/** Every page has at least one; a test says so. */
export const LOOKS: readonly Look[] = [
  { page: 'dashboard', name: 'dashboard', options: { host: { run: '1k' } }, ready: '[data-plot=spectrum] .main-svg' },
  {
    page: 'dashboard',
    name: 'dashboard-classifier',
    options: { host: { run: 'classifier' } },
    ready: '[data-plot=eval-metrics] .main-svg',
    isVariation: true,
  },
  {
    page: 'dashboard',
    name: 'dashboard-narrow',
    options: { host: { run: '1k' }, width: 500 },
    ready: '[data-plot=spectrum] .main-svg',
    prepare: async (page) => {
      await page.locator('[data-plot=loss] .plot-actions button').first().click();
      await page.locator('details.events > summary').click();
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
  {
    page: 'dashboard',
    name: 'dashboard-starting',
    options: { host: { run: 'starting' }, width: 800 },
    ready: '.banner.starting progress',
  },
  {
    page: 'dashboard',
    name: 'dashboard-queued',
    options: { host: { run: 'queued' }, width: 800 },
    ready: '.banner.queue',
    isVariation: true,
  },
  {
    page: 'dashboard',
    name: 'dashboard-deleted',
    options: { host: { run: 'deleted' }, width: 800 },
    ready: '.banner.error',
    isVariation: true,
  },
  {
    page: 'dashboard',
    name: 'dashboard-samples',
    options: { host: { run: '1k' } },
    ready: '.sample',
    prepare: async (page) => {
      await page.locator('.samples select').selectOption('first');
      await page.locator('.samples ins').first().waitFor();
      await page.locator('.samples').scrollIntoViewIfNeeded();
    },
  },
  {
    page: 'dashboard',
    name: 'dashboard-dora',
    options: { host: { run: 'dora' } },
    ready: '[data-plot=rank-delta] .main-svg',
  },
  {
    page: 'dashboard',
    name: 'dashboard-restarts',
    options: { host: { run: 'restarts' } },
    ready: '[data-plot=spectrum] .main-svg',
    prepare: async (page) => {
      await page.locator('[data-plot=rank] .plot-actions button').first().click();
      await page.locator('[data-plot=rank] .table-mark').first().waitFor();
    },
  },
  {
    page: 'dashboard',
    name: 'dashboard-activity',
    options: { host: { run: 'red' } },
    ready: '[data-plot=activity] .main-svg',
    prepare: async (page) => {
      await page.locator('.activity [data-figure=b-moved] button').click();
      await page.locator('.activity').scrollIntoViewIfNeeded();
    },
  },
  {
    page: 'dashboard',
    name: 'dashboard-activity-narrow',
    options: { host: { run: '1k' }, width: 480 },
    ready: '[data-plot=activity] .main-svg',
    prepare: async (page) => page.locator('.activity').scrollIntoViewIfNeeded(),
    isVariation: true,
  },
  { page: 'compare', name: 'compare', options: {}, ready: '[data-plot=rank] .main-svg .trace' },
  {
    page: 'compare',
    name: 'compare-narrow',
    options: { host: { runs: '4' }, width: 560 },
    ready: '[data-plot=rank] .main-svg .trace',
    prepare: async (page) => page.locator('.configurations input').check(),
    isVariation: true,
  },
  {
    page: 'inspector',
    name: 'inspector-adapter',
    options: { height: 1000 },
    ready: '.matrix-scale',
    prepare: async (page) => {
      await page.locator('.matrix-choice button').last().click();
      await page.locator('.matrix-choice button').last().and(page.locator('[aria-pressed=true]')).waitFor();
      await page.locator('.matrix-scale').waitFor();
      await page.locator('.matrix').focus();
      for (const key of ['ArrowDown', '+', '+', '+', 'ArrowRight']) await page.keyboard.press(key);
      await page.locator('.matrix .plot-tooltip').waitFor();
    },
  },
  {
    page: 'inspector',
    name: 'inspector-narrow',
    options: { width: 520, host: { doc: 'dora' } },
    ready: '.matrix-scale',
    prepare: async (page) => {
      await page.locator('[data-plot=matrix] .plot-actions button[aria-pressed]').click();
      await page.locator('[data-plot=matrix] .table-scroll').waitFor();
    },
    isVariation: true,
  },
  {
    page: 'inspector',
    name: 'inspector-tensors',
    options: { host: { doc: 'checkpoint' } },
    ready: '.virtual-row',
    prepare: async (page) => {
      await page.locator('.virtual-row').first().click();
      await page.locator('[data-plot=histogram] .main-svg').first().waitFor();
      await page.locator('.matrix-scale').waitFor();
    },
  },
  {
    page: 'inspector',
    name: 'inspector-refused',
    options: { width: 800, height: 500, host: { doc: 'refused' } },
    ready: '.problem-row',
    isVariation: true,
  },
  { page: 'configForm', name: 'form', options: { width: 320 }, ready: '[data-key="adapter.r"]' },
  {
    page: 'configForm',
    name: 'form-encoder',
    options: { width: 320, host: { kind: 'labels' } },
    ready: '[data-key="adapter.r"]',
  },
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
  { page: 'estimate', name: 'estimate', options: { width: 1000 }, ready: '.verdict' },
  { page: 'estimate', name: 'estimate-labels', options: { host: { case: 'labels' } }, ready: '.verdict' },
  {
    page: 'estimate',
    name: 'estimate-exceeds',
    options: { width: 520, host: { case: 'exceeds' } },
    ready: '.advice',
  },
  {
    page: 'estimate',
    name: 'estimate-refused',
    options: { width: 700, host: { case: 'refused' } },
    ready: '.problems',
    isVariation: true,
  },
  {
    page: 'estimate',
    name: 'estimate-working',
    options: { width: 700, host: { case: 'working' } },
    ready: '.work',
    isVariation: true,
  },
  {
    page: 'tokens',
    name: 'tokens',
    options: { width: 900 },
    ready: '[data-plot=lengths] .main-svg',
    prepare: async (page) => {
      await page.locator('.tokens .token').nth(20).focus();
    },
  },
  {
    page: 'tokens',
    name: 'tokens-cut',
    options: { width: 480 },
    ready: '[data-plot=lengths] .main-svg',
    prepare: async (page) => {
      await page.evaluate(() => (globalThis as unknown as { editMaxLength(value: number): void }).editMaxLength(20));
      await page.locator('.token-warnings').waitFor();
    },
  },
  {
    page: 'tokens',
    name: 'tokens-long',
    options: { host: { set: 'long' } },
    ready: '[data-plot=lengths] .main-svg',
    isVariation: true,
  },
  {
    page: 'tryIt',
    name: 'try-it',
    options: { width: 1100 },
    ready: '.answer',
    prepare: async (page) => {
      await page.locator('.merged-model').selectOption('/home/me/base-merged');
      await page.locator('.prompt-form textarea').fill('The capital of France');
      await page.locator('.prompt-form .primary').click();
      await page.locator('.answer[data-column=base][data-state=done]').waitFor();
    },
  },
  {
    page: 'tryIt',
    name: 'try-it-narrow',
    options: { width: 420 },
    ready: '.answer',
    prepare: async (page) => {
      await page.locator('.draws-at-random').check();
      await page.locator('.prompt-form textarea').fill('The capital of France');
      await page.locator('.prompt-form .primary').click();
      await page.locator('.answer[data-column=base][data-state=done]').waitFor();
    },
  },
  {
    page: 'tryIt',
    name: 'try-it-untrusted',
    options: { width: 700, host: { trusted: 'no', models: 'none' } },
    ready: '.model-choice',
    isVariation: true,
  },
];
