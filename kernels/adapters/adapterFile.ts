/**
 * @file Adapter folders ↔ a plan and its tensors. formats/peft.ts knows JSON and key names; here they meet the adapter
 * method, its configuration and the model the adapter is for.
 */
import * as l10n from '@vscode/l10n';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { makeFolders } from '../formats/atomicFile';
import type { FloatDtype } from '../formats/dtype';
import { nonFiniteIn, nonFiniteProblem } from '../formats/nonFinite';
import type { LoraParameter, PeftAdapter, PeftLoraConfig, PeftTensor, PeftWeights } from '../formats/peft';
import { newPeftLoraConfig, openPeftAdapter, readPeftAdapter, readPeftConfig, writePeftAdapter } from '../formats/peft';
import type { Problem } from '../protocol/errors';
import { formatProblem, KernelError } from '../protocol/errors';
import type { Fields } from '../util/fields';
import { withDefaults } from '../util/fields';
import { seededUniform } from '../util/mt19937';
import { labelsById } from './adapterTask';
import type { AdaptedLayer, AdapterPlan, PlannedModel, PlannedTensor } from './plan';
import type { IdleOption } from './idleOptions';
import { planAdapter, SHARED_MODULE } from './plan';
import { hasRestarts, readRestarts, writeRestarts } from './restartFiles';
import type { RestartHistory } from './restarts';
import { restartedTensors } from './restarts';
import { adapterMethods } from './registry';
import { alphaPatternField, selectionFields } from './selectionFields';
import { storedAdapter } from './storedAdapter';
import type { TensorValues } from './storedAdapter';
import { savesModule } from './targets';
import { tensorMisfits } from './tensorMisfits';
import type { AnyAdapterMethod } from './types';

type Config = Readonly<Record<string, unknown>>;

/** The fields of a method whose own types are its own business. */
const fieldsOf = (method: AnyAdapterMethod): Fields => method.config as Fields;

export type { TensorValues } from './storedAdapter';

export interface SaveOptions {
  /** Written as `base_model_name_or_path`. */
  readonly baseModelPath: string;
  /** Text of the adapter_config.json this adapter comes from: what it says beside the method's fields is kept. */
  readonly preserve?: string;
  /** Element type of the adapter's own tensors; F32 unless told. */
  readonly dtype?: FloatDtype;
  /** What was merged into the base before this adapter began; it is written beside it. */
  readonly restarts?: RestartHistory;
}

/** Writes a folder that PEFT loads. Each file is replaced as a whole. */
export function saveAdapter(dir: string, trained: AdapterPlan, parameters: TensorValues, options: SaveOptions): void {
  const { dtype = 'F32' } = options;
  const { plan, pack } = storedAdapter(trained);
  const values = pack(parameters);
  const tensors = new Map<string, Map<LoraParameter, PeftTensor>>();
  const extra = new Map<string, PeftTensor>();
  for (const { key, kind, module, param, shape } of [...plan.trained, ...plan.frozen]) {
    const data = values.get(key);
    if (!data) throw new KernelError('internal', `no values for ${key}`);
    if (kind === 'base') extra.set(key, { shape, data });
    else {
      const parameters = tensors.get(module) ?? new Map<LoraParameter, PeftTensor>();
      // formats/peft.ts holds the names of every method's parameters; a method whose names it does not know fails its suite.
      tensors.set(module, parameters.set(param as LoraParameter, { shape, data, dtype }));
    }
  }
  for (const parameters of tensors.values()) {
    for (const [copy, param] of copiesOf(plan.method)) {
      const tensor = parameters.get(param);
      if (tensor) parameters.set(copy, tensor);
    }
  }
  if (options.restarts) {
    makeFolders(dir);
    writeRestarts(dir, plan, options.restarts);
  }
  const embeddings = new Set(plan.layers.flatMap(({ site }) => (site.kind === 'embedding' ? [site.path] : [])));
  writePeftAdapter(dir, { config: peftConfig(plan, options), tensors, extra, embeddings }, options.preserve);
}

