/** @file A checkpoint that was opened, understood and found complete: what training, merging and generating start from. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { Checkpoint, CheckpointTensor } from '../formats/checkpoint';
import { openCheckpoint } from '../formats/checkpoint';
import type { QuantizedWeight } from '../formats/quantizedWeight';
import { partsOf } from '../formats/quantizedWeight';
import { openSafetensors } from '../formats/safetensors';
import type { QuantizedStorage, TensorType, Value, WeightLocation } from '../graph/graph';
import type { Graph } from '../graph/graph';
import { sameShape } from '../graph/graph';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { QuantizedForm } from '../util/fourBitLevels';
import { outerSites } from './outerSites';
import { floatDtypeOf, quantizationProblems } from './quantization';
import { architectureOf } from './registry';
import type {
  CommonConfig,
  FreshStart,
  HeadSpec,
  ModelArchitecture,
  SequenceHead,
  SequenceTask,
  TargetSite,
  Task,
} from './types';

type WeightDtype = 'f32' | 'f16' | 'bf16';

const GRAPH_DTYPE: Readonly<Record<string, WeightDtype>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

export interface BaseModel {
  readonly dir: string;
  readonly checkpoint: Checkpoint;
  readonly architecture: ModelArchitecture<CommonConfig>;
  readonly config: CommonConfig;
  readonly sites: readonly TargetSite[];
  /** The embedding and the head. */
  readonly outerSites: readonly TargetSite[];
  readonly head: HeadSpec;
  readonly task: Task;
  /** Tensors of a sequence head that the checkpoint does not have: training starts them, and an adapter holds them. */
  readonly fresh: ReadonlyMap<string, FreshTensor>;
  /** Checkpoint tensors that the computation reads, with their shapes. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  /** Those that are quantised. */
  readonly quantized: ReadonlySet<string>;
  readonly parameterCount: number;
  /** Where the weights are mapped from. */
  readonly weightFiles: WeightFiles;
  readonly warnings: readonly Problem[];
}

export interface FreshTensor {
  readonly shape: readonly number[];
  readonly start: FreshStart;
}

/** The runtime maps no file outside the folder it is given, links followed: those of the Hugging Face cache lead elsewhere. */
export interface WeightFiles {
  /** Folder that all weight files lie in, links followed. */
  readonly folder: string;
  /** Absolute path of a weight file → the same with links followed. */
  readonly realPaths: ReadonlyMap<string, string>;
}

