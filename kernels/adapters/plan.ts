/**
 * @file The plan of an adapter on a model: which layers are adapted with which configuration, and every tensor that is
 * trained, with its place in one flat vector. Options that could have no effect are refused before anything runs.
 */
import * as l10n from '@vscode/l10n';
import type { CommonConfig, FreshStart, HeadSpec, ModelArchitecture, TargetSite, Task } from '../models/types';
import { tiedHead } from '../models/types';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { SHARED_MODULE } from '../formats/peftKeys';
import { absurdSize, elements } from './absurdSize';
import type { IdleOption } from './idleOptions';
import { idleLinks, idleModuleFields, idleOptions, whyNothing } from './idleOptions';
import { adaptedSites, moduleOf, savesModule } from './targets';
import type { AnyAdapterMethod, BaseTensor, Init, ParamSpec, Refusal, Selection } from './types';

/** What a plan needs to know of the base model. */
export interface PlannedModel {
  readonly architecture: ModelArchitecture<CommonConfig>;
  readonly config: CommonConfig;
  readonly sites: readonly TargetSite[];
  /** The embedding and the head, where they can be adapted: when they are named. */
  readonly outerSites?: readonly TargetSite[];
  readonly head: HeadSpec;
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  /** Those of `tensors` that are stored quantised, and cannot be trained themselves; absent: none. */
  readonly quantized?: ReadonlySet<string>;
  /** Tensors of its head that the checkpoint does not have. */
  readonly fresh: ReadonlyMap<string, { readonly shape: readonly number[]; readonly start: FreshStart }>;
  /** The values, where they are at hand. */
  readonly checkpoint?: { readF32(name: string): Float32Array } | undefined;
}

