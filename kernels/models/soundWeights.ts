/**
 * @file Whether all weights of a base model can be computed with: every value finite, a tied head equal to its embedding.
 * Reads all of them, which training and merging do anyway.
 */
import { createHash } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { makeFolders } from '../formats/atomicFile';
import type { CheckpointTensor } from '../formats/checkpoint';
import { findNonFinite, nonFiniteProblem } from '../formats/nonFinite';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { cacheFolder } from '../util/cacheFolder';
import type { BaseModel } from './baseModel';
import { tiedHead } from './types';

export interface SoundnessOptions {
  readonly signal?: AbortSignal;
  /** Share of the weights that was read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

/**
 * Throws `input/refused` with every tensor that holds NaN or infinity, and a head that is not what it is tied to. Files that
 * were found sound and are still the same are not read again.
 */
export async function refuseUnsoundWeights(model: BaseModel, options: SoundnessOptions = {}): Promise<void> {
  const { checkpoint } = model;
  const mark = markOf(model);
  if (existsSync(mark)) return;
  const read = readTensors(model);
  const total = read.reduce((n, { byteLength }) => n + byteLength, 0);
  const problems: Problem[] = [];
  let done = 0;
  for (const { name, file, shape, byteLength } of read) {
    const wrong = await findNonFinite(checkpoint, name, options.signal);
    if (wrong) problems.push(nonFiniteProblem(file, name, shape, wrong));
    done += byteLength;
    options.onProgress?.(done / total);
  }
  const untied = untiedHead(model);
  if (untied) problems.push(untied);
  if (problems.length > 0) throw KernelError.refused(problems);
  makeFolders(path.dirname(mark));
  writeFileSync(mark, '');
}

/** Those of the model, and the parts of its quantised weights. */
const readTensors = ({ checkpoint, tensors }: BaseModel): readonly CheckpointTensor[] =>
  [...checkpoint.tensors.values()].filter(({ name, isPart }) => isPart || tensors.has(name));

/** A file whose name says which files were read, with the time of their last change, and as which tensors. */
function markOf({ dir, weightFiles, tensors }: BaseModel): string {
  const files = [...weightFiles.realPaths.values()].map((file) => {
    const { size, mtimeMs, ctimeMs, ino } = statSync(file);
    return [file, size, mtimeMs, ctimeMs, ino];
  });
  const digest = createHash('sha256')
    .update(JSON.stringify([dir, files, [...tensors.keys()]]))
    .digest('hex');
  return path.join(cacheFolder(), 'sound', digest);
}

/** Rows that are compared at once. */
const ROWS = 1024;

/**
 * A checkpoint may hold a copy of the embedding as its head. When the two differ it is not known which one was trained: one
 * program would read the head, another the embedding.
 */
export function untiedHead({ checkpoint, head, dir }: BaseModel): Problem | undefined {
  const names = tiedHead(head);
  const own = names && checkpoint.tensors.get(names.weight);
  const tied = names && checkpoint.tensors.get(names.tiedTo);
  if (!own || !tied) return undefined;
  const problem = (found: string): Problem => ({
    file: own.file,
    where: own.name,
    severity: 'error',
    found,
    expected: l10n.t(
      'expected a copy of {0}, as tie_word_embeddings in config.json of {1} says, or no such tensor',
      tied.name,
      dir,
    ),
  });
  if (own.shape.join() !== tied.shape.join()) return problem(l10n.t('is [{0}]', own.shape.join(', ')));
  const [count = 0] = own.shape;
  for (let from = 0; from < count; from += ROWS) {
    const rows = [from, Math.min(count, from + ROWS)] as const;
    const [a, b] = [checkpoint.readF32(own.name, { rows }), checkpoint.readF32(tied.name, { rows })];
    const at = a.findIndex((value, i) => !Object.is(value, b[i]) && value !== b[i]);
    if (at >= 0)
      return problem(
        l10n.t('has other values, first in row {0}', from + Math.floor((at * (rows[1] - from)) / a.length)),
      );
  }
  return undefined;
}
