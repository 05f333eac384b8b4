/** @file What completion and hovers say, in a made-up language: every word is either translated or from the file, the model or the data. */
import { outsideMarks } from '../check/markedTexts'; // first: it sets the language
import path from 'node:path';
import { expect, it } from 'vitest';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { fieldTable, SECTIONS } from '../../../kernels/config/fieldTable';
import { complete } from '../../../kernels/language/complete';
import { hover } from '../../../kernels/language/hover';
import type { Completion, KeyFacts } from '../../../kernels/protocol/calls/config';
import type { ModelEntry } from '../../../kernels/protocol/types';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const file = path.join(fixture.folder, 'x.adapter.yaml');
const models: ModelEntry[] = [
  { kind: 'checkpoint', path: fixture.model, name: 'tiny', type: 'llama', source: 'workspace', sizeBytes: 1 },
];

/** A configuration with everything that a method takes, and where each key stands. */
function written(method: string) {
  const table = fieldTable({ adapter: { method } }, adapterMethods);
  const lines = [`version: 1`, `model: ${fixture.model}`];
  for (const section of SECTIONS) {
    lines.push(`${section}:`);
    for (const key of Object.keys(table[section] ?? {})) {
      lines.push(`  ${key}: ${key === 'method' ? method : ''}`);
    }
  }
  return lines;
}

/** Words in one text that stand in no bundle; `` `keys` ``, lists and addresses are said as they are. */
const hasWords = (text: string) => /\p{Ll}{3,}/u.test(outsideMarks(text).replace(/`[^`]*`|\[[^\]]*\]|\([^)]*\)/g, ''));

/** Names are said as they are: of keys, layers, methods, families of models, types of numbers. */
const NAMES = new Set(['tiny · llama', 'self_attn', 'mlp']);

const keyTexts = ({ title, help, expected = '', unit = '' }: KeyFacts) => [title, help, expected, unit];

function itemTexts({ kind, detail = '', meaning = '', key }: Completion): string[] {
  const from = kind === 'key' && detail.includes(' · ') ? detail.slice(0, detail.indexOf(' · ')) : detail;
  return [from, meaning, ...(key ? keyTexts(key) : [])];
}

it.each(adapterMethods.map(({ id }) => id))('a configuration with %s', (method) => {
  const lines = written(method);
  const text = lines.join('\n');
  const said: string[] = [];
  let offset = 0;
  for (const line of lines) {
    const at = (column: number) => offset + column;
    for (const column of [line.length - line.trimStart().length, line.length])
      said.push(...complete({ path: file, text, offset: at(column), models }).items.flatMap(itemTexts));
    said.push(
      ...complete({
        path: file,
        text: `${text.slice(0, offset)}\n${text.slice(offset)}`,
        offset,
        models,
      }).items.flatMap(itemTexts),
    );
    for (const column of [line.length - line.trimStart().length + 1, line.length - 1]) {
      const found = hover({ path: file, text, offset: at(column) });
      said.push(...(found?.key ? keyTexts(found.key) : []), found?.meaning ?? '');
    }
    offset += line.length + 1;
  }
  expect(said.some((part) => part.includes('⟦'))).toBe(true);
  expect([...new Set(said.filter((part) => hasWords(part) && !NAMES.has(part)))]).toEqual([]);
});