export interface AdaptedLayer {
  readonly site: TargetSite;
  /** The method's configuration for this layer. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, ParamSpec>>;
}

/** `base`: the tensor starts as a tensor of the checkpoint, the one named. */
export type TensorStart = Init | { readonly kind: 'base'; readonly tensor: string };

export interface PlannedTensor {
  /** Unique name: `<module>.<parameter>`; also the name of the graph's input. */
  readonly key: string;
  readonly module: string;
  readonly param: string;
  /** Part of the adapter, or a tensor of the base model that is trained in full. */
  readonly kind: 'adapter' | 'base';
  readonly shape: readonly number[];
  readonly start: TensorStart;
  readonly group: string;
  readonly decays: boolean;
  /** Measured in training, read by merging, not fed to the forward pass. */
  readonly isMeasured: boolean;
  /** First element in the flat vector of its kind (trained or frozen). */
  readonly offset: number;
  readonly size: number;
}

export interface AdapterPlan {
  /** What the model is asked for; of a sequence head, with the names of its labels. */
  readonly task: Task;
  readonly method: AnyAdapterMethod;
  readonly config: Readonly<Record<string, unknown>>;
  readonly selection: Selection;
  readonly layers: readonly AdaptedLayer[];
  readonly trained: readonly PlannedTensor[];
  readonly trainedSize: number;
  /** Adapter tensors that are stored but never change. */
  readonly frozen: readonly PlannedTensor[];
  readonly frozenSize: number;
}

const noEmbeddings = (): Refusal => ({
  reason: l10n.t('it has no form for embeddings; choose linear layers, or the method lora'),
});

export { SHARED_MODULE };

/**
 * Throws `adapter/unsupported` when the method cannot adapt what was chosen, with every problem that was found. `onIdle`
 * hears of every option that has no effect on this model: a warning for an adapter that exists already. Without it they are
 * refused, as in a new configuration.
 */
export function planAdapter(
  method: AnyAdapterMethod,
  config: Readonly<Record<string, unknown>>,
  model: PlannedModel,
  onIdle?: (option: IdleOption) => void,
): AdapterPlan {
  const own = method.selection(config);
  const selection = withHead(own, model, onIdle === undefined);
  const { base } = selection;
  const refusal = base?.refuses(baseTensors(model), model.config.layers);
  if (refusal) throw refused([refusal]);
  const sites = base ? [] : adaptedSites(model, selection);
  const idle = base ? [] : [...idleOptions(own, config, model, sites)];
  if (!base && sites.length === 0) throw refused(whyNothing(idle, own, selection, model));
  const layers: AdaptedLayer[] = [];
  const misfits: Misfit[] = [];
  for (const site of sites) {
    const own = method.configOf(site, config) as Readonly<Record<string, unknown>>;
    const supported = site.kind === 'embedding' && !method.embed ? noEmbeddings() : method.supports(site, own);
    if (supported === true) layers.push({ site, config: own, params: method.params(site, own) });
    else misfits.push({ site, own, refusal: supported });
  }
  if (misfits.length === 0) idle.push(...idleLinks(method, config, layers), ...idleModuleFields(method, config, sites));
  if (onIdle) idle.forEach(onIdle);
  const problems = [...(onIdle ? [] : idle), ...misfitOptions(misfits, sites, method, config)];
  if (problems.length > 0) throw refused(problems);

  const [trained, frozen] = adapterTensors(method, config, layers);
  const absurd = absurdSize(trained.size + frozen.size, model.tensors.values(), layers, config);
  if (absurd) throw refused([absurd]);
  const trainedBase = trainedBaseTensors(selection, model, sites);
  const fixed = [...trainedBase.values()].filter((tensor) => model.quantized?.has(tensor));
  if (fixed.length > 0) throw refused([quantizedRefusal(method, selection, fixed)]);
  for (const [key, tensor] of trainedBase) {
    const fresh = model.fresh.get(tensor);
    const shape = fresh?.shape ?? model.tensors.get(tensor) ?? [];
    const dot = key.lastIndexOf('.');
    trained.add({
      key,
      module: key.slice(0, dot),
      param: key.slice(dot + 1),
      kind: 'base',
      shape,
      start: fresh?.start ?? { kind: 'base', tensor },
      group: 'default',
      // Biases and norm weights are never decayed, as in the Hugging Face Trainer.
      decays: shape.length > 1,
      isMeasured: false,
    });
  }
  if (trained.size === 0) {
    const expected = l10n.t('choose target modules or modules to save');
    throw refused([{ key: 'target_modules', found: l10n.t('nothing would be trained'), expected }]);
  }
  return {
    task: model.head.kind === 'sequence' ? model.head.task : { kind: 'next-token' },
    method,
    config,
    selection,
    layers,
    ...ledgers(trained, frozen),
  };
}

/**
 * A head that answers for a whole text is trained beside every new adapter, as in PEFT for SEQ_CLS; one that exists says in
 * its modules_to_save whether it was. What the checkpoint does not have is part of the adapter in any case.
 */
function withHead(selection: Selection, { head, fresh }: PlannedModel, isNew: boolean): Selection {
  if (head.kind === 'next-token' || selection.base) return selection;
  const isFresh = (module: string): boolean => head.modules.get(module)?.some(({ name }) => fresh.has(name)) ?? false;
  const trained = [...head.modules.keys()].filter((module) => (isNew && module === head.path) || isFresh(module));
  return { ...selection, modulesToSave: [...new Set([...selection.modulesToSave, ...trained])] };
}

/** The tensors of the adapter, as far as they are no base tensors. */
function adapterTensors(
  method: AnyAdapterMethod,
  config: Readonly<Record<string, unknown>>,
  layers: readonly AdaptedLayer[],
): readonly [trained: Ledger, frozen: Ledger] {
  const [trained, frozen] = [new Ledger(), new Ledger()];
  const addParams = (module: string, params: Readonly<Record<string, ParamSpec>>): void => {
    for (const [param, spec] of Object.entries(params)) {
      (spec.trainable ? trained : frozen).add({
        key: `${module}.${param}`,
        module,
        param,
        kind: 'adapter',
        shape: spec.shape,
        start: spec.init,
        group: spec.group ?? 'default',
        decays: spec.decays ?? true,
        isMeasured: spec.isMeasured ?? false,
      });
    }
  };
  const sites = layers.map(({ site }) => site);
  if (method.shared && sites.length > 0) addParams(SHARED_MODULE, method.shared(sites, config));
  for (const { site, params } of layers) addParams(site.path, params);
  return [trained, frozen];
}

/** The same layers and base tensors under another configuration of the method. */
export function replanned(plan: AdapterPlan, config: Readonly<Record<string, unknown>>): AdapterPlan {
  const { method } = plan;
  const layers = plan.layers.map(({ site }): AdaptedLayer => {
    const own = method.configOf(site, config) as Readonly<Record<string, unknown>>;
    return { site, config: own, params: method.params(site, own) };
  });
  const [trained, frozen] = adapterTensors(method, config, layers);
  for (const tensor of plan.trained) if (tensor.kind === 'base') trained.add(tensor);
  return { ...plan, config, layers, ...ledgers(trained, frozen) };
}

const ledgers = (
  trained: Ledger,
  frozen: Ledger,
): Pick<AdapterPlan, 'trained' | 'trainedSize' | 'frozen' | 'frozenSize'> => ({
  trained: trained.tensors,
  trainedSize: trained.size,
  frozen: frozen.tensors,
  frozenSize: frozen.size,
});

class Ledger {
  readonly tensors: PlannedTensor[] = [];
  size = 0;