/** Tensors that a method's files hold twice: [the other name, the parameter]. */
const copiesOf = ({ copies = {} }: AnyAdapterMethod): readonly (readonly [LoraParameter, LoraParameter])[] =>
  Object.entries(copies as Readonly<Record<string, string>>) as [LoraParameter, LoraParameter][];

export interface LoadedAdapter {
  readonly method: AnyAdapterMethod;
  /** The method's own configuration, defaults filled in. */
  readonly config: Config;
  readonly plan: AdapterPlan;
  /** Values of every tensor of the plan, by key. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** All of adapter_config.json, and its text for `SaveOptions.preserve`. */
  readonly rawConfig: Config;
  readonly configText: string;
  readonly warnings: readonly Problem[];
  /** What has to be merged into the base model before the adapter is put on it; null: nothing. */
  readonly restarts: RestartHistory | null;
}

export interface LoadOptions {
  /**
   * Takes an adapter of a run with restarts too, whose base model is another one than the checkpoint: the caller looks at
   * `restarts`. Without it such an adapter is refused, because its tensors alone are not the model that was trained.
   */
  readonly takesRestarts?: boolean;
}

/**
 * Reads an adapter folder and plans it on `model`. Throws `input/refused` or `format/invalid` for a folder that is none,
 * `adapter/unsupported` with what is supported for another method or option, and when a tensor does not fit the model.
 */
export function loadAdapter(
  dir: string,
  model: PlannedModel,
  { takesRestarts = false }: LoadOptions = {},
): LoadedAdapter {
  const { adapter, method, config: written, close } = openAdapter(dir, model.architecture.defaultTargetModules);
  try {
    const file = path.join(dir, 'adapter_config.json');
    const config = withStoredHead(method, written, model, adapter);
    const warnings: Problem[] = [...adapter.warnings];
    const onIdle = ({ key, found, expected }: IdleOption): void =>
      void warnings.push({ file, where: key, severity: 'warning', found, expected });
    const plan = naming(file, () => planAdapter(method, config, model, onIdle));
    if (adapter.config.fan_in_fan_out && plan.layers.every(({ site }) => site.layout === 'out-in')) {
      const expected = l10n.t('expected false: this model stores its weights as [out, in]; it has no effect');
      warnings.push({ file, where: 'fan_in_fan_out', severity: 'warning', found: l10n.t('is true'), expected });
    }
    refuseOtherTables(dir, plan, adapter, model);
    const parameters = takeTensors(dir, plan, adapter, l10n.t('is this adapter for another base model?'));
    const { rawConfig, configText } = adapter;
    const restarts = restartsOf(dir, adapter, plan);
    if (restarts && !takesRestarts) {
      const found = l10n.t('belongs to cycle {0} of a run with restarts (ReLoRA)', restarts.state.cycle);
      const expected = l10n.t('expected an adapter for the untouched base model; merge it into its base first');
      throw unsupported(dir, found, expected);
    }
    return { method, config, plan, parameters, rawConfig, configText, warnings, restarts };
  } finally {
    close();
  }
}

/**
 * PEFT trains the head of a SEQ_CLS model beside every adapter and stores it; older versions add it to modules_to_save of the
 * model alone and not of the file. A head that is there as a whole was trained.
 */
function withStoredHead(
  method: AnyAdapterMethod,
  config: Config,
  { head }: PlannedModel,
  { extra }: PeftWeights,
): Config {
  const { base, modulesToSave } = method.selection(config);
  if (head.kind === 'next-token' || base || savesModule(modulesToSave, head.path)) return config;
  const isStored = head.modules.get(head.path)?.every(({ name }) => extra.has(name)) ?? false;
  return isStored ? { ...config, modules_to_save: [...modulesToSave, head.path] } : config;
}

/**
 * Starts a plan from another adapter's factors, or from its own checkpoint. Every tensor of that adapter must have its
 * place in the plan, with the same shape and meaning; tensors trained in full that it does not have keep their start.
 */
