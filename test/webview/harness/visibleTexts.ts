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
    /** `keys`: where the value stands inside of a configuration, whose keys are names that people read. */
    const note = (value: unknown, keys?: string): void => {
      if (typeof value === 'string') texts.push(value);
      if (keys) texts.push(keys);
      if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
      for (const [key, inner] of Object.entries(value)) {
        // Names of tensors and modules may be keys; plain words as keys are the protocol's.
        if (/[._/]/.test(key)) texts.push(key);
        // Values of a choice are written as they are, also where they are no strings.
        if (key === 'enum' && Array.isArray(inner)) texts.push(...inner.map(String));
        const isInside = keys !== undefined || key === 'config';
        note(inner, isInside ? (key === 'config' ? '' : keys ? `${keys}.${key}` : key) : undefined);
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
        // Words of a text that the host sent, marked one by one; signs for what has no picture of its own in it.
        if (parent?.closest('ins, del, mark, .sample-text, .sign')) return;
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
  /^(?:[\d\s.,:;/%()[\]{}<>≤≥=+\-−–—×·•…→←↑↓|*#~'"“”^!?_&@σλβεΔµ√‖₀-₉]|ΔW|(?:[kKMGT]?i?B|[kMGTB])(?![a-z])|e[-+−]?\d+|[FIU]\d+|BF16)*$/u;

/** What is left of a text when translated parts are taken out: what the code has put there itself. `data`: the texts that the host sent. */
export function untranslated(text: string, data: readonly string[]): string[] {
  let rest = text;
  for (let before = ''; before !== rest;) {
    before = rest;
    rest = rest.replace(/⟦[^⟦⟧]*⟧/g, '\u0000');
  }
  return rest
    .split('\u0000')
    .map(bare)
    .filter((part) => !NEUTRAL.test(part) && !isData(part, data));
}

/** Without what joins it to its neighbours. */
function bare(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/^[\s,.:;()/[\]–-]+|[\s,.:;()/[\]–-]+$/g, '');
}

/** As the host sent it, alone or put together with other texts of the host; the beginning of a sentence has a capital. */
function isData(part: string, data: readonly string[]): boolean {
  const known = data.map(bare).filter((text) => text !== '');
  const spellings = [part, `${part.charAt(0).toLowerCase()}${part.slice(1)}`];
  // One word may be a word of the code as well, so it counts only as a whole.
  const isLong = part.length >= 12 || /[\d._/]/.test(part);
  if (spellings.some((text) => known.some((other) => other === text || (isLong && other.includes(text))))) return true;
  // Words of one name: `assistant-20260101-000000-k3fz` as `assistant k3fz`.
  const words = part.split(' ');
  if (words.length > 1 && known.some((name) => !name.includes(' ') && words.every((word) => name.includes(word))))
    return true;
  // Several texts in a row: file, key, what was found; what was expected.
  const names = known.flatMap((text) => [text, text.slice(text.lastIndexOf('/') + 1)]);
  const longest = names
    .filter((text) => text.length >= 6 && /[\s\d._/-]/.test(text))
    .sort((a, b) => b.length - a.length);
  let left = part;
  for (const text of longest)
    for (const spelling of [text, `${text.charAt(0).toUpperCase()}${text.slice(1)}`])
      left = left.replaceAll(spelling, ' ');
  return left !== part && NEUTRAL.test(left);
}
