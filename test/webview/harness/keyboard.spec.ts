/** @file Every page by keyboard alone: Tab reaches each control once, shows where it is, and gets out again. */
import { expect, type Locator, type Page } from '@playwright/test';
import { LOOKS } from './looks';
import { test } from './pageTest';

/** Numbers what a person could use; how many there are. A group with roving focus counts as the one element that Tab reaches. */
async function numberControls(page: Page): Promise<number> {
  return page.evaluate(() => {
    const selector =
      'a[href], button, input, select, textarea, summary, [tabindex], [contenteditable="true"], [role="button"], [role="tab"], [role="slider"]';
    const usable = (element: HTMLElement): boolean =>
      element.tabIndex >= 0 &&
      !element.matches(':disabled, [disabled], [aria-disabled="true"]') &&
      element.closest('[inert]') === null &&
      element.checkVisibility({ visibilityProperty: true });
    let count = 0;
    document.querySelectorAll<HTMLElement>(selector).forEach((element) => {
      // Of several radio buttons of one name, Tab reaches one.
      const isOtherRadio =
        element instanceof HTMLInputElement && element.type === 'radio' && element.name !== '' && !element.checked;
      if (usable(element) && !isOtherRadio) element.dataset['control'] = String(count++);
    });
    return count;
  });
}

/** Wherever something was clicked last: the next Tab goes to the first control. */
async function startAtTop(page: Page): Promise<void> {
  await page.evaluate(() => {
    const start = document.createElement('span');
    start.tabIndex = -1;
    document.body.prepend(start);
    start.focus();
    start.remove();
  });
}

/** The plot around a part of it. */
function frameOf(part: Locator): Locator {
  return part.locator('xpath=ancestor::*[contains(@class, "plot-frame")][1]');
}

interface Stop {
  /** Number of the control; undefined: the document itself, which is where Tab leaves the page. */
  readonly control: string | undefined;
  readonly name: string;
  readonly hasRing: boolean;
}

/** Where the focus is, and whether a person sees that. */
async function focused(page: Page): Promise<Stop> {
  return page.evaluate(() => {
    const active = document.activeElement;
    let inner: Element | null = active;
    while (inner?.shadowRoot?.activeElement) inner = inner.shadowRoot.activeElement;
    const isDrawn = (element: Element): boolean => {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
      return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 && !/, 0\)$|transparent/.test(outlineColor);
    };
    const owner = active?.closest<HTMLElement>('[data-control]');
    // A label may carry the ring of its control.
    const carriers = [inner, active, active?.closest('label, .control, summary')];
    return {
      control: owner?.dataset['control'],
      name: active ? `<${active.localName} class="${active.className}" id="${active.id}">` : '',
      hasRing: carriers.some((element) => element && isDrawn(element)),
    };
  });
}

for (const look of LOOKS) {
  if (look.isVariation) continue;
  test(`${look.name} can be used and read by keyboard alone`, async ({ open }) => {
    const page = await open(look.page, look.options);
    await page.locator(look.ready).first().waitFor();
    await look.prepare?.(page);
    await test.step('Tab reaches each control once and leaves the page', () => expectTabReachesAll(page));
    await test.step('each plot has a data cursor by arrow keys, and a table', () => expectPlotsReadable(page));
  });
}

async function expectTabReachesAll(page: Page): Promise<void> {
  await startAtTop(page);
  const count = await numberControls(page);
  expect(count).toBeGreaterThan(0);
  const reached = new Map<string, number>();
  const withoutRing: string[] = [];
  let isOut = false;
  // A trap would hold the focus for ever; each control needs one key.
  for (let key = 0; key <= count + 2 && !isOut; key++) {
    await page.keyboard.press('Tab');
    const { control, name, hasRing } = await focused(page);
    isOut = control === undefined;
    if (control === undefined) continue;
    reached.set(control, (reached.get(control) ?? 0) + 1);
    if (!hasRing) withoutRing.push(name);
  }
  expect(isOut, 'Tab leaves the page at its end').toBe(true);
  const missed = await page.evaluate(
    (numbers) =>
      [...document.querySelectorAll<HTMLElement>('[data-control]')]
        .filter((element) => !numbers.includes(element.dataset['control']!))
        .map((element) => `<${element.localName}> ${element.ariaLabel ?? element.textContent ?? ''}`.slice(0, 80)),
    [...reached.keys()],
  );
  expect(missed).toEqual([]);
  expect(withoutRing).toEqual([]);
  // Back from the end: Shift+Tab comes to the last control.
  await page.keyboard.press('Shift+Tab');
  expect((await focused(page)).control).toBe(String([...reached.keys()].at(-1)));
}

async function expectPlotsReadable(page: Page): Promise<void> {
  // What is drawn and larger than an icon is a plot, and a plot can be read by keys.
  const unreadable = await page.evaluate(() =>
    [...document.querySelectorAll('canvas, svg')]
      .filter((drawn) => drawn.getBoundingClientRect().width >= 150 && drawn.getBoundingClientRect().right > 0)
      .filter((drawn) => !drawn.closest('[role=application], [role=img]'))
      .map((drawn) => `<${drawn.localName}> in ${drawn.parentElement?.className}`),
  );
  expect(unreadable).toEqual([]);
  for (const surface of await page.getByRole('application').all()) {
    await surface.focus();
    await page.keyboard.press('ArrowRight');
    const spoken = frameOf(surface).locator('[aria-live=polite]').first();
    await expect(spoken, (await surface.getAttribute('aria-label')) ?? '').toHaveText(/\d/);
  }
  for (const toggle of await page.locator('.plot-frame button:has(.codicon-table)').all()) {
    if ((await toggle.getAttribute('aria-pressed')) === 'false') await toggle.click();
    await expect(frameOf(toggle).getByRole('table').first()).toBeVisible();
  }
  await expect(page.getByRole('application')).toHaveCount(0);
}
