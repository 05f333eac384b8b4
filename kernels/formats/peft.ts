/**
 * @file PEFT's adapter folders for LoRA, in and out: `adapter_config.json` and `adapter_model.safetensors`. Knows JSON and
 * key names; what the tensors mean is the adapter method's business.
 */
import { existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import * as l10n from '@vscode/l10n';
import { KernelError, type Problem } from '../protocol/errors';
import { makeFolders, writeFileAtomic } from './atomicFile';
import type { FloatDtype } from './dtype';
import { isFloatDtype } from './dtype';
import { readJsonObject } from './jsonFile';
import { parsePeftConfig, printPeftConfig, type PeftLoraConfig } from './peftConfig';
import type { LoraParameter, PeftKey } from './peftKeys';
import { embeddingName, linearName, parsePeftKey, peftCheckpointKey, peftParameterKey } from './peftKeys';
import { openSafetensors, type SafetensorsFile, type TensorInfo } from './safetensors';
import { canonicalOrder, shapeText } from './safetensorsHeader';
import { SafetensorsWriter } from './safetensorsWriter';

export { newPeftLoraConfig, type PeftLoraConfig } from './peftConfig';
export type { LoraParameter } from './peftKeys';

const CONFIG_FILE = 'adapter_config.json';
const WEIGHTS_FILE = 'adapter_model.safetensors';
const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

export interface PeftTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** Type in the file; F32 unless told. Narrower ones are rounded when written. */
  readonly dtype?: FloatDtype;
  /** Its name in the file it was read from. */
  readonly key?: string;
}

export interface PeftWeights {
  /** Module path as in the checkpoint → parameter → tensor. Factors of embeddings are named as those of linear layers. */
  readonly tensors: ReadonlyMap<string, ReadonlyMap<LoraParameter, PeftTensor>>;
  /** Tensors of the base model that were trained in full (modules_to_save, biases, embeddings), by checkpoint name. */
  readonly extra: ReadonlyMap<string, PeftTensor>;
  /** Modules that are embeddings: files name their factors in another way. Absent: none. */
  readonly embeddings?: ReadonlySet<string>;
  /** Frozen weights of adapted modules, by module: PEFT stores those of an adapted embedding or head once more. */
  readonly baseWeights?: ReadonlyMap<string, PeftTensor>;
}

export interface PeftAdapter extends PeftWeights {
  readonly config: PeftLoraConfig;
  /** All of `adapter_config.json`, also the keys that are not in `config`. */
  readonly rawConfig: Readonly<Record<string, unknown>>;
  /** The text of that file, from which a rewrite keeps foreign keys as they were. */
  readonly configText: string;
  readonly warnings: readonly Problem[];
}

/** Whether a folder claims to be an adapter; says nothing about whether it can be read. */
export function isPeftAdapter(dir: string): boolean {
  return existsSync(join(dir, CONFIG_FILE));
}

/** Reads only the configuration of an adapter folder; errors as in `readPeftAdapter`. */
export function readPeftConfig(dir: string): Pick<PeftAdapter, 'config' | 'rawConfig' | 'configText' | 'warnings'> {
  const folder = resolve(dir);
  const inRun = isPeftAdapter(folder) ? undefined : adapterOfRun(folder);
  if (inRun) throw refusedFolder(folder, ...inRun);
  const file = join(folder, CONFIG_FILE);
  const { text } = readJsonObject(file, l10n.t("expected an adapter's configuration"));
  const { config, raw, text: configText, warnings } = parsePeftConfig(text, file);
  return { config, rawConfig: raw, configText, warnings };
}

/**
 * Reads an adapter folder, tensors converted to float32. Throws `input/refused` when it is no adapter folder,
 * `format/invalid` with all problems of its files, `adapter/unsupported` when it is not a LoRA of the kinds known here.
 */
export function readPeftAdapter(dir: string): PeftAdapter {
  const { close, tensors, extra, baseWeights = new Map(), ...config } = openPeftAdapter(dir);
  // A copy of an opened tensor holds its values.
  const read = <K>(from: ReadonlyMap<K, PeftTensor>): Map<K, PeftTensor> =>
    new Map([...from].map(([name, tensor]) => [name, { ...tensor }]));
  try {
    return {
      ...config,
      tensors: new Map([...tensors].map(([module, parameters]) => [module, read(parameters)])),
      extra: read(extra),
      baseWeights: read(baseWeights),
    };
  } finally {
    close();
  }
}

/**
 * The same checks and errors without reading the values: `data` of a tensor is read anew each time it is asked for, so that
 * an adapter of any size needs the memory of one tensor. The caller closes it.
 */
