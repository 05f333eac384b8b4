/**
 * @file A Hugging Face checkpoint folder: `config.json` and the weights, in one safetensors file or in shards. Reads tensors
 * by name, wherever they are. Knows nothing of architectures.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import * as l10n from '@vscode/l10n';
import { KernelError, type Problem } from '../protocol/errors';
import { hasQuantized, readQuantized } from './bitsandbytes';
import { readCheckpointIndex, type CheckpointIndex } from './checkpointIndex';
import type { FloatDtype } from './dtype';
import { collectProblems, readJsonObject } from './jsonFile';
import { jsonValue } from './jsonTree';
import { dequantize, dequantizeRows, type QuantizedWeight, type ReadPart } from './quantizedWeight';
import { openSafetensors, type ReadF32Options, type SafetensorsFile, type TensorInfo } from './safetensors';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';
/** Bytes that the quick digest reads at each of three places of a tensor. */
const DIGEST_SAMPLE_BYTES = 4096;

export interface CheckpointTensor extends TensorInfo {
  /** Absolute path of the file that holds it; `offset` counts from the start of that file. */
  readonly file: string;
  /** Its name in the file, where that is another. */
  readonly storedName?: string;
  /** A quantised weight: `shape` is that of its values, while type and bytes are those of its codes. */
  readonly quantized?: QuantizedWeight;
  /** It belongs to a quantised weight, which is read through that weight's own name. */
  readonly isPart?: boolean;
}

export interface Shard {
  /** File name relative to the folder. */
  readonly name: string;
  /** All tensors in the order of their bytes. */
  readonly tensors: readonly string[];
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Opens all weight files of a folder and checks their headers against each other. Throws `input/refused` when this is not a
 * folder with safetensors weights, `format/invalid` with everything that is wrong in it. The caller closes it.
 */
export function openCheckpoint(dir: string): Checkpoint {
  const folder = resolve(dir);
  refuseOtherFolders(folder);
  const problems: Problem[] = [];
  const config = collectProblems(problems, () => readConfig(folder));
  const files = new Map<string, SafetensorsFile>();
  try {
    const index = openWeights(folder, files, problems);
    const warnings = unreadFiles(folder, files, index);
    const tensors = locateTensors(folder, files, index, problems, warnings);
    if (!config || problems.length > 0) throw KernelError.invalid(problems);
    if (index) warnings.push(...wrongTotal(folder, index, tensors));
    return new Checkpoint(folder, config, tensors, files, index?.metadata, warnings);
  } catch (error) {
    for (const file of files.values()) file.close();
    throw error;
  }
}

export class Checkpoint {
  /** Absolute path of a weight file → what it holds. One file: `model.safetensors`. */
  readonly shards: ReadonlyMap<string, Shard>;

  constructor(
    /** Absolute path. */
    readonly dir: string,
    /** `config.json` as it is; the model's architecture checks its fields. */
    readonly config: Readonly<Record<string, unknown>>,
    readonly tensors: ReadonlyMap<string, CheckpointTensor>,
    /** File name relative to the folder → open file. */
    private readonly files: ReadonlyMap<string, SafetensorsFile>,
    /** The `metadata` of the index file of a sharded checkpoint; `undefined` for a single file. */
    readonly indexMetadata: Readonly<Record<string, unknown>> | undefined,
    /** What is odd but readable. */
    readonly warnings: readonly Problem[],
    /** The files that `close` closes; others belong to the checkpoint this one was made of. */
    private readonly owned: Iterable<SafetensorsFile> = files.values(),
  ) {
    const names = new Map(
      [...tensors.values()].flatMap(({ name, storedName }) => (storedName === undefined ? [] : [[storedName, name]])),
    );
    this.shards = new Map(
      [...files].map(([name, { path, tensors, metadata }]) => [
        path,
        { name, tensors: [...tensors.keys()].map((stored) => names.get(stored) ?? stored), metadata },
      ]),
    );
  }

