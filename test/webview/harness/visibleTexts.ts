/** @file What a person reads or hears on a page, and which of it comes from the code without having been translated. */
import type { Page } from '@playwright/test';

/** Attributes that are shown or spoken. */
const SPOKEN = [
  'aria-label',
  'aria-description',
  'aria-roledescription',
  'aria-valuetext',
  'title',
  'placeholder',
  'alt',
];

/** Begins to note every text that the host sends to the page; call before the page is opened. */
export async function noteData(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const texts: string[] = [];
    const note = (value: unknown): void => {
      if (typeof value === 'string') texts.push(value);
      else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
        // Names of tensors and modules may be keys; plain words as keys are the protocol's.
        if (!Array.isArray(value)) texts.push(...Object.keys(value).filter((key) => /[._/]/.test(key)));
        Object.values(value).forEach(note);
      }
    };
    window.addEventListener('message', (event: MessageEvent<unknown>) =>
      note((event.data as { result?: unknown }).result),
    );
    window.addEventListener('message', (event: MessageEvent<unknown>) =>
      note((event.data as { params?: unknown }).params),
    );
    Object.assign(globalThis, { textsOfHost: texts });
  });
}

/** Text nodes and spoken attributes, also inside of components, each with where it stands. */
export async function textsOf(page: Page): Promise<readonly { readonly text: string; readonly place: string }[]> {
  return page.evaluate((attributes) => {
    const found: { text: string; place: string }[] = [];
    const placeOf = (element: Element): string => {
      const owner = element.closest('[class], [id]') ?? element;
      return `<${element.localName}> in .${owner.className.toString()}#${owner.id}`;
    };
    const isShown = (element: Element): boolean => element.checkVisibility?.({ visibilityProperty: true }) ?? true;
    const visit = (node: Node): void => {
      if (node instanceof Text) {
        const text = node.data.replace(/\s+/g, ' ').trim();
        const parent = node.parentElement;
        if (text && (!parent || isShown(parent) || parent instanceof HTMLOptionElement))
          found.push({ text, place: parent ? placeOf(parent) : 'a component' });
      }
      if (node instanceof Element) {
        if (['SCRIPT', 'STYLE', 'HEAD'].includes(node.tagName.toUpperCase())) return;
        for (const name of attributes) {
          const text = node.getAttribute(name);
          if (text) found.push({ text, place: `${name} of ${placeOf(node)}` });
        }
        if (node.shadowRoot) visit(node.shadowRoot);
        // Words set as code stand in the middle of their sentence.
        if ([...node.children].some(({ localName }) => localName === 'code')) {
          const text = (node.textContent ?? '').replace(/\s+/g, ' ').trim();
          if (isShown(node)) found.push({ text, place: placeOf(node) });
          return;
        }
      }
      node.childNodes.forEach(visit);
    };
    visit(document.body);
    return found;
  }, SPOKEN);
}

/** Numbers, units and symbols, which are the same in every language. */
const NEUTRAL =
  /^(?:[\d\s.,:;/%()[\]{}<>≤≥=+\-−–—×·•…→←↑↓↵⇥|*#~'"“”^!?_&@σλβεΔµ]|(?:[kKMGT]?i?B|[kMGTB])(?![a-z])|e[-+]?\d+|[FIU]\d+|BF16|U\+[\dA-F]{4,6}|[\dA-F]{2}(?![\dA-Za-z]))*$/u;

/** What is left of a text when translated parts are taken out: what the code has put there itself, or data. */
export function untranslated(text: string, data: readonly string[]): string[] {
  let rest = text;
  for (let before = ''; before !== rest;) {
    before = rest;
    rest = rest.replace(/⟦[^⟦⟧]*⟧/g, '\u0000');
  }
  return rest
    .split('\u0000')
    .map(bare)
    .filter((part) => part !== '' && !NEUTRAL.test(part) && !part.split('; ').every((piece) => isData(piece, data)));
}

/** Without what joins it to its neighbours. */
function bare(text: string): string {
  return text.replace(/^[\s,.:;()/[\]–-]+|[\s,.:;()/[\]–-]+$/g, '');
}

/** As the host sent it, also as the beginning of a sentence; names and sentences also as a part. */
function isData(piece: string, data: readonly string[]): boolean {
  const spellings = [piece, `${piece.charAt(0).toLowerCase()}${piece.slice(1)}`];
  const mayBePart = piece.length >= 12 || /[\d._/]/.test(piece);
  return spellings.some((text) => data.some((known) => bare(known) === text || (mayBePart && known.includes(text))));
}
