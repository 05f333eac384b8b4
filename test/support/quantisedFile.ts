/** @file One quantised weight `a.weight` in a checkpoint of its own. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { openCheckpoint, type Checkpoint } from '../../kernels/formats/checkpoint';
import { writeTensors, type StoredTensor } from './quantise';

/** Written into `folder` in place of the one before; the caller closes it. */
export function quantisedFile(folder: string, tensors: readonly StoredTensor[], isTransposed = false): Checkpoint {
  writeFileSync(path.join(folder, 'config.json'), '{}');
  writeTensors(path.join(folder, 'model.safetensors'), tensors);
  const checkpoint = openCheckpoint(folder).withQuantized('F32');
  return isTransposed ? checkpoint.withTransposed(['a.weight']) : checkpoint;
}
