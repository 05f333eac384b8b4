/** @file Every page in every theme, narrow and wide: no axe finding, and a screenshot to look at. The states are in looks.ts. */
import { expect } from '@playwright/test';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { LOOKS } from './looks';
import { accessibilityFindings, inThemes, keepScreenshot, test } from './pageTest';
import { THEMES } from './server';

test('every page is looked at', () => {
  const webview = path.resolve(__dirname, '../../../webview');
  const pages = readdirSync(webview).filter((name) => existsSync(path.join(webview, name, 'main.ts')));
  expect(pages.filter((name) => !LOOKS.some(({ page }) => page === name))).toEqual([]);
});

for (const look of LOOKS) {
  const themes = look.isVariation ? (['dark', 'high-contrast-light'] as const) : THEMES;
  test(`${look.name} is accessible in every theme`, async ({ open }) => {
    await inThemes(open, look, 'en', themes, async (page, theme) => {
      await keepScreenshot(page, `${look.name}-${theme}`);
      expect.soft(await accessibilityFindings(page), theme).toEqual([]);
    });
  });
}