/** Opens a checkpoint folder. Refuses unsupported families and fields, missing tensors and tensors of another shape. */
export function openBaseModel(dir: string): BaseModel {
  const checkpoint = openCheckpoint(dir);
  try {
    return understand(dir, checkpoint);
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}

function understand(dir: string, opened: Checkpoint): BaseModel {
  const architecture = architectureOf(opened.config, path.join(dir, 'config.json'));
  const file = path.join(dir, 'config.json');
  const quantized = opened.withQuantized(floatDtypeOf(opened.config));
  const problems = quantizationProblems(quantized, file);
  if (problems.some(({ severity }) => severity === 'error')) throw KernelError.refused(problems);
  const checkpoint = quantized.renamed((name) => architecture.canonicalName?.(name) ?? name);
  const parsed = architecture.parseConfig(checkpoint.config, file, (name) => checkpoint.tensors.has(name));
  return described(dir, checkpoint, architecture, parsed.config, [...parsed.warnings, ...problems]);
}

/**
 * The same model, still open, with a sequence head for this task. Throws `input/refused` when the checkpoint has a head that
 * answers something else.
 */
export function withTask(model: BaseModel, task: SequenceTask): BaseModel {
  const { dir, checkpoint, architecture, config, head, warnings } = model;
  if (!architecture.encoder || head.kind !== 'sequence') {
    throw new KernelError('internal', l10n.t('{0} has no head for whole texts', architecture.id));
  }
  if (hasOwnHead(model) && answers(task) !== answers(head.task)) {
    const expected = l10n.t(
      'expected {0}, as its head has; give a checkpoint without a head to start a new one',
      answers(head.task),
    );
    const found = l10n.t('{0} asked for', answers(task));
    throw KernelError.refused([{ file: dir, where: head.path, severity: 'error', found, expected }]);
  }
  return described(dir, checkpoint, architecture, architecture.encoder.withTask(config, task), warnings);
}

/** The same with the task that its head is given; a model without such a head as it is. */
export function withTaskOf(model: BaseModel, taskOf: (head: SequenceHead) => SequenceTask): BaseModel {
  return model.head.kind === 'sequence' ? withTask(model, taskOf(model.head)) : model;
}

/** What samples for a model are for; of a head that is still to be made, classes unless the data says otherwise. */
export function sampleTask({ task, fresh, head }: BaseModel): Task['kind'] {
  return task.kind === 'regression' && head.kind === 'sequence' && isFresh(head, fresh) ? 'classification' : task.kind;
}

/** Whether the module that answers is not in the checkpoint. */
export const hasOwnHead = ({ head, fresh }: BaseModel): boolean => head.kind === 'next-token' || !isFresh(head, fresh);

const isFresh = (head: SequenceHead, fresh: BaseModel['fresh']): boolean =>
  head.modules.get(head.path)?.some(({ name }) => fresh.has(name)) ?? false;

const answers = (task: SequenceTask): string =>
  task.kind === 'regression' ? l10n.t('one number') : l10n.t('{0} classes', task.labels.length);

function described(
  dir: string,
  opened: Checkpoint,
  architecture: ModelArchitecture<CommonConfig>,
  config: CommonConfig,
  warnings: readonly Problem[],
): BaseModel {
  const file = path.join(dir, 'config.json');
  const sites = architecture.sites(config);
  const checkpoint = upright(opened, sites);
  const head = architecture.head(config);
  const fresh = freshTensors(head, checkpoint);
  const tensors = new Map([...architecture.tensors(config)].filter(([name]) => !fresh.has(name)));
  const problems: Problem[] = [...contradictions(checkpoint, tensors, config, file)];
  for (const [name, shape] of tensors) {
    const found = checkpoint.tensors.get(name);
    const expected = l10n.t('expected a tensor [{0}] in F32, F16 or BF16, as config.json says', shape.join(', '));
    const where = name;
    if (!found) problems.push({ file: dir, where, severity: 'error', found: l10n.t('is missing'), expected });
    else if (!sameShape(found.shape, shape) || !isReadable(found)) {
      const is = l10n.t('is {0} [{1}]', dtypeName(found), found.shape.join(', '));
      problems.push({ file: found.file, where, severity: 'error', found: is, expected });
    }
  }
  if (problems.length > 0) throw KernelError.refused(shortened(problems, dir));
  const parameterCount = [...tensors.values()].reduce((n, shape) => n + shape.reduce((p, d) => p * d, 1), 0);
  return {
    dir,
    checkpoint,
    architecture,
    config,
    sites,
    outerSites: outerSites(architecture, config),
    head,
    task: head.kind === 'sequence' ? head.task : { kind: 'next-token' },
    fresh,
    tensors,
    quantized: new Set([...tensors.keys()].filter((name) => checkpoint.tensors.get(name)?.quantized)),
    parameterCount,
    weightFiles: followLinks([...checkpoint.shards.keys()]),
    warnings,
  };
}

/** GPT-2's layers are stored [in, out], but turned before they are quantised. */
function upright(checkpoint: Checkpoint, sites: readonly TargetSite[]): Checkpoint {
  const turned = sites.flatMap(({ layout, weight }) => {
    const quantized = layout === 'in-out' ? checkpoint.tensors.get(weight)?.quantized : undefined;
    return quantized && !quantized.isTransposed ? [weight] : [];
  });
  return turned.length === 0 ? checkpoint : checkpoint.withTransposed(turned);
}

const isReadable = ({ dtype, quantized }: CheckpointTensor): boolean => quantized !== undefined || dtype in GRAPH_DTYPE;

/** The form of a quantised weight, else the type. */
const dtypeName = ({ dtype, quantized }: CheckpointTensor): string => (quantized?.form ?? dtype).toUpperCase();

/** Of modules of a sequence head that the checkpoint has no part of. A part alone is a mistake, named as what is missing. */
function freshTensors(head: HeadSpec, checkpoint: Checkpoint): ReadonlyMap<string, FreshTensor> {
  if (head.kind === 'next-token') return new Map();
  const absent = [...head.modules.values()].filter((all) => all.every(({ name }) => !checkpoint.tensors.has(name)));
  return new Map(absent.flat().map(({ name, shape, start }) => [name, { shape, start }]));
}

/** More blocks than config.json speaks of: part of a model would be used as if it were the whole. */
function* contradictions(
  { tensors: stored }: Checkpoint,
  tensors: ReadonlyMap<string, readonly number[]>,
  { layers }: CommonConfig,
  file: string,
): Generator<Problem> {
  const blocks = [...stored.keys()].flatMap((name) => {
    const index = /\.(\d+)\./.exec(name)?.[1];
    const isOfModel = index !== undefined && tensors.has(name.replace(`.${index}.`, '.0.'));
    return isOfModel ? [Number(index)] : [];
  });
  const most = blocks.reduce((a, b) => Math.max(a, b), -1);
  if (most < layers) return;
  const expected = l10n.t('expected {0}, the number of blocks in the checkpoint', most + 1);
  yield { file, where: 'num_hidden_layers', severity: 'error', found: l10n.t('is {0}', layers), expected };
}

/** A wrong configuration makes every tensor wrong; the first ones tell. */
const MOST_PROBLEMS = 100;

function shortened(problems: readonly Problem[], dir: string): readonly Problem[] {
  if (problems.length <= MOST_PROBLEMS) return problems;
  const found = l10n.t('{0} more tensors are missing or of another shape', problems.length - MOST_PROBLEMS);
  const more: Problem = { file: dir, severity: 'error', found, expected: l10n.t('expected what config.json says') };
  return [...problems.slice(0, MOST_PROBLEMS), more];
}

function followLinks(files: readonly string[]): WeightFiles {
  const realPaths = new Map(files.map((file) => [file, realpathSync(file)]));
  let folder = path.dirname([...realPaths.values()][0] ?? '.');
  const holds = (file: string): boolean => isInside(folder, file);
  while (![...realPaths.values()].every(holds) && path.dirname(folder) !== folder) folder = path.dirname(folder);
  return { folder, realPaths };
}

const isInside = (folder: string, file: string): boolean =>
  file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);