export function loadInto(dir: string, plan: AdapterPlan, values: { get(key: string): Float32Array }): void {
  const { adapter, method, config } = readAdapter(dir);
  if (method !== plan.method) {
    throw unsupported(
      dir,
      l10n.t('this holds a {0} adapter', method.label),
      l10n.t('expected {0} to start from', plan.method.label),
    );
  }
  const { plan: stored, unpack } = storedAdapter(plan);
  for (const layer of stored.layers) refuseOtherMeaning(dir, layer, method, config);
  const { modulesToSave, bias, base } = method.selection(config);
  const isOptional = ({ kind, module, param }: PlannedTensor): boolean =>
    kind === 'base' && !base && !savesModule(modulesToSave, module) && !(bias !== 'none' && param === 'bias');
  const advice = l10n.t('give the new adapter the same targets and ranks');
  const taken = unpack(takeTensors(dir, stored, adapter, advice, isOptional));
  for (const [key, data] of taken) values.get(key).set(data);
}

/** Errors as `readRestarts`. */
export function restartsOf(
  dir: string,
  { config }: Pick<PeftAdapter, 'config'>,
  plan: AdapterPlan,
): RestartHistory | null {
  const marked = config.relora?.['cycle'];
  return hasRestarts(dir, marked)
    ? readRestarts(dir, { config: plan.config, tensors: restartedTensors(plan) }, marked)
    : null;
}

/** An adapter folder as its method understands it, before it meets a model. */
export interface UnplannedAdapter {
  readonly adapter: PeftAdapter;
  readonly method: AnyAdapterMethod;
  /** The method's own configuration, defaults filled in. */
  readonly config: Config;
}

/** Errors as `loadAdapter`, but for those about the model. */
export function readAdapter(dir: string, defaultTargetModules: readonly string[] = []): UnplannedAdapter {
  return understood(dir, readPeftAdapter(dir), defaultTargetModules);
}

/** The same with tensors that are read when they are asked for, as in `openPeftAdapter`. The caller closes it. */
export function openAdapter(
  dir: string,
  defaultTargetModules: readonly string[] = [],
): UnplannedAdapter & { readonly close: () => void } {
  const adapter = openPeftAdapter(dir);
  try {
    return { ...understood(dir, adapter, defaultTargetModules), close: adapter.close };
  } catch (error) {
    adapter.close();
    throw error;
  }
}

function understood(dir: string, adapter: PeftAdapter, defaultTargetModules: readonly string[]): UnplannedAdapter {
  const file = path.join(dir, 'adapter_config.json');
  const method = methodOf(adapter, file);
  const config = methodConfig(method, adapter.config, defaultTargetModules);
  const misfits = naming(file, () =>
    tensorMisfits(path.join(dir, 'adapter_model.safetensors'), method, config, adapter.tensors),
  );
  if (misfits.length > 0) throw KernelError.invalid(misfits);
  return { adapter, method, config };
}

/** Runs `work`, which knows the fields of an adapter but not the file they stand in: its refusals are given the file. */
function naming<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!KernelError.is(error, 'adapter/unsupported') && !KernelError.is(error, 'input/refused')) throw error;
    const [found = '', ...expected] = error.message.split('; ');
    const own = {
      file,
      severity: 'error',
      found,
      expected: expected.join('; ') || l10n.t('expected something else'),
    } as const;
    const problems = error.problems.length > 0 ? error.problems.map((p) => inFile(p, file)) : [own];
    throw new KernelError(error.code, problems.map(formatProblem).join('\n'), { cause: error, problems });
  }
}

/** The keys of a configuration's adapter section are those of the file. */
function inFile(problem: Problem, file: string): Problem {
  if (problem.file !== '') return problem;
  const { where } = problem;
  return { ...problem, file, ...(where !== undefined && { where: where.replace(/^adapter\./, '') }) };
}

/** The text of an adapter's configuration, for `SaveOptions.preserve`. */
export const adapterConfigText = (dir: string): string => readPeftConfig(dir).configText;

