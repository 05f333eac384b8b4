/** @file What lies at a path, opened for looking into it: an adapter, a checkpoint, or any safetensors file. */
import * as l10n from '@vscode/l10n';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { findBaseModel, openAdapter, type UnplannedAdapter } from '../adapters/adapterFile';
import { openCheckpoint } from '../formats/checkpoint';
import { DTYPE_BITS, elementCount } from '../formats/dtype';
import type { PeftTensor } from '../formats/peft';
import { isPeftAdapter } from '../formats/peft';
import { SHARED_MODULE } from '../formats/peftKeys';
import { openSafetensors, type SafetensorsFile } from '../formats/safetensors';
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
import { AdapterModules, blockOf } from './adapterModules';
import { openBaseWeights } from './baseWeights';
import { inspectModule } from './inspectAdapter';
import type { BlockMatrix } from './matrixBlocks';
import type { TensorSource } from '../formats/tensorRanges';
import { weightView, type ShownTensor } from './weightView';

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
  spectrum(module: string): Promise<ModuleSpectrum>;
  /** The delta weight; errors as `AdapterModules.delta`. */
  delta(module: string): Promise<BlockMatrix>;
}

/** Reads headers only. Errors as `openAdapter`, `openCheckpoint` and `openSafetensors`; pickle files are refused. */
export function openPath(target: string): InspectedPath {
  const where = path.resolve(target);
  const [dir, name] = [path.dirname(where), path.basename(where)];
  if (name === WEIGHTS_FILE && isPeftAdapter(dir)) return openAdapterOrWeights(dir, where);
  if (name === CONFIG_FILE) return openAdapterFolder(dir);
  if (name === INDEX_FILE) return openCheckpointFolder(dir);
  if (PICKLE.test(name)) {
    const found = l10n.t('this is a pickle file, which can run code when read');
    const expected = l10n.t('expected safetensors; save it again as safetensors to look into it');
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
      expected: l10n.t('expected an adapter of a method that is known here; its tensors are shown as they are'),
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
  const view = weightView(opened);
  const contents: TensorContents = {
    kind: 'checkpoint',
    path: opened.dir,
    ...(typeof type === 'string' && { model_type: type }),
    metadata: opened.indexMetadata ?? Object.fromEntries(first?.metadata ?? []),
    ...listed(view.tensors, ({ name }) => path.relative(opened.dir, opened.tensor(name).file)),
    problems: [...view.problems, ...opened.warnings],
  };
  const others = ['config.json', INDEX_FILE].map((name) => path.join(opened.dir, name)).filter((f) => existsSync(f));
  return { contents, source: view.source, files: [...opened.shards.keys(), ...others], close: () => opened.close() };
}

function listed(
  infos: Iterable<ShownTensor>,
  fileOf?: (tensor: ShownTensor) => string,
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
  const base = baseFolder === null ? null : openBaseWeights(baseFolder, opened.adapter.config.fan_in_fan_out);
  const modules = new AdapterModules(dir, opened, base);
  return {
    contents: adapterContents(dir, opened, baseFolder, modules),
    source: raw,
    files: [raw.path, path.join(dir, CONFIG_FILE)],
    adapter: {
      spectrum: (module) => spectrumOf(modules, module),
      delta: (module) => modules.delta(module),
    },
    close() {
      void modules.dispose();
      opened.close();
      raw.close();
    },
  };
}

function adapterContents(
  dir: string,
  { adapter, method, config }: UnplannedAdapter,
  baseFolder: string | null,
  all: AdapterModules,
): AdapterContents {
  const entriesOf = (tensors: ReadonlyMap<string, PeftTensor>): readonly (readonly [string, TensorEntry])[] =>
    [...tensors].map(([name, tensor]) => [name, entryOf(name, tensor)] as const);
  const modules = all.names.map((module): AdapterModuleEntry => {
    const tensors = Object.fromEntries(
      entriesOf(all.tensorsOf(module)).map(([name, entry]) => [name, { ...entry, role: all.roleOf(module, name) }]),
    );
    const parameters = all.parametersOf(module);
    return { module, layer: blockOf(module), shape: all.shapeOf(module), parameters, tensors };
  });
  const shared = entriesOf(adapter.tensors.get(SHARED_MODULE) ?? new Map()).map(([, entry]) => entry);
  const extra = entriesOf(all.extra).map(([, entry]) => entry);
  const everything = [...modules.flatMap(({ tensors }) => Object.values(tensors)), ...shared, ...extra];
  const trainedInFull = extra.reduce((n, { shape }) => n + (elementCount(shape) ?? 0), 0);
  return {
    kind: 'adapter',
    path: dir,
    base: adapter.config.base_model_name_or_path,
    baseFolder,
    method: { id: method.id, label: method.label },
    config,
    parameters: modules.reduce((n, { parameters }) => n + parameters, trainedInFull),
    bytes: everything.reduce((n, { bytes }) => n + bytes, 0),
    modules,
    saved: [...shared, ...extra],
    delta: deltaOf(all),
    warnings: adapter.warnings,
  };
}

function deltaOf(all: AdapterModules): DeltaAvailability {
  if (all.lacksShared) return 'shared-missing';
  return all.names.some((module) => all.isKnown(module)) ? 'available' : 'base-missing';
}

function entryOf(name: string, { key = name, dtype = 'F32', shape }: PeftTensor): TensorEntry {
  return { name: key, dtype, shape, bytes: ((elementCount(shape) ?? 0) * DTYPE_BITS[dtype]) / 8 };
}

async function spectrumOf(modules: AdapterModules, module: string): Promise<ModuleSpectrum> {
  const { tensors, update } = await inspectModule(modules, module);
  const norms = Object.fromEntries(
    Object.entries(tensors).flatMap(([name, { norm, role }]) => (role === 'copy' ? [] : [[name, norm] as const])),
  );
  if (!update) return { module, norms, delta: null, singular_values: [] };
  const { singular_values: values, ...delta } = update;
  return { module, norms, delta: { ...delta, largest: values[0] ?? 0 }, singular_values: values };
}