  /**
   * The same checkpoint under the names that `nameOf` gives to those in the files; it shares the open files. Where two
   * tensors would get one name, both keep their own.
   */
  renamed(nameOf: (stored: string) => string): Checkpoint {
    const names = [...this.tensors.keys()].map((stored) => [nameOf(stored), stored] as const);
    const counts = new Map<string, number>();
    for (const [name] of names) counts.set(name, (counts.get(name) ?? 0) + 1);
    const tensors = [...this.tensors.values()].map((tensor): [string, CheckpointTensor] => {
      const name = nameOf(tensor.name);
      const isRenamed = name !== tensor.name && counts.get(name) === 1;
      return isRenamed ? [name, { ...tensor, name, storedName: tensor.name }] : [tensor.name, tensor];
    });
    return this.#with(new Map(tensors));
  }

  /**
   * The same checkpoint with what bitsandbytes quantised known as weights, which `readF32` gives the values of. Throws
   * `format/invalid` with every part that does not fit. `eightBitDtype`: what 8-bit weights were before.
   */
  withQuantized(eightBitDtype: FloatDtype): Checkpoint {
    if (!hasQuantized(this.tensors.keys())) return this;
    const { weights, parts } = readQuantized(this.tensors, this.#readPart, eightBitDtype);
    const tensors = [...this.tensors].map(([name, tensor]): [string, CheckpointTensor] => {
      const quantized = weights.get(name);
      if (quantized) return [name, { ...tensor, shape: quantized.shape, quantized }];
      return [name, parts.has(name) ? { ...tensor, isPart: true } : tensor];
    });
    return this.#with(new Map(tensors));
  }

  /** The same with these quantised weights turned: [in, out] as the model knows them. */
  withTransposed(names: Iterable<string>): Checkpoint {
    const tensors = new Map(this.tensors);
    for (const name of names) {
      const tensor = this.tensor(name);
      if (!tensor.quantized) throw new KernelError('internal', `${name} is not quantised`);
      const [out, input] = tensor.quantized.shape;
      const quantized = { ...tensor.quantized, isTransposed: true };
      tensors.set(name, { ...tensor, shape: [input, out], quantized });
    }
    return this.#with(tensors);
  }

  /** The same as if these tensors were stored in float32: for graphs that are planned before such a file is written. */
  withFloat32(names: Iterable<string>): Checkpoint {
    const tensors = new Map(this.tensors);
    for (const name of names) {
      const { quantized: _, ...tensor } = this.tensor(name);
      const byteLength = 4 * tensor.shape.reduce((n, size) => n * size, 1);
      tensors.set(name, { ...tensor, dtype: 'F32', byteLength });
    }
    const { dir, config, files, indexMetadata, warnings } = this;
    return new Checkpoint(dir, config, tensors, files, indexMetadata, warnings, []);
  }

  /** The tensor of that name. Throws `format/invalid` when there is none. */
  tensor(name: string): CheckpointTensor {
    const tensor = this.tensors.get(name);
    if (tensor) return tensor;
    const expected = l10n.t('expected one of the {0} names', this.tensors.size);
    const found = l10n.t('there is no such tensor');
    throw KernelError.invalid([{ file: this.dir, where: name, severity: 'error', found, expected }]);
  }

  /** As float32, all of it or rows [from, to) of its first dimension; see `SafetensorsFile.readF32`. */
  readF32(name: string, options: ReadF32Options = {}): Float32Array {
    const { quantized, shape } = this.tensor(name);
    if (quantized) {
      const [from, to] = options.rows ?? [0, shape[0] ?? 0];
      const count = (to - from) * (shape[1] ?? 0);
      const out = options.into?.subarray(0, count) ?? new Float32Array(count);
      dequantizeRows(quantized, [from, to], this.#readPart, out);
      return out;
    }
    return this.#fileOf(name).readF32(this.#storedName(name), options);
  }

  /** Fills `into` with the values of a quantised weight from the one at `from` on, of the flattened matrix as it is stored. */
  readQuantized(name: string, from: number, into: Float32Array): void {
    const { quantized } = this.tensor(name);
    if (!quantized) throw new KernelError('internal', `${name} is not quantised`);
    dequantize(quantized, from, from + into.length, this.#readPart, into);
  }

  /** As stored; see `SafetensorsFile.readBytes`. */
  readBytes(name: string, buffer?: Uint8Array): Uint8Array {
    return this.#fileOf(name).readBytes(this.#storedName(name), buffer);
  }

  /** Fills `into` with the stored bytes from byte `begin` of the tensor on. */
  readRange(name: string, begin: number, into: Uint8Array): Uint8Array {
    return this.#fileOf(name).readRange(this.#storedName(name), begin, into);
  }

  /**
   * SHA-256 over the configuration, every tensor's name, dtype and shape, and samples of its bytes from beginning, middle
   * and end. Immediate for any size. Another training of the same model has another digest, and a copy has the same; a
   * change of a few bytes elsewhere is not seen.
   */
  sampledDigest(): string {
    return this.#sampled(`${JSON.stringify(this.config)}\n`);
  }

  /** The same without the configuration: equal as long as no weight changes. */
  sampledWeightsDigest(): string {
    return this.#sampled('');
  }

  #sampled(before: string): string {
    const hash = createHash('sha256').update(before);
    for (const name of [...this.tensors.keys()].sort()) {
      const { dtype, shape, byteLength } = this.tensor(name);
      hash.update(`${JSON.stringify([name, dtype, shape])}\n`);
      const size = Math.min(byteLength, DIGEST_SAMPLE_BYTES);
      for (const begin of [0, Math.floor((byteLength - size) / 2), byteLength - size]) {
        hash.update(this.readRange(name, begin, new Uint8Array(size)));
      }
    }
    return `sampled:${hash.digest('hex')}`;
  }

  /**
   * The same checkpoint with the tensors of `file` in place of its own of these names, perhaps in another type. Closing it
   * closes that file alone.
   */
  overlaid(file: SafetensorsFile): Checkpoint {
    const tensors = new Map(this.tensors);
    for (const tensor of file.tensors.values()) tensors.set(tensor.name, { ...tensor, file: file.path });
    // A name that no file of the folder has: an absolute path.
    const files = new Map([...this.files, [file.path, file]]);
    return new Checkpoint(this.dir, this.config, tensors, files, this.indexMetadata, this.warnings, [file]);
  }

  /** Closing twice is harmless. */
  close(): void {
    for (const file of this.owned) file.close();
  }

  /** The same files with these tensors. */
  #with(tensors: ReadonlyMap<string, CheckpointTensor>): Checkpoint {
    const { dir, config, files, indexMetadata, warnings, owned } = this;
    return new Checkpoint(dir, config, tensors, files, indexMetadata, warnings, owned);
  }

  readonly #readPart: ReadPart = ({ name, file }, begin, into) => this.#openFile(file).readRange(name, begin, into);

  #storedName(name: string): string {
    return this.tensor(name).storedName ?? name;
  }