/** The base model an adapter names, as written in its configuration. */
export function namedBaseModel(dir: string): string | null {
  return readPeftConfig(dir).config.base_model_name_or_path;
}

/** The same when it is a folder: absolute, or relative to the adapter or to where we are. */
export function findBaseModel(dir: string): string | null {
  const name = namedBaseModel(dir);
  if (name === null) return null;
  const places = [path.resolve(dir, name), path.resolve(name)];
  return places.find((place) => existsSync(path.join(place, 'config.json'))) ?? null;
}

/** The same factors under another alpha are another update. */
function refuseOtherMeaning(
  dir: string,
  { site, config: here }: AdaptedLayer,
  method: AnyAdapterMethod,
  config: Config,
): void {
  const there = method.configOf(site, config) as Config;
  for (const [name, { isTrainingOnly }] of Object.entries(fieldsOf(method))) {
    // Patterns have been applied to the rank and alpha of the layer.
    if (isTrainingOnly || name in selectionFields || name in alphaPatternField || there[name] === here[name]) continue;
    const found = l10n.t('is {0} for {1}', String(there[name]), site.path);
    const expected = l10n.t('expected {0}, as here: the same factors would mean another update', String(here[name]));
    throw unsupported(path.join(dir, 'adapter_config.json'), found, expected, name);
  }
}

/**
 * PEFT stores the frozen weight of an adapted embedding or head once more, and would load it over the base's. It must be that
 * of the base, as far as a rounding to 16 bits tells; else tokens were added, or it is another model.
 */
function refuseOtherTables(dir: string, plan: AdapterPlan, { baseWeights }: PeftWeights, model: PlannedModel): void {
  for (const [module, { data, shape, key = module }] of baseWeights ?? []) {
    const site = plan.layers.find((l) => l.site.path === module)?.site;
    if (!site) {
      const file = path.join(dir, 'adapter_model.safetensors');
      throw unsupported(
        file,
        l10n.t('a frozen weight of {0}, which is not adapted', module),
        l10n.t('expected none'),
        key,
      );
    }
    if (!model.checkpoint) continue;
    const own = model.checkpoint.readF32(site.weight);
    const isSame = data.length === own.length && data.every((v, i) => isRounded(v, own[i] ?? NaN));
    if (isSame) continue;
    const file = path.join(dir, 'adapter_model.safetensors');
    const found = l10n.t("a frozen weight [{0}] that is not the base model's", shape.join(', '));
    const expected = l10n.t('expected {0} of the base model; were tokens added to it?', site.weight);
    throw unsupported(file, found, expected, key);
  }
}

/** bfloat16 keeps 8 bits. */
const isRounded = (a: number, b: number): boolean => Math.abs(a - b) <= 2 ** -8 * Math.abs(b) + 1e-7;