export function openPeftAdapter(dir: string): PeftAdapter & { readonly close: () => void } {
  const folder = resolve(dir);
  refuseOtherFolders(folder);
  const config = readPeftConfig(folder);
  const file = openSafetensors(join(folder, WEIGHTS_FILE));
  try {
    return { ...config, ...describeWeights(file, config.config), close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Writes an adapter folder as PEFT 0.21 does: its key names, order of tensors and keys, metadata. The folder is made when
 * missing; each file is replaced as a whole, the weights first. `preserve` is the `configText` of the adapter this one comes
 * from, whose foreign keys are kept.
 */
export function writePeftAdapter(
  dir: string,
  adapter: PeftWeights & { readonly config: PeftLoraConfig },
  preserve?: string,
): void {
  const folder = resolve(dir);
  const configText = printPeftConfig(adapter.config, preserve);
  makeFolders(folder);
  writeWeights(join(folder, WEIGHTS_FILE), adapter, adapter.config.peft_type === 'BASE_TENSORS');
  writeFileAtomic(join(folder, CONFIG_FILE), configText);
}

function refuseOtherFolders(folder: string): void {
  const refuse = (found: string, expected: string): never => {
    throw refusedFolder(folder, found, expected);
  };
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    const gone = checkpointThatIsGone(folder);
    if (gone !== undefined) refuse(...gone);
    refuse(
      l10n.t('there is no such folder'),
      l10n.t('expected an adapter folder with {0} and {1}', CONFIG_FILE, WEIGHTS_FILE),
    );
  }
  if (isThere(join(folder, WEIGHTS_FILE))) return;
  const inRun = adapterOfRun(folder);
  if (inRun !== undefined) refuse(...inRun);
  const pickles = readdirSync(folder).filter((name) => PICKLE.test(name));
  if (pickles.length === 0) refuse(l10n.t('no adapter weights'), l10n.t('expected {0}', WEIGHTS_FILE));
  const advice = l10n.t(
    'pickle files can run code when read and are never opened here: save the adapter again with PEFT',
  );
  refuse(
    l10n.t('only pickle weights ({0})', pickles.slice(0, 3).join(', ')),
    l10n.t('expected {0}; {1}', WEIGHTS_FILE, advice),
  );
}

const refusedFolder = (file: string, found: string, expected: string): KernelError =>
  KernelError.refused([{ file, severity: 'error', found, expected }]);

/** A run typed for its adapter: what was found and where the adapter is; undefined for any other folder. */
export function adapterOfRun(folder: string): readonly [found: string, expected: string] | undefined {
  if (!existsSync(join(folder, 'run.json'))) return undefined;
  const checkpoints = join(folder, 'checkpoints');
  const names = statSync(checkpoints, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(checkpoints) : [];
  const steps = names.filter((name) => /^step-\d+$/.test(name)).sort();
  const places = [join(folder, 'adapter'), ...steps.reverse().map((step) => join(checkpoints, step))];
  const adapter = places.find((place) => isPeftAdapter(place));
  const found = l10n.t('this is the folder of a run');
  if (adapter === undefined) return [found, l10n.t('expected an adapter folder; this run has saved none yet')];
  return [found, l10n.t('expected an adapter folder; that of this run is {0}', adapter)];
}

/** A checkpoint that its run has removed, or never made, and which ones there are. */
export function checkpointThatIsGone(folder: string): readonly [found: string, expected: string] | undefined {
  const parent = dirname(folder);
  if (!/^step-\d+$/.test(basename(folder)) || !existsSync(join(dirname(parent), 'run.json'))) return undefined;
  const names = statSync(parent, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(parent) : [];
  const steps = names.flatMap((name) => (/^step-\d+$/.test(name) ? [Number(name.slice(5))] : [])).sort((a, b) => a - b);
  const found = l10n.t('this checkpoint is not there, or not any more: a run removes those that it does not keep');
  if (steps.length === 0) return [found, l10n.t('expected a checkpoint; this run has none')];
  return [found, l10n.t('expected one of the steps that the run has: {0}', steps.join(', '))];
}

/** Also a link that leads to nothing, so that opening it can say so. */
const isThere = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

function describeWeights(file: SafetensorsFile, config: PeftLoraConfig): PeftWeights {
  const problems: Problem[] = [];
  const add = (where: string, found: string, expected: string): void =>
    void problems.push({ file: file.path, where, severity: 'error', found, expected });
  const adapterName = findAdapterName(file, add);

  const tensors = new Map<string, Map<LoraParameter, PeftTensor>>();
  const extra = new Map<string, PeftTensor>();
  const embeddings = new Set<string>();
  const baseWeights = new Map<string, PeftTensor>();
  for (const info of file.tensors.values()) {
    const key = parsePeftKey(info.name, adapterName);
    if (key.kind === 'unknown') {
      add(
        info.name,
        l10n.t('a tensor of an adapter that is not known here'),
        l10n.t('expected lora_A, lora_B, lora_magnitude_vector, …'),
      );
      continue;
    }
    if (!isFloatDtype(info.dtype)) {
      add(info.name, l10n.t('{0} values', info.dtype), l10n.t('expected F32, F16, BF16 or F64'));
      continue;
    }
    const { name, dtype } = info;
    const tensor: PeftTensor = {
      shape: shapeOf(info, key),
      dtype,
      key: name,
      get data() {
        return file.readF32(name);
      },
    };
    const base = BASE_WEIGHT.exec(name)?.[1];
    if (base !== undefined) baseWeights.set(base, tensor);
    else if (key.kind === 'checkpoint') {
      const other = extra.get(key.name);
      // With `bias: all`, PEFT writes the biases of a module that is saved whole a second time.
      if (other && !isSameTensor(other, tensor))
        add(info.name, l10n.t('a second tensor for {0}', key.name), l10n.t('expected one'));
      extra.set(key.name, tensor);
    } else {
      const module = tensors.get(key.module) ?? new Map<LoraParameter, PeftTensor>();
      const parameter = linearName(key.parameter);
      if (parameter !== key.parameter) embeddings.add(key.module);
      if (module.has(parameter))
        add(info.name, l10n.t('a second {0} of {1}', parameter, key.module), l10n.t('expected one'));
      tensors.set(key.module, module.set(parameter, tensor));
    }
  }
  // MoRA's one matrix goes under the name of the first factor.
  if (config.use_mora !== true) for (const [module, parameters] of tensors) checkFactors(module, parameters, add);
  if (tensors.size === 0 && extra.size === 0)
    add('header', l10n.t('holds no tensors'), l10n.t('expected those of an adapter'));
  if (problems.length > 0) throw KernelError.invalid(problems);
  return { tensors, extra, embeddings, baseWeights };
}

const BASE_WEIGHT = /^(?:base_model\.model\.)?(.+)\.base_layer\.weight$/;

function isSameTensor(a: PeftTensor, b: PeftTensor): boolean {
  if (a.shape.join() !== b.shape.join()) return false;
  const [values, others] = [a.data, b.data];
  return values.every((value, i) => Object.is(value, others[i]));
}

type AddProblem = (where: string, found: string, expected: string) => void;

/** Older files keep the adapter's name in their keys; one file then holds one adapter. */
function findAdapterName(file: SafetensorsFile, add: AddProblem): string | undefined {
  const names = new Set<string>();
  for (const name of file.tensors.keys()) {
    const key = parsePeftKey(name);
    if (key.kind === 'parameter' && key.adapterName !== undefined) names.add(key.adapterName);
  }
  const [first, ...others] = names;
  if (others.length > 0)
    add('keys', l10n.t('adapters named {0}', [...names].join(', ')), l10n.t('expected the tensors of one adapter'));
  return first;
}

/** The DoRA authors store magnitudes as a column [out, 1]; here they are a vector, as in PEFT. */
function shapeOf({ shape }: TensorInfo, key: PeftKey): readonly number[] {
  const isColumn = key.kind === 'parameter' && key.parameter === 'lora_magnitude_vector' && shape.length === 2;
  return isColumn && shape[1] === 1 ? shape.slice(0, 1) : shape;
}

/** The two factors of a module come together and share the rank. */
function checkFactors(module: string, parameters: ReadonlyMap<LoraParameter, PeftTensor>, add: AddProblem): void {
  const [a, b] = [parameters.get('lora_A'), parameters.get('lora_B')];
  if (!a && !b) return;
  if (!a || !b) {
    const [found, missing] = a ? ['lora_A', 'lora_B'] : ['lora_B', 'lora_A'];
    add(module, l10n.t('{0} alone', found ?? ''), l10n.t('expected {0} beside it', missing ?? ''));
  } else if (a.shape.length !== 2 || b.shape.length !== 2 || a.shape[0] !== b.shape[1]) {
    const found = l10n.t('{0} {1} and {2} {3}', 'lora_A', shapeText(a.shape), 'lora_B', shapeText(b.shape));
    add(module, found, l10n.t('expected {0} [rank, in] and {1} [out, rank]', 'lora_A', 'lora_B'));
  }
}

/** `isPlain`: base tensors under the checkpoint's own names, not those of a PEFT model. */
function writeWeights(path: string, adapter: PeftWeights, isPlain: boolean): void {
  const { tensors, extra, embeddings, baseWeights = new Map<string, PeftTensor>() } = adapter;
  const named = new Map<string, PeftTensor>();
  for (const [module, parameters] of tensors) {
    for (const [parameter, tensor] of parameters) {
      const own = embeddings?.has(module) ? embeddingName(parameter) : parameter;
      named.set(peftParameterKey(module, own), tensor);
    }
  }
  for (const [module, tensor] of baseWeights) named.set(`base_model.model.${module}.base_layer.weight`, tensor);
  for (const [name, tensor] of extra) named.set(isPlain ? name : peftCheckpointKey(name, tensors), tensor);
  const specs = [...named].map(([name, { shape, dtype }]) => ({ name, shape, dtype: dtype ?? ('F32' as const) }));
  const writer = SafetensorsWriter.create(path, canonicalOrder(specs), { metadata: new Map([['format', 'pt']]) });
  try {
    for (const [name, { data }] of named) writer.writeF32(name, data);
    writer.commit();
  } catch (error) {
    writer.abort();
    throw error;
  }
}