  add(tensor: Omit<PlannedTensor, 'offset' | 'size'>): void {
    const size = elements(tensor.shape);
    this.tensors.push({ ...tensor, offset: this.size, size });
    this.size += size;
  }
}

/** Base tensors that are trained in full: name of the trained tensor → checkpoint tensor it starts from. */
function trainedBaseTensors(
  selection: Selection,
  model: PlannedModel,
  sites: readonly TargetSite[],
): ReadonlyMap<string, string> {
  const { base } = selection;
  if (base) {
    const chosen = baseTensors(model).filter(
      ({ name, ...t }) => model.fresh.has(name) || base.trains({ name, ...t }, model.config.layers),
    );
    return new Map(chosen.map(({ name }) => [name, name]));
  }
  const names = [...model.tensors.keys(), ...model.fresh.keys()];
  const result = new Map<string, string>();
  for (const tensor of names) {
    const module = moduleOf(tensor);
    const isBias = tensor.endsWith('.bias');
    const isAdapted = sites.some((s) => s.path === module || s.bias === tensor);
    if (
      savesModule(selection.modulesToSave, module) ||
      (isBias && (selection.bias === 'all' || (selection.bias === 'lora_only' && isAdapted)))
    ) {
      result.set(tensor, tensor);
    }
  }
  // A tied head that is saved gets a tensor of its own, which starts as the embedding.
  const tied = tiedHead(model.head);
  if (tied && savesModule(selection.modulesToSave, model.head.path)) result.set(tied.weight, tied.tiedTo);
  return result;
}

/** Codes have no gradient: what they stand for would have to be trained and stored as another tensor. */
function quantizedRefusal(method: AnyAdapterMethod, { base }: Selection, names: readonly string[]): IdleOption {
  const which = names.length === 1 ? names[0] : l10n.t('{0} and {1} more', names[0] ?? '', names.length - 1);
  return {
    key: base ? 'method' : 'modules_to_save',
    found: l10n.t('{0} would train weights that the base model has quantised ({1})', method.label, which ?? ''),
    expected: base
      ? l10n.t(
          'expected a method that puts adapters on them, such as LoRA or DoRA, or a base model in F32, F16 or BF16',
        )
      : l10n.t('expected modules that are not quantised, or a base model in F32, F16 or BF16'),
  };
}

/** All tensors of the model with their blocks: those that begin as the weights of a block's linear layers do. */
function baseTensors({ sites, tensors, fresh, head }: PlannedModel): readonly BaseTensor[] {
  const modules = head.kind === 'sequence' ? [...head.modules.values()].flat() : [];
  const ofHead = new Set(modules.map(({ name }) => name));
  const blocks = new Map(
    sites.flatMap(({ weight, layer }) => {
      const number = `.${layer}.`;
      const at = weight.indexOf(number);
      return at < 0 ? [] : [[weight.slice(0, at + number.length), layer] as const];
    }),
  );
  const all = [...tensors, ...[...fresh].map(([name, { shape }]) => [name, shape] as const)];
  return all.map(([name, shape]) => {
    const block = [...blocks].find(([prefix]) => name.startsWith(prefix))?.[1] ?? null;
    return { name, shape, block, isTaskHead: ofHead.has(name) };
  });
}

/** A layer that the method does not adapt. */
interface Misfit {
  readonly site: TargetSite;
  /** The configuration of this layer. */
  readonly own: Readonly<Record<string, unknown>>;
  readonly refusal: Refusal;
}

/** Which pattern gives single layers another value of a key. */
const PATTERNS: Readonly<Record<string, string>> = { r: 'rank_pattern', lora_alpha: 'alpha_pattern' };

/** One for all layers: of the one that allows least. What no layer could take is about the setting, not about a layer. */
function misfitOptions(
  misfits: readonly Misfit[],
  sites: readonly TargetSite[],
  { label }: AnyAdapterMethod,
  config: Readonly<Record<string, unknown>>,
): readonly IdleOption[] {
  const limitOf = ({ refusal }: Misfit): number => refusal.limit ?? Infinity;
  const [first, ...others] = misfits;
  if (!first) return [];
  const worst = others.reduce((least, misfit) => (limitOf(misfit) < limitOf(least) ? misfit : least), first);
  const { site, own, refusal } = worst;
  const { key, reason: expected } = refusal;
  if (key !== undefined && misfits.length === sites.length && others.every((m) => m.refusal.reason === expected)) {
    const isSame = own[key] === config[key];
    if (isSame) return [{ key, found: l10n.t('is {0}', JSON.stringify(config[key])), expected }];
  }
  const pattern = key === undefined ? undefined : PATTERNS[key];
  const isOfPattern = key !== undefined && pattern !== undefined && own[key] !== config[key];
  const found = isOfPattern
    ? l10n.t('{0} cannot adapt {1} with {2}', label, site.path, `${key}: ${String(own[key])}`)
    : l10n.t('{0} cannot adapt {1}', label, site.path);
  return [{ key: (isOfPattern ? pattern : key) ?? 'target_modules', found, expected }];
}

/** The keys are those of the configuration's adapter section; whoever knows the file adds it. */
function refused(options: readonly IdleOption[]): KernelError {
  const problems = options.map(({ key, ...rest }): Problem => ({
    file: '',
    where: `adapter.${key}`,
    severity: 'error',
    ...rest,
  }));
  const message = options.map(({ key, found, expected }) => `${key}: ${found}; ${expected}`).join('\n');
  return new KernelError('adapter/unsupported', message, { problems });
}