/**
 * The model with the tensors of another file in place of its own of these names: what a run with restarts trains on. The
 * caller closes its checkpoint, which leaves that of `model` open.
 */
export function withTensorsOf(model: BaseModel, file: string): BaseModel {
  const overlay = openSafetensors(file);
  const checkpoint = model.checkpoint.overlaid(overlay);
  const weightFiles = followLinks([...checkpoint.shards.keys()]);
  if (![...weightFiles.realPaths.values()].every((real) => isInside(weightFiles.folder, real))) {
    checkpoint.close();
    const found = l10n.t('{0} and the base model in {1} lie on different drives', file, model.dir);
    throw new KernelError(
      'machine/failed',
      l10n.t('{0}, and one graph cannot read both; put them on one drive', found),
    );
  }
  return { ...model, checkpoint, weightFiles };
}

/** A frozen checkpoint tensor as a weight of the graph; it stays in its file. */
export function frozenWeight(graph: Graph, model: BaseModel, name: string): Value {
  const found = model.checkpoint.tensors.get(name);
  if (!found || !isReadable(found)) throw new KernelError('internal', `${model.dir} has no tensor ${name}`);
  return weightOf(graph, found, (file) => model.weightFiles.realPaths.get(file) ?? file);
}

/** `realPath`: a weight file with links followed. */
export function weightOf(graph: Graph, tensor: CheckpointTensor, realPath: (file: string) => string): Value {
  const { name, dtype, shape, quantized } = tensor;
  const locate: Locate = ({ file, offset, byteLength }) => ({ file: realPath(file), offset, byteLength });
  const type: TensorType = { dtype: GRAPH_DTYPE[quantized ? 'F32' : dtype] ?? 'f32', shape };
  return graph.weight(name, type, locate(tensor), quantized && storageOf(quantized, locate));
}

type Locate = (part: WeightLocation) => WeightLocation;

function storageOf(weight: QuantizedWeight, locate: Locate): QuantizedStorage {
  const { shape, isTransposed } = weight;
  if (weight.form === 'int8') return { shape, isTransposed, storage: { bits: 8, rowMax: locate(weight.rowMax) } };
  const { levels, absmax, blockSize, nested } = weight;
  return {
    shape,
    isTransposed,
    storage: {
      bits: 4,
      form: weight.form,
      levels: locate(levels),
      blockSize,
      absmax: locate(absmax),
      ...(nested && { nested: { ...nested, levels: locate(nested.levels), absmax: locate(nested.absmax) } }),
    },
  };
}

/** The dtypes in which the weights are stored, which a device must be able to read. */
export function weightDtypes(model: BaseModel): ReadonlySet<WeightDtype | QuantizedForm> {
  return new Set(
    [...model.tensors.keys()].flatMap((name) => {
      const { dtype = '', quantized } = model.checkpoint.tensors.get(name) ?? {};
      return quantized?.form ?? GRAPH_DTYPE[dtype] ?? [];
    }),
  );
}

/** Bytes of the weights as they are stored. */
export function weightBytes({ checkpoint, tensors }: Pick<BaseModel, 'checkpoint' | 'tensors'>): number {
  return [...tensors.keys()].reduce((n, name) => {
    const found = checkpoint.tensors.get(name);
    const parts = found?.quantized ? partsOf(found.quantized) : found ? [found] : [];
    return n + parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }, 0);
}
