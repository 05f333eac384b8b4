/** @file Every page in other languages: no text of the code's own in a made-up language, nothing cut off in a real one. */
import { expect } from '@playwright/test';
import { PSEUDO } from './languages';
import { LOOKS } from './looks';
import { test } from './pageTest';
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
