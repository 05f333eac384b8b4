/**
 * @file What a checkpoint says about itself, kept while its files do not change: for whatever is asked at each keystroke.
 * Opening a checkpoint of many shards takes a tenth of a second, looking whether it changed takes a hundredth of that.
 */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { openBaseModel, type BaseModel } from './baseModel';

/** A base model whose checkpoint is closed: configuration, layers and tensor names, but no values. */
export type ModelHeader = BaseModel;

interface Kept {
  readonly stamp: string;
  /** The header, or what was thrown when it was read. */
  readonly outcome: { readonly header: ModelHeader } | { readonly error: unknown };
}

/** A few: a configuration, one beside it, and what was there before an edit. */
const MOST_KEPT = 8;
const kept = new Map<string, Kept>();

/** As `openBaseModel`, refusals included, without anything to close. */
export function modelHeader(dir: string): ModelHeader {
  const folder = path.resolve(dir);
  const stamp = stampOf(folder);
  const known = kept.get(folder);
  kept.delete(folder);
  const entry = known?.stamp === stamp ? known : { stamp, outcome: read(folder) };
  kept.set(folder, entry); // last in the order, so the one unused for longest goes first
  const oldest = kept.keys().next().value;
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  if ('error' in entry.outcome) throw entry.outcome.error;
  return entry.outcome.header;
}

function read(folder: string): Kept['outcome'] {
  try {
    const header = openBaseModel(folder);
    header.checkpoint.close();
    return { header };
  } catch (error) {
    return { error };
  }
}

/** Names, sizes and times of the files that make a checkpoint; links are followed. */
function stampOf(folder: string): string {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(json|safetensors)$/.test(name))
      .sort()
      .map((name) => {
        const stats = statSync(path.join(folder, name), { throwIfNoEntry: false });
        return `${name} ${stats?.size ?? 'gone'} ${stats?.mtimeMs ?? ''}`;
      })
      .join('\n');
  } catch {
    return 'unreadable';
  }
}
