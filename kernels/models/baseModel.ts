/** @file A checkpoint that was opened, understood and found complete: what training, merging and generating start from. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { Checkpoint } from '../formats/checkpoint';
import { openCheckpoint } from '../formats/checkpoint';
import { openSafetensors } from '../formats/safetensors';
import type { DType, TensorType, Value, WeightLocation } from '../graph/graph';
import type { Graph } from '../graph/graph';
import { sameShape } from '../graph/graph';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { architectureOf } from './registry';
import type { CommonConfig, HeadSpec, ModelArchitecture, TargetSite } from './types';

type WeightDtype = Extract<DType, 'f32' | 'f16' | 'bf16'>;

const GRAPH_DTYPE: Readonly<Record<string, WeightDtype>> = { F32: 'f32', F16: 'f16', BF16: 'bf16' };

export interface BaseModel {
  readonly dir: string;
  readonly checkpoint: Checkpoint;
  readonly architecture: ModelArchitecture<CommonConfig>;
  readonly config: CommonConfig;
  readonly sites: readonly TargetSite[];
  readonly head: HeadSpec;
  /** Checkpoint tensors that the computation reads, with their shapes. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  readonly parameterCount: number;
  /** Where the weights are mapped from. */
  readonly weightFiles: WeightFiles;
  readonly warnings: readonly Problem[];
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

function understand(dir: string, checkpoint: Checkpoint): BaseModel {
  const file = path.join(dir, 'config.json');
  const architecture = architectureOf(checkpoint.config, file);
  const { config, warnings } = architecture.parseConfig(checkpoint.config, file, (name) =>
    checkpoint.tensors.has(name),
  );
  const tensors = architecture.tensors(config);
  const problems: Problem[] = [...contradictions(checkpoint, tensors, config, file)];
  for (const [name, shape] of tensors) {
    const found = checkpoint.tensors.get(name);
    const expected = l10n.t('expected a tensor [{0}] in F32, F16 or BF16, as config.json says', shape.join(', '));
    const where = name;
    if (!found) problems.push({ file: dir, where, severity: 'error', found: l10n.t('is missing'), expected });
    else if (!sameShape(found.shape, shape) || !GRAPH_DTYPE[found.dtype]) {
      const is = l10n.t('is {0} [{1}]', found.dtype, found.shape.join(', '));
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
    sites: architecture.sites(config),
    head: architecture.head(config),
    tensors,
    parameterCount,
    weightFiles: followLinks([...checkpoint.shards.keys()]),
    warnings,
  };
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
    const found = `${file} and the base model in ${model.dir} lie on different drives`;
    throw new KernelError('machine/failed', `${found}, and one graph cannot read both; put them on one drive`);
  }
  return { ...model, checkpoint, weightFiles };
}

/** A frozen checkpoint tensor as a weight of the graph; it stays in its file. */
export function frozenWeight(graph: Graph, model: BaseModel, name: string): Value {
  const found = model.checkpoint.tensors.get(name);
  const dtype = found && GRAPH_DTYPE[found.dtype];
  if (!found || !dtype) throw new KernelError('internal', `${model.dir} has no tensor ${name}`);
  const type: TensorType = { dtype, shape: found.shape };
  const file = model.weightFiles.realPaths.get(found.file) ?? found.file;
  const location: WeightLocation = { file, offset: found.offset, byteLength: found.byteLength };
  return graph.weight(name, type, location);
}

/** The dtypes in which the weights are stored, which a device must be able to read. */
export function weightDtypes(model: BaseModel): ReadonlySet<WeightDtype> {
  return new Set(
    [...model.tensors.keys()].flatMap((name) => GRAPH_DTYPE[model.checkpoint.tensors.get(name)?.dtype ?? ''] ?? []),
  );
}
