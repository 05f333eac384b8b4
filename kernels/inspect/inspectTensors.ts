/** @file The tensors of a safetensors file or of a checkpoint folder, and the statistics of those that are asked for. */
import path from 'node:path';
import { openCheckpoint } from '../formats/checkpoint';
import { elementCount } from '../formats/dtype';
import { openSafetensors } from '../formats/safetensors';
import type { TensorSource } from '../formats/tensorRanges';
import { tensorStatistics, type TensorStatistics } from './tensorStatistics';
import { weightView, type ShownTensor } from './weightView';

export interface ListedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** File name relative to the folder; of a checkpoint only. */
  readonly file?: string;
}

/** An open container of tensors; the caller closes it. */
export interface InspectedTensors {
  readonly kind: 'checkpoint' | 'safetensors';
  readonly path: string;
  /** `model_type` of a checkpoint. */
  readonly model_type?: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly parameters: number;
  readonly bytes: number;
  readonly tensors: readonly ListedTensor[];
  /** Reads all of one tensor, in ranges. */
  statistics(name: string, signal?: AbortSignal): Promise<TensorStatistics>;
  close(): void;
}

/** Errors as `openSafetensors`. */
export function inspectSafetensors(file: string): InspectedTensors {
  const opened = openSafetensors(file);
  return {
    kind: 'safetensors',
    path: opened.path,
    metadata: Object.fromEntries(opened.metadata),
    ...listed(opened, opened.tensors.values()),
    close: () => opened.close(),
  };
}

/** Errors as `openCheckpoint`. The model's family need not be one that can be trained. */
export function inspectCheckpoint(dir: string): InspectedTensors {
  const opened = openCheckpoint(dir);
  const { model_type: type } = opened.config;
  const view = weightView(opened);
  const fileOf = (tensor: ShownTensor): string => path.relative(opened.dir, opened.tensor(tensor.name).file);
  return {
    kind: 'checkpoint',
    path: opened.dir,
    ...(typeof type === 'string' && { model_type: type }),
    metadata: opened.indexMetadata ?? Object.fromEntries([...opened.shards.values()][0]?.metadata ?? []),
    ...listed(view.source, view.tensors, fileOf),
    close: () => opened.close(),
  };
}

function listed(
  source: TensorSource,
  infos: Iterable<ShownTensor>,
  fileOf?: (tensor: ShownTensor) => string,
): Pick<InspectedTensors, 'parameters' | 'bytes' | 'tensors' | 'statistics'> {
  const all = [...infos];
  return {
    parameters: all.reduce((n, { shape }) => n + (elementCount(shape) ?? 0), 0),
    bytes: all.reduce((n, { byteLength }) => n + byteLength, 0),
    tensors: all.map((tensor) => ({
      name: tensor.name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      bytes: tensor.byteLength,
      ...(fileOf && { file: fileOf(tensor) }),
    })),
    statistics: (name, signal) => tensorStatistics(source, name, signal),
  };
}
