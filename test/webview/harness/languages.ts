/** @file The texts of pages in another language, as the editor hands them to a page, and a made-up language that shows what has no text. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './root';

type Bundle = Readonly<Record<string, string | { readonly message: string }>>;

/** English with accents and brackets, a third longer: what is not in brackets was not translated. */
export const PSEUDO = 'pseudo';

const folder = path.join(root, 'media/l10n');

/** Empty for English, whose texts are in the code. */
export function textsIn(language: string): Bundle {
  if (language === PSEUDO) return pseudo(read('bundle.l10n.json'));
  return language === 'en' ? {} : read(`bundle.l10n.${language}.json`);
}

function read(name: string): Bundle {
  const file = path.join(folder, name);
  if (!existsSync(file)) throw new Error(`there is no ${file}: run \`npm run l10n -- extract\``);
  return JSON.parse(readFileSync(file, 'utf8')) as Bundle;
}

const ACCENTS: Readonly<Record<string, string>> = {
  a: 'á',
  e: 'é',
  i: 'í',
  o: 'ó',
  u: 'ú',
  A: 'Á',
  E: 'É',
  O: 'Ó',
  U: 'Ú',
};

function pseudo(bundle: Bundle): Bundle {
  const text = (entry: Bundle[string]) => (typeof entry === 'string' ? entry : entry.message);
  return Object.fromEntries(
    Object.entries(bundle).map(([key, entry]) => {
      // Places for values and words set as code stay as they are.
      const accented = text(entry).replace(/\{\w+\}|`[^`]*`|[aeiouAEOU]/g, (found) => ACCENTS[found] ?? found);
      return [key, `⟦${accented}${'~'.repeat(Math.ceil(accented.length / 3))}⟧`];
    }),
  );
}