  #fileOf(name: string): SafetensorsFile {
    return this.#openFile(this.tensor(name).file);
  }

  #openFile(file: string): SafetensorsFile {
    const open = this.files.get(this.shards.get(file)?.name ?? '');
    if (!open) throw new KernelError('internal', `${file} is not open`);
    return open;
  }
}

function refuseOtherFolders(folder: string): void {
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder) {
    const found = existsSync(folder) ? l10n.t('this is not a folder') : l10n.t('there is no such folder');
    const expected = l10n.t('expected a checkpoint folder with config.json and {0}', SINGLE_FILE);
    throw KernelError.refused([{ file: folder, severity: 'error', found, expected }]);
  }
  if ([SINGLE_FILE, INDEX_FILE].some((name) => isThere(join(folder, name)))) return;
  const pickles = readdirSync(folder).filter((name) => /\.(bin|pt|pth|ckpt|pkl)(\.index\.json)?$/.test(name));
  const found =
    pickles.length > 0 ? l10n.t('only pickle weights ({0})', pickles.slice(0, 3).join(', ')) : l10n.t('no weights');
  const expected =
    pickles.length > 0
      ? l10n.t(
          'expected {0} or {1}; pickle files can run code when read and are never opened here: save the model again with safe_serialization=True',
          SINGLE_FILE,
          INDEX_FILE,
        )
      : l10n.t('expected {0} or {1}', SINGLE_FILE, INDEX_FILE);
  throw KernelError.refused([{ file: folder, severity: 'error', found, expected }]);
}

/** Also a link that leads to nothing, so that opening it can say so. */
const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

function readConfig(folder: string): Readonly<Record<string, unknown>> {
  const { node } = readJsonObject(join(folder, 'config.json'), l10n.t("expected the model's configuration"));
  return jsonValue(node) as Readonly<Record<string, unknown>>;
}

