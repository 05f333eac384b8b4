/** @file What lies at a path, opened for looking into it: an adapter, a checkpoint, or any safetensors file. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { findBaseModel, openAdapter, type UnplannedAdapter } from '../adapters/adapterFile';
import { openCheckpoint, type Checkpoint } from '../formats/checkpoint';
import { DTYPE_BITS, elementCount } from '../formats/dtype';
import type { PeftTensor } from '../formats/peft';
import { isPeftAdapter } from '../formats/peft';
import { SHARED_MODULE } from '../formats/peftKeys';
import { openSafetensors, type SafetensorsFile, type TensorInfo } from '../formats/safetensors';
import type {
  AdapterContents,
  AdapterModuleEntry,
  DeltaAvailability,
  InspectedContents,
  ModuleSpectrum,
  TensorContents,
  TensorEntry,
} from '../protocol/calls/inspect';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { inspectModule, layerOf, moduleFactors, moduleShape, type BaseShape } from './inspectAdapter';
import { deltaMatrix, type BlockMatrix } from './matrixBlocks';
import type { TensorSource } from '../formats/tensorRanges';

const WEIGHTS_FILE = 'adapter_model.safetensors';
const CONFIG_FILE = 'adapter_config.json';
const INDEX_FILE = 'model.safetensors.index.json';
const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

/** An open container of tensors; the caller closes it. */
export interface InspectedPath {
  readonly contents: InspectedContents;
  /** Tensors by their names in the files. */
  readonly source: TensorSource;
  /** Every file that was read; what is known here is out of date when one of them has changed. */
  readonly files: readonly string[];
  /** Of an adapter only. */
  readonly adapter?: InspectedModules;
  close(): void;
}

export interface InspectedModules {
  spectrum(module: string): ModuleSpectrum;
  /** The delta weight; throws `input/refused` when it does not consist of factors. */
  delta(module: string): BlockMatrix;
}

/** Reads headers only. Errors as `openAdapter`, `openCheckpoint` and `openSafetensors`; pickle files are refused. */
export function openPath(target: string): InspectedPath {
  const where = path.resolve(target);
  const [dir, name] = [path.dirname(where), path.basename(where)];
  if (name === WEIGHTS_FILE && isPeftAdapter(dir)) return openAdapterOrWeights(dir, where);
  if (name === CONFIG_FILE) return openAdapterFolder(dir);
  if (name === INDEX_FILE) return openCheckpointFolder(dir);
  if (PICKLE.test(name)) {
    const found = 'this is a pickle file, which can run code when read';
    const expected = 'expected safetensors; save it again as safetensors to look into it';
    throw KernelError.refused([{ file: where, severity: 'error', found, expected }]);
  }
  const isFolder = statSync(where, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (!isFolder) return openFile(where, []);
  return isPeftAdapter(where) ? openAdapterFolder(where) : openCheckpointFolder(where);
}

/** The weights of an adapter that cannot be understood are shown as a file of tensors, with the reason. */
function openAdapterOrWeights(dir: string, file: string): InspectedPath {
  try {
    return openAdapterFolder(dir);
  } catch (error) {
    if (!KernelError.is(error)) throw error;
    const reason: Problem = {
      file: dir,
      severity: 'error',
      found: error.message,
      expected: 'expected an adapter of a method that is known here; its tensors are shown as they are',
    };
    // A file that is broken itself says so again, with the same problems.
    const opened = openFile(file, error.problems.length > 0 ? error.problems : [reason]);
    return { ...opened, files: [...opened.files, path.join(dir, CONFIG_FILE)] };
  }
}

function openFile(file: string, problems: readonly Problem[]): InspectedPath {
  const opened = openSafetensors(file);
  const contents: TensorContents = {
    kind: 'safetensors',
    path: opened.path,
    metadata: Object.fromEntries(opened.metadata),
    ...listed(opened.tensors.values()),
    problems,
  };
  return { contents, source: opened, files: [opened.path], close: () => opened.close() };
}

function openCheckpointFolder(dir: string): InspectedPath {
  const opened = openCheckpoint(dir);
  const { model_type: type } = opened.config;
  const first = [...opened.shards.values()][0];
  const contents: TensorContents = {
    kind: 'checkpoint',
    path: opened.dir,
    ...(typeof type === 'string' && { model_type: type }),
    metadata: opened.indexMetadata ?? Object.fromEntries(first?.metadata ?? []),
    ...listed(opened.tensors.values(), ({ name }) => path.relative(opened.dir, opened.tensor(name).file)),
    problems: opened.warnings,
  };
  const others = ['config.json', INDEX_FILE].map((name) => path.join(opened.dir, name)).filter((f) => existsSync(f));
  return { contents, source: opened, files: [...opened.shards.keys(), ...others], close: () => opened.close() };
}

function listed(
  infos: Iterable<TensorInfo>,
  fileOf?: (tensor: TensorInfo) => string,
): Pick<TensorContents, 'parameters' | 'bytes' | 'tensors'> {
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
  };
}

