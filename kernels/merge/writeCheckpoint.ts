/**
 * @file Writes a checkpoint folder from another one with some tensors changed: the same shards, names, order and metadata;
 * tensors that nobody changes are copied byte for byte, one piece at a time; configuration and tokenizer files follow.
 */
import * as l10n from '@vscode/l10n';
import { existsSync, readdirSync, readFileSync, rmdirSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { AtomicFolder, makeFolders, writeFileAtomic } from '../formats/atomicFile';
import type { Checkpoint, CheckpointTensor, Shard } from '../formats/checkpoint';
import type { Dtype, FloatDtype } from '../formats/dtype';
import { byteLengthOf, isFloatDtype } from '../formats/dtype';
import { readJsonObject } from '../formats/jsonFile';
import { jsonNode, printJson } from '../formats/jsonTree';
import type { TensorSpec } from '../formats/safetensors';
import { SafetensorsWriter } from '../formats/safetensorsWriter';
import { KernelError } from '../protocol/errors';

export type MergeDtype = 'keep' | 'f32' | 'f16' | 'bf16';

const FLOAT_DTYPE = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;
/** `torch_dtype` of config.json. */
const CONFIG_DTYPE = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const;

/** New values of a tensor, from its old ones (float32). */
export type TensorEdit = (values: Float32Array) => Float32Array | Promise<Float32Array>;

export interface AddedTensor {
  readonly name: string;
  /** The tensor whose shape, type and shard it takes, and whose values it starts from. */
  readonly like: string;
  /** Its own shape, where it is another. */
  readonly shape?: readonly number[];
  readonly edit: TensorEdit | null;
}

export interface CheckpointChange {
  readonly edits: ReadonlyMap<string, TensorEdit>;
  readonly added: readonly AddedTensor[];
  /** Tensors that are left out. */
  readonly dropped: readonly string[];
  readonly dtype: MergeDtype;
  /** Fields of config.json that get another value; `undefined`: that are left out. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface WriteOptions<T> {
  readonly signal?: AbortSignal;
  /** Bytes of weights written so far, of all. */
  readonly onBytes?: (done: number, all: number) => void;
  /** Looks at the complete folder before it gets its name; what it throws leaves nothing behind. */
  readonly inspect: (folder: string) => Promise<T>;
}

/** The second is what transformers notes beside it. */
const QUANTIZATION_FIELDS = ['quantization_config', '_pre_quantization_dtype'];

const COPY_BYTES = 8 << 20;
/** Weights in any format: what stands beside the safetensors we read is another copy of the old weights. */
const WEIGHT_FILE = /\.(safetensors|bin|pt|pth|ckpt|pkl|h5|msgpack|gguf|ggml|onnx|onnx_data|tflite)(\.index\.json)?$/;
const INDEX_FILE = 'model.safetensors.index.json';

/** Throws `input/refused` when `out` exists and is not empty, or lies inside one of the folders that are read. */
export function refuseOverlap(out: string, inputs: readonly string[]): void {
  for (const input of inputs) {
    const inside = path.relative(path.resolve(input), path.resolve(out));
    if (inside !== '' && (inside.startsWith('..') || path.isAbsolute(inside))) continue;
    const found = l10n.t('it lies inside {0}, which is read', path.resolve(input));
    throw KernelError.refused([
      { file: out, severity: 'error', found, expected: l10n.t('expected a folder of its own') },
    ]);
  }
}

/** The folder `out` appears complete or not at all. Returns what `inspect` found. */
export async function writeCheckpoint<T>(
  checkpoint: Checkpoint,
  out: string,
  change: CheckpointChange,
  options: WriteOptions<T>,
): Promise<T> {
  const shards = [...checkpoint.shards.values()].map((shard) => planShard(checkpoint, shard, change));
  const total = shards.reduce((sum, { tensors }) => sum + tensors.reduce((n, t) => n + sizeOf(t), 0), 0);
  const made = missingAncestors(out);
  const folder = AtomicFolder.create(out);
  try {
    refuseFullDisk(out, folder.temporaryPath, total);
    let done = 0;
    const step = async (bytes: number): Promise<void> => {
      options.onBytes?.((done += bytes), total);
      await new Promise((resume) => setImmediate(resume));
      if (options.signal?.aborted) throw new KernelError('cancelled', `writing ${out} was cancelled`);
    };
    await step(0);
    for (const shard of shards) await writeShard(checkpoint, folder.temporaryPath, shard, step);
    writeIndex(checkpoint, folder.temporaryPath, shards, total);
    writeConfig(checkpoint, folder.temporaryPath, change);
    copyOtherFiles(checkpoint.dir, folder.temporaryPath);
    const found = await options.inspect(folder.temporaryPath);
    folder.commit();
    return found;
  } catch (error) {
    folder.abort();
    removeEmpty(made);
    throw error;
  }
}

interface PlannedOutput extends TensorSpec {
  readonly source: CheckpointTensor;
  readonly edit: TensorEdit | null;
}

interface PlannedShard {
  readonly shard: Shard;
  readonly tensors: readonly PlannedOutput[];
}

function planShard(checkpoint: Checkpoint, shard: Shard, change: CheckpointChange): PlannedShard {
  const outputs = shard.tensors.flatMap((name): PlannedOutput[] => {
    const source = checkpoint.tensor(name);
    if (source.isPart) return [];
    const as = (own: string, edit: TensorEdit | null, shape = source.shape): PlannedOutput => {
      return { name: own, shape, dtype: targetDtype(source, change.dtype), source, edit };
    };
    const kept = change.dropped.includes(name) ? [] : [as(name, change.edits.get(name) ?? null)];
    return [...kept, ...change.added.filter((a) => a.like === name).map((a) => as(a.name, a.edit, a.shape))];
  });
  return { shard, tensors: outputs };
}

/** The type a tensor is written in: a quantised weight in the one it had before, unless another is wanted. */
export function targetDtype({ dtype, quantized }: CheckpointTensor, wanted: MergeDtype): Dtype {
  const own = quantized?.from ?? dtype;
  return wanted === 'keep' || !isFloatDtype(own) ? own : FLOAT_DTYPE[wanted];
}

const sizeOf = ({ dtype, shape }: TensorSpec): number => byteLengthOf(dtype, shape) ?? 0;

async function writeShard(
  checkpoint: Checkpoint,
  folder: string,
  { shard, tensors }: PlannedShard,
  step: (bytes: number) => Promise<void>,
): Promise<void> {
  const file = path.join(folder, shard.name);
  makeFolders(path.dirname(file));
  const specs = tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const writer = SafetensorsWriter.create(file, specs, { metadata: shard.metadata });
  const bytes = new Uint8Array(COPY_BYTES);
  let values = new Float32Array(0);
  try {
    for (const { name, dtype, shape, source, edit } of tensors) {
      const count = source.shape.reduce((n, d) => n * d, 1);
      if (edit) {
        if (values.length < count) values = new Float32Array(count);
        const edited = await edit(checkpoint.readF32(source.name, { into: values }));
        if (dtype === 'F16') refuseOverflow(name, edited);
        writer.writeF32(name, edited);
        await step(sizeOf({ name, dtype, shape }));
      } else if (dtype === source.dtype && !source.quantized) {
        for (let at = 0; at < source.byteLength; at += COPY_BYTES) {
          const piece = bytes.subarray(0, Math.min(COPY_BYTES, source.byteLength - at));
          writer.write(name, checkpoint.readRange(source.name, at, piece));
          await step(piece.length);
        }
      } else {
        await convert(checkpoint, writer, { name, dtype: dtype as FloatDtype, source }, bytes, step);
      }
    }
    writer.commit();
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** Another float type, row block by row block. */
async function convert(
  checkpoint: Checkpoint,
  writer: SafetensorsWriter,
  { name, dtype, source }: { readonly name: string; readonly dtype: FloatDtype; readonly source: CheckpointTensor },
  scratch: Uint8Array,
  step: (bytes: number) => Promise<void>,
): Promise<void> {
  const [rows = 1, ...rest] = source.shape;
  const width = rest.reduce((n, d) => n * d, 1);
  const perBlock = Math.max(1, Math.floor(scratch.byteLength / 4 / Math.max(1, width)));
  for (let from = 0; from < rows; from += perBlock) {
    const to = Math.min(rows, from + perBlock);
    const count = (to - from) * width;
    const into = count * 4 <= scratch.byteLength ? new Float32Array(scratch.buffer, 0, count) : undefined;
    const block = checkpoint.readF32(source.name, { rows: [from, to], ...(into && { into }) });
    if (dtype === 'F16') refuseOverflow(name, block);
    writer.writeF32(name, block);
    await step(byteLengthOf(dtype, [count]) ?? 0);
  }
}

/** From 65520 on, float16 rounds to infinity. */
function refuseOverflow(name: string, values: Float32Array): void {
  const found = values.find((v) => v >= 65520 || v <= -65520);
  if (found === undefined) return;
  throw new KernelError(
    'input/refused',
    l10n.t('{0} holds {1}, which float16 cannot; use --dtype bf16 or f32', name, found),
  );
}

function writeIndex(checkpoint: Checkpoint, folder: string, shards: readonly PlannedShard[], total: number): void {
  if (checkpoint.indexMetadata === undefined) return;
  const { node } = readJsonObject(path.join(checkpoint.dir, INDEX_FILE), l10n.t('expected the index of the shards'));
  const entries = shards.flatMap(({ shard, tensors }) => tensors.map(({ name }) => [name, shard.name] as const));
  const members = new Map(node.members);
  const metadata = { ...checkpoint.indexMetadata, total_size: total };
  members.set('metadata', jsonNode(metadata));
  members.set('weight_map', jsonNode(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))));
  writeFileAtomic(path.join(folder, INDEX_FILE), `${printJson({ kind: 'object', members })}\n`);
}

function writeConfig(checkpoint: Checkpoint, folder: string, { config, dtype }: CheckpointChange): void {
  const source = path.join(checkpoint.dir, 'config.json');
  const { node } = readJsonObject(source, l10n.t("expected the model's configuration"));
  const changed = Object.entries(config);
  // No weight that is written is quantised.
  if ([...checkpoint.tensors.values()].some(({ quantized }) => quantized)) {
    for (const key of QUANTIZATION_FIELDS) changed.push([key, undefined]);
  }
  if (dtype !== 'keep') changed.push([node.members.has('dtype') ? 'dtype' : 'torch_dtype', CONFIG_DTYPE[dtype]]);
  const target = path.join(folder, 'config.json');
  if (changed.length === 0) writeFileAtomic(target, readFileSync(source));
  else {
    const members = new Map(node.members);
    for (const [key, value] of changed) {
      if (value === undefined) members.delete(key);
      else members.set(key, jsonNode(value));
    }
    writeFileAtomic(target, `${printJson({ kind: 'object', members })}\n`);
  }
}

/** Tokenizer, generation settings, chat template, licence: every other file of the folder itself that holds no weights. */
function copyOtherFiles(from: string, folder: string): void {
  for (const name of readdirSync(from)) {
    const source = path.join(from, name);
    if (name.startsWith('.') || WEIGHT_FILE.test(name) || name === 'config.json') continue;
    // Follows the links of the Hugging Face cache.
    if (statSync(source, { throwIfNoEntry: false })?.isFile()) {
      writeFileAtomic(path.join(folder, name), readFileSync(source));
    }
  }
}

function refuseFullDisk(out: string, folder: string, needed: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= needed) return;
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new KernelError(
    'machine/failed',
    l10n.t(
      '{0} needs {1}, the disk has {2} free; make room or choose another disk',
      out,
      gigabytes(needed),
      gigabytes(free),
    ),
  );
}

/** Folders above `out` that do not exist yet, the innermost first. */
function missingAncestors(out: string): readonly string[] {
  const missing: string[] = [];
  for (let at = path.dirname(path.resolve(out)); !existsSync(at); at = path.dirname(at)) missing.push(at);
  return missing;
}

function removeEmpty(folders: readonly string[]): void {
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch {
      return; // not empty, or not made: it stays
    }
  }
}
