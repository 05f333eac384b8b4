/** @file Reads every value of safetensors files, in ranges, and names the tensors that hold NaN or infinity. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { findNonFinite, nonFiniteProblem } from '../formats/nonFinite';
import { openSafetensors, type TensorInfo } from '../formats/safetensors';
import type { TensorSource } from '../formats/tensorRanges';
import { KernelError } from '../protocol/errors';
import type { CheckContext } from './types';
import { reporting } from './types';

/** Whether a tensor is read by what the file belongs to; what is wrong with others is only odd. */
export type IsRead = (name: string) => boolean;

/** All safetensors files of a folder; those that cannot be opened are reported as well. */
export async function checkWeightsIn(folder: string, context: CheckContext, isRead?: IsRead): Promise<void> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  for (const name of names.sort()) await checkWeightFile(path.join(folder, name), context, isRead);
}

export async function checkWeightFile(file: string, context: CheckContext, isRead: IsRead = () => true): Promise<void> {
  const opened = await reporting(context, file, () => openSafetensors(file));
  if (!opened) return;
  try {
    await reporting(context, file, () => checkValues(opened, opened.tensors, file, context, isRead));
  } finally {
    opened.close();
  }
}

async function checkValues(
  source: TensorSource,
  tensors: ReadonlyMap<string, TensorInfo>,
  file: string,
  context: CheckContext,
  isRead: IsRead,
): Promise<void> {
  const total = [...tensors.values()].reduce((n, { byteLength }) => n + byteLength, 0);
  let [done, count] = [0, 0];
  for (const [where, { shape, byteLength }] of tensors) {
    // Large tensors give others their turn by themselves; millions of small ones would not.
    if (++count % 1000 === 0) await new Promise((resume) => setImmediate(resume));
    if (context.signal.aborted) throw new KernelError('cancelled', `reading ${file} was cancelled`);
    context.progress(`${path.basename(file)}: ${Math.round((100 * done) / Math.max(1, total))} %`);
    const wrong = await findNonFinite(source, where, context.signal);
    done += byteLength;
    if (!wrong) continue;
    const problem = nonFiniteProblem(file, where, shape, wrong);
    context.report(isRead(where) ? problem : { ...problem, severity: 'warning' });
  }
}
