/** @file Reads every value of safetensors files, in ranges, and names the tensors that hold NaN or infinity. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { openSafetensors, type TensorInfo } from '../formats/safetensors';
import { findNonFinite } from '../inspect/nonFinite';
import type { TensorSource } from '../inspect/tensorRanges';
import type { CheckContext } from './types';
import { reporting } from './types';

/** All safetensors files of a folder; those that cannot be opened are reported as well. */
export async function checkWeightsIn(folder: string, context: CheckContext): Promise<void> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  for (const name of names.sort()) await checkWeightFile(path.join(folder, name), context);
}

export async function checkWeightFile(file: string, context: CheckContext): Promise<void> {
  const opened = await reporting(context, file, () => openSafetensors(file));
  if (!opened) return;
  try {
    await reporting(context, file, () => checkValues(opened, opened.tensors, file, context));
  } finally {
    opened.close();
  }
}

async function checkValues(
  source: TensorSource,
  tensors: ReadonlyMap<string, TensorInfo>,
  file: string,
  context: CheckContext,
): Promise<void> {
  const total = [...tensors.values()].reduce((n, { byteLength }) => n + byteLength, 0);
  let done = 0;
  for (const [where, { shape, byteLength }] of tensors) {
    context.progress(`${path.basename(file)}: ${Math.round((100 * done) / total)} %`);
    const wrong = await findNonFinite(source, where, context.signal);
    done += byteLength;
    if (!wrong) continue;
    const { nan, infinite, first } = wrong;
    const counts = [...(nan > 0 ? [`${nan} NaN`] : []), ...(infinite > 0 ? [`${infinite} infinite`] : [])];
    const found = `holds ${counts.join(' and ')} ${nan + infinite === 1 ? 'value' : 'values'}, the first at [${placeOf(first, shape)}]`;
    context.report({ file, where, severity: 'error', found, expected: 'expected finite values' });
  }
}

/** Indices of the element at a flattened position. */
function placeOf(position: number, shape: readonly number[]): string {
  const indices: number[] = [];
  let rest = position;
  for (const size of [...shape].reverse()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return indices.join(', ');
}
