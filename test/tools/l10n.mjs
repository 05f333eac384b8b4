/**
 * @file `npm run l10n -- extract` writes the English bundle from the code. `npm run l10n -- check`, a part of `npm run check`,
 * says what the bundle, or a translation of it, lacks, has too much or says with other places for values.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { extractTexts, languages, readTexts, texts } from './l10n/bundles.mjs';
import { findings } from './l10n/compare.mjs';
import { Refusal, root, say } from './process.mjs';

const bundle = 'media/l10n/bundle.l10n.json';

/** @returns {Promise<number>} 0, or 1 when the check found something */
export async function l10n(args) {
  const [what, ...rest] = args;
  if (rest.length === 0 && what === 'extract') return extract();
  if (rest.length === 0 && what === 'check') return checkTexts();
  throw new Refusal(`npm run l10n -- extract | check: cannot ${args.join(' ') || 'guess which'}`);
}

async function extract() {
  const english = await extractTexts();
  mkdirSync(path.dirname(path.join(root, bundle)), { recursive: true });
  writeFileSync(path.join(root, bundle), `${JSON.stringify(english, null, 2)}\n`);
  say(`${bundle}: ${Object.keys(english).length} texts`);
  for (const { file, found } of translations())
    if (found.length > 0) say(`${file}: ${found.length} to do, see \`npm run l10n -- check\``);
  return 0;
}

/** Of the bundle as it is in the tree, and of each translation. */
export async function checkTexts() {
  const [english, inTree] = [await extractTexts(), readTexts(bundle)];
  const stale = [
    ...Object.keys(english).filter((key) => !(key in inTree)),
    ...Object.keys(inTree).filter((key) => !(key in english)),
  ];
  for (const key of stale) say(`${bundle}: run \`npm run l10n -- extract\`: ${JSON.stringify(key)}`);
  const all = translations();
  for (const { file, found } of all) for (const line of found) say(`${file}: ${line}`);
  return stale.length + all.flatMap(({ found }) => found).length === 0 ? 0 : 1;
}

function translations() {
  return languages.flatMap((language) =>
    texts.map(({ english, translated }) => {
      const file = translated(language);
      return { file, found: findings(readTexts(english), readTexts(file)) };
    }),
  );
}
