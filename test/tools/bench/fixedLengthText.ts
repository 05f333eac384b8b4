/**
 * @file Training files in which every sample has exactly the wanted number of tokens, so that a step's work is known.
 * The text is made of units that are one token each: letters for the byte-level tokenizer of the random checkpoints,
 * whole words for a real one.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SampleShape {
  /** Tokens of a sample, end token included. */
  readonly tokens: number;
  /** How many of them, at the end, carry loss; equal to `tokens` for plain text. */
  readonly supervised: number;
}

/** `a` to `z`: one byte, one token, where the tokenizer has no merges. */
export const LETTERS: readonly string[] = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));

/** Words that the tokenizer in `checkpoint` holds whole, each with the space before it. */
export async function wholeWords(checkpoint: string): Promise<readonly string[]> {
  const file = JSON.parse(await readFile(join(checkpoint, 'tokenizer.json'), 'utf8')) as {
    readonly model: { readonly vocab: Readonly<Record<string, number>> };
  };
  const words = Object.keys(file.model.vocab).filter((token) => /^Ġ[a-z]{4,}$/.test(token));
  return words.slice(0, 2000).map((token) => ` ${token.slice(1)}`);
}

/** Writes `samples` lines to `path`: `text`, or `prompt` and `completion` where only a part carries loss. */
export async function writeSamples(
  path: string,
  units: readonly string[],
  { tokens, supervised }: SampleShape,
  samples: number,
): Promise<void> {
  let state = 12345;
  const run = (count: number) =>
    Array.from({ length: count }, () => units[(state = next(state)) % units.length]).join('');
  const lines = Array.from({ length: samples }, () =>
    supervised === tokens
      ? { text: run(tokens - 1) }
      : { prompt: run(tokens - supervised), completion: run(supervised - 1) },
  );
  await writeFile(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** A small multiplicative generator: the same text everywhere, and no pattern that repeats within a file. */
function next(state: number): number {
  return (state * 48271) % 2147483647;
}