function openAdapterFolder(dir: string): InspectedPath {
  const opened = openAdapter(dir);
  let raw: SafetensorsFile;
  try {
    // A second handle on the same file: heat maps and statistics go by the names in it.
    raw = openSafetensors(path.join(dir, WEIGHTS_FILE));
  } catch (error) {
    opened.close();
    throw error;
  }
  const baseFolder = findBaseModel(dir);
  const baseShape = baseShapes(baseFolder, opened.adapter.config.fan_in_fan_out);
  return {
    contents: adapterContents(dir, opened, baseFolder, baseShape),
    source: raw,
    files: [raw.path, path.join(dir, CONFIG_FILE)],
    adapter: {
      spectrum: (module) => spectrumOf(dir, opened, module, baseShape),
      delta: deltas(dir, opened, baseShape),
    },
    close() {
      opened.close();
      raw.close();
    },
  };
}

function adapterContents(
  dir: string,
  opened: UnplannedAdapter,
  baseFolder: string | null,
  baseShape: BaseShape,
): AdapterContents {
  const { adapter, method, config } = opened;
  const entriesOf = (tensors: ReadonlyMap<string, PeftTensor>): readonly (readonly [string, TensorEntry])[] =>
    [...tensors].map(([name, tensor]) => [name, entryOf(name, tensor)] as const);
  const modules = [...adapter.tensors].flatMap(([module, tensors]): readonly AdapterModuleEntry[] => {
    if (module === SHARED_MODULE) return [];
    const entries = entriesOf(tensors);
    const parameters = entries.reduce((n, [, { shape }]) => n + (elementCount(shape) ?? 0), 0);
    const shape = moduleShape(opened, module, baseShape);
    return [{ module, layer: layerOf(module), shape, parameters, tensors: Object.fromEntries(entries) }];
  });
  const shared = entriesOf(adapter.tensors.get(SHARED_MODULE) ?? new Map());
  const saved = [...shared, ...entriesOf(adapter.extra)].map(([, entry]) => entry);
  const all = [...modules.flatMap(({ tensors }) => Object.values(tensors)), ...saved];
  return {
    kind: 'adapter',
    path: dir,
    base: adapter.config.base_model_name_or_path,
    baseFolder,
    method: { id: method.id, label: method.label },
    config,
    parameters: all.reduce((n, { shape }) => n + (elementCount(shape) ?? 0), 0),
    bytes: all.reduce((n, { bytes }) => n + bytes, 0),
    modules,
    saved,
    delta: deltaOf(opened, modules),
    warnings: adapter.warnings,
  };
}

function deltaOf({ adapter, method }: UnplannedAdapter, modules: readonly AdapterModuleEntry[]): DeltaAvailability {
  if (!method.factors) return 'no-factors';
  if (method.shared && !adapter.tensors.has(SHARED_MODULE)) return 'shared-missing';
  return modules.every(({ shape }) => shape === null) ? 'base-missing' : 'available';
}

function entryOf(name: string, { key = name, dtype = 'F32', shape }: PeftTensor): TensorEntry {
  return { name: key, dtype, shape, bytes: ((elementCount(shape) ?? 0) * DTYPE_BITS[dtype]) / 8 };
}

function spectrumOf(dir: string, opened: UnplannedAdapter, module: string, baseShape: BaseShape): ModuleSpectrum {
  const { tensors, update } = inspectModule(dir, opened, module, baseShape);
  const norms = Object.fromEntries(Object.entries(tensors).map(([name, { norm }]) => [name, norm]));
  if (!update) return { module, norms, delta: null, singular_values: [] };
  const { singular_values: values, ...delta } = update;
  return { module, norms, delta: { ...delta, largest: values[0] ?? 0 }, singular_values: values };
}

/** Keeps the factors of the last module: a heat map asks for many parts of one. */
function deltas(dir: string, opened: UnplannedAdapter, baseShape: BaseShape): (module: string) => BlockMatrix {
  let last: { readonly module: string; readonly matrix: BlockMatrix } | undefined;
  return (module) => {
    if (last?.module === module) return last.matrix;
    const factors = moduleFactors(dir, opened, module, baseShape);
    if (!factors) {
      const found = `two factors of the delta weight of ${opened.method.label} cannot be had from this file`;
      const expected =
        'expected a method whose delta weight consists of two factors, and what it needs for them on disk';
      throw KernelError.refused([{ file: dir, where: module, severity: 'error', found, expected }]);
    }
    last = { module, matrix: deltaMatrix(factors) };
    return last.matrix;
  };
}

/** Shapes of the base weights from the headers of the base model, read when first asked for; a base that is broken has none. */
function baseShapes(folder: string | null, isTransposed: boolean): BaseShape {
  let shapes: ReadonlyMap<string, readonly number[]> | undefined;
  return (module) => {
    shapes ??= new Map([...openedTensors(folder)].map(([name, { shape }]) => [name, shape]));
    const [first, second, ...rest] = shapes.get(`${module}.weight`) ?? [];
    if (first === undefined || second === undefined || rest.length > 0) return null;
    // GPT-2 stores its weights as [in, out]; the adapter says so.
    return isTransposed ? [second, first] : [first, second];
  };
}

function openedTensors(folder: string | null): Checkpoint['tensors'] {
  if (folder === null) return new Map();
  try {
    const base = openCheckpoint(folder);
    base.close();
    return base.tensors;
  } catch (error) {
    if (KernelError.is(error)) return new Map();
    throw error;
  }
}
