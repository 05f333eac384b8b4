/**
 * @file What a merge notes beside the merged checkpoint for the way back (`AdapterMethod.mergeRecord`): `unmerge/record.safetensors`
 * in its folder, a tensor for each layer and name. In a folder of its own, because other programs load every safetensors file
 * they find beside the weights.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { makeFolders } from '../formats/atomicFile';
import { openSafetensors } from '../formats/safetensors';
import { SafetensorsWriter } from '../formats/safetensorsWriter';
import { KernelError } from '../protocol/errors';

const FILE = path.join('unmerge', 'record.safetensors');

export interface RecordTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export class MergeRecord {
  private readonly tensors = new Map<string, RecordTensor>();
  /** The way of merging, where it was another than the adapter says. */
  way: string | undefined;

  private constructor(
    private readonly adapterDigest: string,
    private readonly file: string | null,
  ) {}

  /** An empty one, to be filled by a merge of this adapter. */
  static forAdapter(adapterDir: string): MergeRecord {
    return new MergeRecord(digestOf(adapterDir), null);
  }

  /**
   * That of a merged folder; an empty one where the merge had nothing to note. Throws `input/refused` when it was noted for
   * another adapter, `format/invalid` for a damaged file.
   */
  static read(mergedDir: string, adapterDir: string): MergeRecord {
    const file = path.join(mergedDir, FILE);
    const record = new MergeRecord(digestOf(adapterDir), file);
    if (!existsSync(file)) return record;
    const stored = openSafetensors(file);
    try {
      const digest = stored.metadata.get('adapter');
      if (digest !== record.adapterDigest) {
        const found = l10n.t('was noted when another adapter was merged ({0})', digest ?? '?');
        const expected = l10n.t('expected that of {0} ({1})', adapterDir, record.adapterDigest);
        throw KernelError.refused([{ file, severity: 'error', found, expected }]);
      }
      record.way = stored.metadata.get('way');
      for (const { name, shape } of stored.tensors.values()) {
        record.tensors.set(name, { shape, data: stored.readF32(name) });
      }
    } finally {
      stored.close();
    }
    return record;
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
    throw KernelError.refused([{ file: this.file ?? FILE, severity: 'error', found: missing, expected }]);
  }

  /** Writes it into a merged folder; nothing where nothing was noted. */
  write(mergedDir: string): void {
    if (this.tensors.size === 0 && this.way === undefined) return;
    const file = path.join(mergedDir, FILE);
    makeFolders(path.dirname(file));
    const specs = [...this.tensors].map(([name, { shape }]) => ({ name, shape, dtype: 'F32' as const }));
    const metadata = new Map([['adapter', this.adapterDigest]]);
    if (this.way !== undefined) metadata.set('way', this.way);
    const writer = SafetensorsWriter.create(file, specs, { metadata });
    try {
      for (const [name, { data }] of this.tensors) writer.writeF32(name, data);
      writer.commit();
    } catch (error) {
      writer.abort();
      throw error;
    }
  }
}

const digestOf = (adapterDir: string): string =>
  `sha256:${createHash('sha256')
    .update(readFileSync(path.join(adapterDir, 'adapter_model.safetensors')))
    .digest('hex')}`;
