/** @file Every page in other languages: no text of the code's own in a made-up language, nothing cut off in a real one. */
import { expect, type Page } from '@playwright/test';
import { PSEUDO } from './languages';
import { LOOKS } from './looks';
import { inThemes, keepScreenshot, test } from './pageTest';
import { noteData, textsOf, untranslated } from './visibleTexts';

for (const look of LOOKS) {
  test(`${look.name} says nothing that cannot be translated`, async ({ page, open }) => {
    await noteData(page);
    await open(look.page, { ...look.options, language: PSEUDO });
    await page.locator(look.ready).first().waitFor();
    await look.prepare?.(page);
    const data = await page.evaluate(() => (globalThis as unknown as { textsOfHost: string[] }).textsOfHost);
    const texts = await textsOf(page);
    expect(texts.filter(({ text }) => text.includes('⟦')).length, 'texts in the made-up language').toBeGreaterThan(0);
    const hard = texts.flatMap(({ text, place }) => untranslated(text, data).map((rest) => `${rest} (${place})`));
    expect(hard).toEqual([]);
  });
}

/** What a person cannot read to its end: cut off by its box without a way to see the rest, or wider than the page. */
async function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const { documentElement: root } = document;
    if (root.scrollWidth > root.clientWidth)
      found.push(`the page is ${root.scrollWidth} wide, its window ${root.clientWidth}`);
    for (const element of document.body.querySelectorAll<HTMLElement>('*')) {
      const hasText = [...element.childNodes].some((node) => node instanceof Text && node.data.trim() !== '');
      if (!hasText || !element.checkVisibility() || element.closest('.visually-hidden, option, select')) continue;
      const { overflowX, textOverflow } = getComputedStyle(element);
      const isCut = ['hidden', 'clip'].includes(overflowX) && element.scrollWidth > element.clientWidth + 1;
      // An ellipsis says that there is more, and a title says what.
      const isTold =
        textOverflow === 'ellipsis' && (element.closest('[title]') !== null || element.closest('.preview') !== null);
      if (isCut && !isTold) found.push(`${element.localName}.${element.className}: ${element.textContent}`);
    }
    return found;
  });
}

for (const look of LOOKS) {
  if (look.isVariation) continue;
  test(`${look.name} has room for Korean in dark and light`, async ({ open }) => {
    await inThemes(open, look, 'ko', ['dark', 'light'], async (page, theme) => {
      await keepScreenshot(page, `${look.name}-ko-${theme}`);
      expect.soft(await cutOff(page), theme).toEqual([]);
    });
  });
}
