/** @file The tokenizer that was used last, kept while its files do not change: reading a large one takes a second. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadTokenizer, type CheckpointTokenizer } from './tokenizer';

const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'generation_config.json',
  'config.json',
  'chat_template.jinja',
  'chat_template.json',
];

let kept: { readonly key: string; readonly tokenizer: CheckpointTokenizer } | undefined;

/** As `loadTokenizer`. One is kept, because a vocabulary takes tens of megabytes. */
export function keptTokenizer(folder: string): CheckpointTokenizer {
  const dir = resolve(folder);
  const stamps = FILES.map((name) => statSync(join(dir, name), { throwIfNoEntry: false })).map((stats) => [
    stats?.size,
    stats?.mtimeMs,
  ]);
  const key = JSON.stringify([dir, stamps]);
  if (kept?.key !== key) kept = { key, tokenizer: loadTokenizer(dir) };
  return kept.tokenizer;
}