/** Every tensor of the plan from the file, and none of the file left over. */
function takeTensors(
  dir: string,
  plan: AdapterPlan,
  { tensors, extra, config }: PeftWeights & Pick<PeftAdapter, 'config'>,
  advice: string,
  isOptional: (tensor: PlannedTensor) => boolean = () => false,
): ReadonlyMap<string, Float32Array> {
  const weights = path.join(dir, 'adapter_model.safetensors');
  const taken = new Map<string, Float32Array>();
  const problems: Problem[] = [];
  const add = (where: string, found: string, expected: string): void =>
    void problems.push({ file: dir, where, severity: 'error', found, expected });
  for (const planned of [...plan.trained, ...plan.frozen]) {
    const { key, kind, module, param, shape } = planned;
    const stored = kind === 'base' ? extra.get(key) : tensors.get(module)?.get(param as LoraParameter);
    const found = stored ?? drawnAgain(planned, config);
    const name = l10n.t('{0} of {1}', param, module);
    const expected = l10n.t('expected [{0}]', shape.join(', '));
    if (!found) {
      if (!isOptional(planned)) add(name, l10n.t('is missing'), expected);
    } else if (found.shape.join() !== shape.join()) {
      add(name, l10n.t('is [{0}]', found.shape.join(', ')), expected);
    } else {
      // Read here at the earliest: a tensor that has no place may be of any size.
      const { data } = found;
      const wrong = nonFiniteIn(data);
      if (wrong) problems.push(nonFiniteProblem(weights, found.key ?? name, shape, wrong));
      else taken.set(key, data);
    }
  }
  const known = new Set([...plan.trained, ...plan.frozen].map((t) => t.key));
  for (const [module, parameters] of tensors) {
    const copies = new Map(copiesOf(plan.method));
    for (const [param, tensor] of parameters) {
      const original = parameters.get(copies.get(param) ?? param);
      if (copies.has(param) && known.has(`${module}.${copies.get(param)}`)) {
        if (!original || !isSame(original, tensor)) {
          add(
            l10n.t('{0} of {1}', param, module),
            l10n.t('differs from {0}', copies.get(param) ?? ''),
            l10n.t('expected the same values, as it is its copy'),
          );
        }
      } else if (!known.has(`${module}.${param}`)) {
        add(
          l10n.t('{0} of {1}', param, module),
          l10n.t("has no place in this model's plan"),
          l10n.t('expected an adapted layer of the model'),
        );
      }
    }
  }
  for (const name of extra.keys()) {
    // PEFT writes the untrained original of a saved module too when biases are trained.
    if (known.has(name) || name.includes('.original_module.')) continue;
    const own = l10n.t('expected the tensors that {0} trains in this model, and no others', plan.method.label);
    const expected = plan.selection.base ? own : l10n.t('expected it to be named by modules_to_save or bias');
    add(name, l10n.t('is stored with the adapter'), expected);
  }
  if (problems.length === 0) return taken;
  const shown = problems.slice(0, MOST_SHOWN).map(formatProblem);
  const more = problems.length > MOST_SHOWN ? [l10n.t('and {0} more', problems.length - MOST_SHOWN)] : [];
  // Values that are not finite say nothing about what it fits.
  const isMisfit = problems.some(({ file }) => file === dir);
  const message = [...shown, ...more, ...(isMisfit ? [advice] : [])].join('\n');
  throw new KernelError('adapter/unsupported', message, { problems });
}

/** With `save_projection: false` PEFT stores the seed of VeRA's shared matrices in their place. */
function drawnAgain(
  { module, shape, size, start }: PlannedTensor,
  { save_projection }: PeftLoraConfig,
): PeftTensor | undefined {
  if (save_projection || module !== SHARED_MODULE || start.kind !== 'torchUniform') return undefined;
  return { shape, data: seededUniform(new Float32Array(size), start) };
}

function isSame(a: PeftTensor, b: PeftTensor): boolean {
  if (a.shape.join() !== b.shape.join()) return false;
  const [values, others] = [a.data, b.data];
  return values.every((value, i) => Object.is(value, others[i]));
}

const MOST_SHOWN = 10;

/** The method whose marks the configuration bears. */
function methodOf({ config, rawConfig }: Pick<PeftAdapter, 'config' | 'rawConfig'>, file: string): AnyAdapterMethod {
  const values: Config = { ...rawConfig, ...config };
  const isMarked = ({ ownKeys }: AnyAdapterMethod): boolean => !ownKeys || isObject(values[ownKeys.name]);
  const differing = (method: AnyAdapterMethod): readonly string[] =>
    Object.entries(method.peft).flatMap(([key, value]) => (values[key] === value ? [] : [key]));
  const candidates = adapterMethods
    .filter(isMarked)
    .map((method) => ({ method, keys: differing(method) }))
    .sort(byCount);
  const [best] = candidates;
  if (best?.keys.length === 0) {
    // `false` only says what the adapter is not.
    const marks = ({ method }: typeof best): number =>
      Object.values(method.peft).filter((value) => value !== false).length + (method.ownKeys ? 1 : 0);
    return (
      candidates.filter(({ keys }) => keys.length === 0).sort((a, b) => marks(b) - marks(a))[0]?.method ?? best.method
    );
  }
  const found = best?.keys.map((key) => l10n.t('{0} is {1}', key, JSON.stringify(values[key]))).join(', ');
  const supported = adapterMethods.map(({ label, peft }) => `${label} (${describe(peft)})`).join(', ');
  throw unsupported(file, found ?? l10n.t('is of no known method'), l10n.t('expected {0}', supported));
}

