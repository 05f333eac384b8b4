/**
 * @file Tensors that a merge notes beside the merged checkpoint for the way back (`AdapterMethod.mergeRecord`), one for each layer and
 * name: in the file that the history of the folder names.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { makeFolders } from '../formats/atomicFile';
import { openSafetensors } from '../formats/safetensors';
import { SafetensorsWriter } from '../formats/safetensorsWriter';
import { KernelError } from '../protocol/errors';

export interface RecordTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export class MergeRecord {
  private readonly tensors = new Map<string, RecordTensor>();

  /** An empty one. `file`: what messages about a tensor that is not there name. */
  constructor(private readonly file: string) {}

  /** Empty where there is no such file. Throws `format/invalid` for a damaged one. */
  static read(file: string): MergeRecord {
    const record = new MergeRecord(file);
    if (!existsSync(file)) return record;
    const stored = openSafetensors(file);
    try {
      for (const { name, shape } of stored.tensors.values()) {
        record.tensors.set(name, { shape, data: stored.readF32(name) });
      }
    } finally {
      stored.close();
    }
    return record;
  }

  get isEmpty(): boolean {
    return this.tensors.size === 0;
  }

  /** Values of one dimension, or a scalar as one value. */
  add(module: string, name: string, data: Float32Array): void {
    this.tensors.set(`${module}.${name}`, { shape: [data.length], data });
  }

  /** Throws `input/refused` when the merge did not note it. */
  get(module: string, name: string): RecordTensor {
    const found = this.tensors.get(`${module}.${name}`);
    if (found) return found;
    const missing = l10n.t('{0} of {1} was not noted when the adapter was merged', name, module);
    const expected = l10n.t(
      'expected a folder that was merged here, with its folder unmerge; keep the base and the adapter',
    );
    throw KernelError.refused([{ file: this.file, severity: 'error', found: missing, expected }]);
  }

  /** Writes it as a file, in a folder that need not be there. */
  write(file: string): void {
    makeFolders(path.dirname(file));
    const specs = [...this.tensors].map(([name, { shape }]) => ({ name, shape, dtype: 'F32' as const }));
    const writer = SafetensorsWriter.create(file, specs);
    try {
      for (const [name, { data }] of this.tensors) writer.writeF32(name, data);
      writer.commit();
    } catch (error) {
      writer.abort();
      throw error;
    }
  }
}
