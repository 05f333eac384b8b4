/** @file What looking into an adapter takes from its base model: shapes from the headers, and a weight when a delta needs it. */
import * as l10n from '@vscode/l10n';
import type { Checkpoint } from '../formats/checkpoint';
import { openCheckpoint } from '../formats/checkpoint';
import type { TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';

export interface BaseWeights {
  /** Shape [out, in] of a module's weight; `null` when the base has no such matrix. */
  shape(module: string): readonly [out: number, input: number] | null;
  /** As it is stored. Throws `input/refused` when the base has it in another shape, or has it not. */
  read(site: TargetSite): Float32Array;
}

/** Opens the folder when first asked; `null` for one that is no sound checkpoint. `isTransposed`: weights are stored [in, out]. */
export function openBaseWeights(folder: string, isTransposed: boolean): BaseWeights | null {
  const shapes = shapesOf(folder, isTransposed);
  if (!shapes) return null;
  const shape: BaseWeights['shape'] = (module) => {
    const [first, second, ...rest] = shapes.get(`${module}.weight`) ?? [];
    if (first === undefined || second === undefined || rest.length > 0) return null;
    return isTransposed ? [second, first] : [first, second];
  };
  const read: BaseWeights['read'] = ({ path, weight, outFeatures, inFeatures }) => {
    const [out, input] = shape(path) ?? [];
    if (out !== outFeatures || input !== inFeatures) {
      const is = out === undefined ? l10n.t('no such weight') : `[${out}, ${input}]`;
      const expected = l10n.t('expected [{0}, {1}], as the adapter has it', outFeatures, inFeatures);
      throw KernelError.refused([{ file: folder, where: weight, severity: 'error', found: is, expected }]);
    }
    // The files are mapped by nobody in between: a base may be replaced while its adapter is looked at.
    const base = openWeights(folder, isTransposed);
    try {
      return base.readF32(weight);
    } finally {
      base.close();
    }
  };
  return { shape, read };
}

/** A base of which nothing is known but shapes: nothing that needs its values is asked. */
export const shapesOnly = (shape: BaseWeights['shape']): BaseWeights => ({
  shape,
  read: ({ weight }) => {
    throw new KernelError('internal', `the values of ${weight} are not at hand`);
  },
});

function shapesOf(folder: string, isTransposed: boolean): ReadonlyMap<string, readonly number[]> | null {
  try {
    const base = openWeights(folder, isTransposed);
    base.close();
    return new Map([...base.tensors].map(([name, { shape }]) => [name, shape]));
  } catch (error) {
    if (KernelError.is(error)) return null;
    throw error;
  }
}

/** Quantised weights with their values; those of a model that stores [in, out] were turned before. */
function openWeights(folder: string, isTransposed: boolean): Checkpoint {
  const opened = openCheckpoint(folder);
  try {
    const base = opened.withQuantized('F32');
    const turned = [...base.tensors.values()].filter(({ quantized }) => isTransposed && quantized);
    return base.withTransposed(turned.map(({ name }) => name));
  } catch (error) {
    opened.close();
    throw error;
  }
}
