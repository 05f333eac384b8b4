/** @file Opens pages in the harness; a test fails when a page breaks its policy or writes an error to the console. */
import { expect, test as base, type Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { PageName } from '../../../webview/protocol/pages';
import type { Look } from './looks';
import { appearance, startHarness, type Harness, type ThemeName } from './server';

const axeSource = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');

export interface OpenOptions {
  readonly theme?: ThemeName;
  /** `ko`, or the made-up one of languages.ts; default English. */
  readonly language?: string;
  /** For the host in the harness: `run`, `doc`, `fail`, … */
  readonly host?: Readonly<Record<string, string>>;
  readonly width?: number;
  readonly height?: number;
}

interface Fixtures {
  readonly open: (page: PageName, options?: OpenOptions) => Promise<Page>;
}

export const test = base.extend<Fixtures, { harness: Harness }>({
  harness: [
    async ({}, use) => {
      const harness = await startHarness();
      await use(harness);
      await harness.stop();
    },
    { scope: 'worker' },
  ],
  open: async ({ page, harness }, use) => {
    const errors: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (e) =>
        console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`),
      );
    });
    await use(async (name, { theme = 'dark', language = 'en', host = {}, width = 1280, height = 900 } = {}) => {
      await page.setViewportSize({ width, height });
      await page.goto(harness.url(name, theme, { ...host, language }));
      return page;
    });
    expect(errors).toEqual([]);
  },
});

/**
 * Shows a look in each of the themes. To load a page takes longer than what is then looked at, so it is loaded in one of them,
 * another one for each look, and follows the editor to the others, as it does when a person chooses a theme.
 */
export async function inThemes(
  open: Fixtures['open'],
  look: Look,
  language: string,
  themes: readonly ThemeName[],
  see: (page: Page, theme: ThemeName) => Promise<void>,
): Promise<void> {
  const begin = look.name.length % themes.length;
  const [first, ...others] = [...themes.slice(begin), ...themes.slice(0, begin)] as [ThemeName, ...ThemeName[]];
  const page = await open(look.page, { ...look.options, language, theme: first });
  await page.locator(look.ready).first().waitFor();
  await look.prepare?.(page);
  await base.step(first, () => see(page, first));
  for (const theme of others) {
    await base.step(theme, async () => {
      await page.evaluate(
        ({ style, bodyClass }) => {
          document.documentElement.setAttribute('style', style);
          document.body.className = bodyClass;
          // What is drawn anew is there with the frame after the next.
          return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        },
        appearance(look.page, theme),
      );
      await see(page, theme);
    });
  }
}

/** Calls of a method that the page has made so far. */
export function callsOf(page: Page, method: string): Promise<unknown[]> {
  return page.evaluate(
    (name) =>
      (globalThis as unknown as { hostCalls: { method: string; params: unknown }[] }).hostCalls
        .filter((call) => call.method === name)
        .map((call) => call.params),
    method,
  );
}

/** What axe-core finds wrong, as readable lines. */
export async function accessibilityFindings(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(
        (node) =>
          `${id}: ${node.html.slice(0, 200)} ${(node.failureSummary ?? '').replaceAll('\n', ' ').slice(0, 250)}`,
      ),
    );
  });
}

/** Screenshots are kept for people to look at; they are not compared. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const file = path.resolve(__dirname, '../../../.cache/screenshots', `${name}.png`);
  await page.screenshot({ path: file, fullPage: true });
}