const isObject = (value: unknown): value is Config => typeof value === 'object' && value !== null;

const byCount = (a: { readonly keys: readonly string[] }, b: { readonly keys: readonly string[] }): number =>
  a.keys.length - b.keys.length;

const describe = (marks: Readonly<Record<string, string | boolean>>): string =>
  Object.entries(marks)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

/** The method's fields out of PEFT's; PEFT's null and empty list are our absent. */
function methodConfig(method: AnyAdapterMethod, peft: PeftLoraConfig, defaultTargetModules: readonly string[]): Config {
  const { ownKeys } = method;
  const own = ownKeys && (peft as Config)[ownKeys.name];
  const values: Config = {
    ...peft,
    ...(ownKeys && isObject(own) && ownKeys.read(own)),
    target_modules: peft.target_modules ?? defaultTargetModules,
  };
  const given = Object.entries(fieldsOf(method)).flatMap(([name, { peftKey = name }]) => {
    const value = values[peftKey];
    return value === null || value === undefined || (Array.isArray(value) && value.length === 0) ? [] : [[name, value]];
  });
  return withDefaults(fieldsOf(method), Object.fromEntries(given) as Config);
}

function peftConfig(plan: AdapterPlan, { baseModelPath, preserve, restarts }: SaveOptions): PeftLoraConfig {
  const { method, config } = plan;
  const before = preserve === undefined ? {} : (JSON.parse(preserve) as Partial<PeftLoraConfig>);
  const inPeft = newPeftLoraConfig({});
  const fields = Object.entries(fieldsOf(method)).flatMap(([name, { peftKey = name }]) =>
    peftKey in inPeft ? [[peftKey, config[name] ?? null]] : [],
  );
  return {
    ...newPeftLoraConfig({ task_type: plan.task.kind === 'next-token' ? 'CAUSAL_LM' : 'SEQ_CLS', ...before }),
    ...(Object.fromEntries(fields) as Partial<PeftLoraConfig>),
    ...(plan.task.kind !== 'next-token' && {
      modules_to_save: plan.selection.modulesToSave,
      id2label: labelsById(plan.task),
    }),
    ...method.peft,
    ...(method.ownKeys && { [method.ownKeys.name]: method.ownKeys.write(config) }),
    ...(restarts && { relora: { cycle: restarts.state.cycle } }),
    base_model_name_or_path: baseModelPath,
    target_modules: writtenTargets(plan),
    fan_in_fan_out: plan.layers.some(({ site }) => site.layout === 'in-out'),
    inference_mode: true,
    // The matrices are always stored, so that nobody has to draw them again to the bit.
    save_projection: true,
  };
}

/**
 * `all-linear` is written as the names it stands for, as PEFT does, and so is a regular expression that PEFT would not take
 * beside `layers_to_transform`: the whole paths of the adapted layers.
 */
function writtenTargets({ selection, layers }: AdapterPlan): string | readonly string[] {
  const { targetModules, layersToTransform } = selection;
  const isResolved =
    targetModules !== 'all-linear' && (typeof targetModules !== 'string' || layersToTransform === null);
  return isResolved ? targetModules : layers.map(({ site }) => site.path);
}

function unsupported(file: string, found: string, expected: string, where?: string): KernelError {
  const problem: Problem = { file, ...(where !== undefined && { where }), severity: 'error', found, expected };
  return new KernelError('adapter/unsupported', formatProblem(problem), { problems: [problem] });
}
