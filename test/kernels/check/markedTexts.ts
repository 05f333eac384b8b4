/**
 * @file A language in which every text stands between marks, so that what was never offered for translation shows. To be
 * imported before the engine: tables of texts are made when their files are loaded.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { config } from '@vscode/l10n';
import { formatProblem, type Problem } from '../../../kernels/protocol/errors';

const [OPEN, CLOSE] = ['⟦', '⟧'];
const bundle = path.resolve(import.meta.dirname, '../../../media/l10n/bundle.l10n.json');
const texts = Object.keys(JSON.parse(readFileSync(bundle, 'utf8')) as object);
config({ contents: Object.fromEntries(texts.map((text) => [text, `${OPEN}${text}${CLOSE}`])) });

/** The text as English readers see it. */
export const plain = (text: string): string => text.replaceAll(OPEN, '').replaceAll(CLOSE, '');

/** The problem in English; fails when one of its words is not in the bundle of texts. */
export function translated(problem: Problem): Problem {
  const outside = outsideMarks(`${problem.found}; ${problem.expected}`);
  if (/[a-z]{2,}/i.test(outside.replace(/\b(null|true|false)\b/g, '')))
    throw new Error(`not translated: ${formatProblem(problem)}`);
  const where = problem.where === undefined ? {} : { where: plain(problem.where) };
  return { ...problem, ...where, found: plain(problem.found), expected: plain(problem.expected) };
}

/** What of a text is not between marks. */
export function outsideMarks(text: string): string {
  let [depth, outside] = [0, ''];
  for (const letter of text) {
    if (letter === OPEN) depth++;
    else if (letter === CLOSE) depth--;
    else if (depth === 0) outside += letter;
  }
  return outside;
}