/** Fills `files`. A single file goes before an index, as in transformers. */
function openWeights(
  folder: string,
  files: Map<string, SafetensorsFile>,
  problems: Problem[],
): CheckpointIndex | undefined {
  const isSharded = !isThere(join(folder, SINGLE_FILE));
  const index = isSharded ? collectProblems(problems, () => readCheckpointIndex(join(folder, INDEX_FILE))) : undefined;
  const names = isSharded ? [...new Set(index?.weightMap.values())].sort() : [SINGLE_FILE];
  for (const name of names) {
    const file = collectProblems(problems, () => openSafetensors(join(folder, name)));
    if (file) files.set(name, file);
  }
  return index;
}

/** In the order of the files and of the bytes in them. */
function locateTensors(
  folder: string,
  files: ReadonlyMap<string, SafetensorsFile>,
  index: CheckpointIndex | undefined,
  problems: Problem[],
  warnings: Problem[],
): Map<string, CheckpointTensor> {
  const located = new Map<string, CheckpointTensor>();
  for (const [name, file] of files) {
    for (const tensor of file.tensors.values()) {
      const listed = index?.weightMap.get(tensor.name);
      const where = tensor.name;
      const other = located.get(where)?.file ?? (listed !== undefined && listed !== name ? listed : undefined);
      if (other !== undefined) {
        const found = l10n.t('it is also in {0}', basename(other));
        problems.push({
          file: file.path,
          where,
          severity: 'error',
          found,
          expected: l10n.t('expected each tensor in one file'),
        });
      } else {
        located.set(where, { ...tensor, file: file.path });
        if (index && listed === undefined) {
          const found = l10n.t('the index does not list it');
          warnings.push({
            file: file.path,
            where,
            severity: 'warning',
            found,
            expected: l10n.t('expected it in {0}', INDEX_FILE),
          });
        }
      }
    }
  }
  for (const [where, name] of index?.weightMap ?? []) {
    const file = files.get(name);
    if (!file || file.tensors.has(where)) continue; // a file that does not open is a problem already
    const found = l10n.t('the index puts it in {0}, which does not hold it', name);
    problems.push({
      file: join(folder, INDEX_FILE),
      where,
      severity: 'error',
      found,
      expected: l10n.t('expected it there'),
    });
  }
  return located;
}

/** Weights of the folder that are not part of the checkpoint: other programs may take them for it. */
function unreadFiles(
  folder: string,
  files: ReadonlyMap<string, SafetensorsFile>,
  index: CheckpointIndex | undefined,
): Problem[] {
  const listed = new Set(index?.weightMap.values());
  const isKnown = (name: string): boolean => files.has(name) || listed.has(name);
  const isAdapter = (name: string): boolean => name === 'adapter_model.safetensors';
  const names = readdirSync(folder).filter(
    (name) => name.endsWith('.safetensors') && !isKnown(name) && !isAdapter(name),
  );
  const expected = index
    ? l10n.t('expected it in {0}; it is not read', INDEX_FILE)
    : l10n.t('{0} is read in its place', SINGLE_FILE);
  const warning = (name: string, found: string): Problem => ({
    file: join(folder, name),
    severity: 'warning',
    found,
    expected,
  });
  const hasBoth = !index && isThere(join(folder, INDEX_FILE));
  return [
    ...(hasBoth ? [warning(INDEX_FILE, l10n.t('there is {0} beside it', SINGLE_FILE))] : []),
    ...names.map((name) => warning(name, l10n.t('this file is not part of the checkpoint'))),
  ];
}

function wrongTotal(
  folder: string,
  { metadata, weightMap }: CheckpointIndex,
  tensors: ReadonlyMap<string, CheckpointTensor>,
): Problem[] {
  const { total_size: written } = metadata;
  if (written === undefined) return [];
  const total = [...weightMap.keys()].reduce((n, name) => n + (tensors.get(name)?.byteLength ?? 0), 0);
  if (written === total) return [];
  const expected = l10n.t('expected {0}, the bytes of all tensors; it has no effect here', total);
  const found = l10n.t('is {0}', JSON.stringify(written));
  const file = join(folder, INDEX_FILE);
  return [{ file, where: 'metadata.total_size', severity: 'warning', found, expected }];
}
