/** @file Every page in every theme, narrow and wide: no axe finding, and a screenshot to look at. The states are in looks.ts. */
import { expect } from '@playwright/test';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { LOOKS } from './looks';
import { accessibilityFindings, keepScreenshot, test } from './pageTest';
import { THEMES } from './server';

test('every page is looked at', () => {
  const webview = path.resolve(__dirname, '../../../webview');
  const pages = readdirSync(webview).filter((name) => existsSync(path.join(webview, name, 'main.ts')));
  expect(pages.filter((name) => !LOOKS.some(({ page }) => page === name))).toEqual([]);
});

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
