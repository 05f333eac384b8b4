/** @file What the run that an adapter lies in says of its base and data. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { SampleFormat } from '../data/samples';
import type { Checkpoint } from '../formats/checkpoint';

/** The part of run.json that is read here; it was written by this program. */
export interface RecordedRun {
  readonly config?: {
    readonly data?: {
      readonly train?: readonly string[];
      readonly eval?: readonly string[];
      readonly eval_fraction?: number;
      readonly format?: SampleFormat | 'auto';
      readonly loss_on?: 'completion' | 'all';
      readonly max_length?: number;
    };
    readonly training?: { readonly seed?: number };
  };
  readonly digests?: { readonly base?: string };
}

/** The record of the run whose final adapter or checkpoint lies at `adapter`; undefined: it lies in none. */
export function runOfAdapter(adapter: string): RecordedRun | undefined {
  const folders = [path.dirname(adapter), path.dirname(path.dirname(adapter))];
  const file = folders.map((folder) => path.join(folder, 'run.json')).find((name) => existsSync(name));
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as RecordedRun);
}

/** A sentence about a base that is not the one of the adapter's run; undefined: it is, or nobody knows. */
export function otherBaseWarning(adapter: string, base: Checkpoint): string | undefined {
  const trainedOn = runOfAdapter(adapter)?.digests?.base;
  if (trainedOn === undefined || trainedOn === base.sampledDigest()) return undefined;
  return l10n.t(
    '{0} is not the base model that the adapter was trained on, by the digest in its run.json: a copy in another number type or with another config.json does, another model does not',
    base.dir,
  );
}
