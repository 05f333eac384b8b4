/**
 * @file The plan of an adapter on a model: which layers are adapted with which configuration, and every tensor that is
 * trained, with its place in one flat vector. Options that could have no effect are refused here, before anything runs.
 */
import * as l10n from '@vscode/l10n';
import type { CommonConfig, FreshStart, HeadSpec, ModelArchitecture, TargetSite, Task } from '../models/types';
import { tiedHead } from '../models/types';
import type { Fix, Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { SHARED_MODULE } from '../formats/peftKeys';
import { absurdSize, elements } from './absurdSize';
import { adaptedSites, matchesModules, pattern, savesModule } from './targets';
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

/** A key of the adapter section that has no effect on this model. */
export interface IdleOption {
  readonly key: string;
  readonly found: string;
  readonly expected: string;
  /** Of the configuration's adapter section. */
  readonly fixes?: readonly Fix[];
}

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

/** The same projection in the blocks before, nearest first, as far as they are adapted with the same sizes. */
export function layersBefore({ layers }: Pick<AdapterPlan, 'layers'>, layer: AdaptedLayer): readonly AdaptedLayer[] {
  const key = chainKey(layer);
  const chain = layers.filter((other) => chainKey(other) === key);
  return chain.slice(0, chain.indexOf(layer)).reverse();
}

/** Equal for layers that are one another's predecessors. */
export function chainKey({ site, params }: AdaptedLayer): string {
  const place = site.path.replace(`.${site.layer}.`, '.*.');
  const shapes = Object.values(params).map(({ shape }) => shape.join('x'));
  return [place, site.inFeatures, site.outFeatures, ...shapes].join(' ');
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

/** Why no layer is adapted: every entry that is wrong, or all of `target_modules` where no entry alone is to blame. */
function whyNothing(
  idle: readonly IdleOption[],
  own: Selection,
  { modulesToSave }: Selection,
  model: PlannedModel,
): readonly IdleOption[] {
  // What a pattern or `bias: lora_only` would meet is not known without a layer.
  const others = idle.filter(({ key }) => !['rank_pattern', 'alpha_pattern', 'bias'].includes(key));
  const entries = others.filter(({ key }) => key === 'target_modules');
  if (entries.length > 1 || others.some(({ key }) => key === 'layers_to_transform')) return others;
  const rest = others.filter(({ key }) => key !== 'target_modules');
  // With one key less, something would be adapted: that key is what leaves nothing.
  const targeted = adaptedSites(model, { ...own, excludeModules: null });
  if (own.excludeModules !== null && targeted.length > 0) {
    const found = l10n.t('leaves out all {0} layers that are targeted', targeted.length);
    return [{ key: 'exclude_modules', found, expected: l10n.t('expected some of them to be left') }, ...rest];
  }
  const anywhere = adaptedSites(model, { ...own, layersPattern: [] });
  if (own.layersPattern.length > 0 && anywhere.length > 0) {
    const lists = [
      ...new Set(
        anywhere.flatMap(({ path, layer }) => path.split('.').filter((_, i, all) => all[i + 1] === `${layer}`)),
      ),
    ];
    const found = l10n.t('{0} is no list of blocks that is targeted', own.layersPattern.join(', '));
    return [{ key: 'layers_pattern', found, expected: l10n.t('expected {0}', lists.join(', ')) }, ...rest];
  }
  const saved = model.sites.filter((s) => savesModule(modulesToSave, s.path)).length;
  const count = model.sites.length;
  const found =
    saved > 0
      ? l10n.t('matches none of the {0} linear layers, {1} of which are in modules_to_save', count, saved)
      : l10n.t('matches none of the {0} linear layers', count);
  const whole = { key: 'target_modules', found, expected: entries[0]?.expected ?? availableIn(model) };
  return [whole, ...rest];
}

/** Links that no layer has: without any, the method would be another one than was asked for. */
function* idleLinks(
  method: AnyAdapterMethod,
  config: Readonly<Record<string, unknown>>,
  layers: readonly AdaptedLayer[],
): Generator<IdleOption> {
  const links = method.links?.(config);
  if (!links) return;
  const chains = new Map<string, number>();
  for (const key of layers.map(chainKey)) chains.set(key, (chains.get(key) ?? 0) + 1);
  const most = Math.max(...chains.values()) - 1;
  if (most < 1) {
    const key = config['layers_to_transform'] === undefined ? 'target_modules' : 'layers_to_transform';
    const found = l10n.t(
      'leaves {0} nothing to link: no adapted layer has the same one, of the same sizes, in a block before',
      method.label,
    );
    yield { key, found, expected: l10n.t('expected two blocks or more, or the method lora') };
  } else if (Number.isFinite(links.blocks) && links.blocks > most) {
    const found =
      most === 1
        ? l10n.t('is {0}, but at most 1 block can be linked here', links.blocks)
        : l10n.t('is {0}, but at most {1} blocks can be linked here', links.blocks, most);
    const fixes = [most, -1].map((value): Fix => ({
      title: l10n.t('Change to {0}', value),
      edits: [{ kind: 'set', path: ['adapter', links.key], value }],
    }));
    yield { key: links.key, found, expected: l10n.t('expected {0} at most, or -1 for all', most), fixes };
  }
}

/** Entries of the method's own lists of modules that name no adapted layer. */
function* idleModuleFields(
  method: AnyAdapterMethod,
  config: Readonly<Record<string, unknown>>,
  sites: readonly TargetSite[],
): Generator<IdleOption> {
  for (const key of method.moduleFields ?? []) {
    const modules = config[key] as string | readonly string[] | undefined;
    const entries: readonly (string | readonly string[])[] =
      typeof modules === 'string' ? [modules] : (modules ?? []).map((entry) => [entry]);
    for (const entry of entries) {
      if (sites.some((s) => matchesModules(entry, s.path))) continue;
      const expected = l10n.t('the adapted layers are {0}', projectionsOf({ sites }));
      yield { key, found: l10n.t('{0} matches no adapted layer', [entry].flat().join()), expected };
    }
  }
}

/** Each exclusion leaves something out that would be adapted without it. */
function* idleExclusions(selection: Selection, model: PlannedModel): Generator<IdleOption> {
  const { excludeModules } = selection;
  const key = 'exclude_modules';
  const isPattern = typeof excludeModules === 'string';
  const targeted = adaptedSites(model, { ...selection, excludeModules: null });
  const all = [...model.sites, ...(model.outerSites ?? [])];
  for (const entry of isPattern ? [excludeModules] : new Set(excludeModules ?? [])) {
    const matches = ({ path }: TargetSite): boolean => matchesModules(isPattern ? entry : [entry], path, key);
    if (targeted.some(matches)) continue;
    if (!all.some(matches)) {
      yield { key, found: l10n.t('{0} matches no linear layer', entry), expected: availableIn(model) };
    } else if (targeted.length > 0) {
      const expected = l10n.t('the targeted layers are {0}', projectionsOf({ sites: targeted }));
      yield { key, found: l10n.t('{0} is not targeted, so there is nothing to leave out', entry), expected };
    }
  }
}

/** Items that a list holds more than once. */
function* repeatedItems(selection: Selection): Generator<IdleOption> {
  const lists: Readonly<Record<string, string | readonly (string | number)[] | null>> = {
    target_modules: selection.targetModules,
    exclude_modules: selection.excludeModules,
    layers_to_transform: selection.layersToTransform,
    layers_pattern: selection.layersPattern,
    modules_to_save: selection.modulesToSave,
  };
  for (const [key, items] of Object.entries(lists)) {
    if (items === null || typeof items === 'string') continue;
    for (const item of new Set(items.filter((other, i) => items.indexOf(other) !== i))) {
      yield {
        key,
        found: l10n.t('{0} stands there more than once', item),
        expected: l10n.t('expected each item once'),
      };
    }
  }
}

/** An option that matches nothing would train something else than was asked for, silently. */
function* idleOptions(
  selection: Selection,
  config: Readonly<Record<string, unknown>>,
  model: PlannedModel,
  sites: readonly TargetSite[],
): Generator<IdleOption> {
  const { targetModules, modulesToSave, bias } = selection;
  const available = availableIn(model);
  const all = [...model.sites, ...(model.outerSites ?? [])];
  for (const entry of typeof targetModules === 'string' ? [] : new Set(targetModules)) {
    const matching = all.filter((s) => matchesModules([entry], s.path));
    if (matching.length > 0 && matching.every((s) => savesModule(modulesToSave, s.path))) {
      yield {
        key: 'target_modules',
        found: l10n.t('{0} is in modules_to_save too', entry),
        expected: l10n.t('choose one of the two'),
      };
    } else if (matching.length === 0) {
      yield { key: 'target_modules', found: l10n.t('{0} matches no linear layer', entry), expected: available };
    }
  }
  yield* idleExclusions(selection, model);
  yield* repeatedItems(selection);
  for (const layer of new Set(selection.layersToTransform ?? [])) {
    if (layer >= model.config.layers) {
      const expected = l10n.t('this model has blocks 0 to {0}', model.config.layers - 1);
      yield { key: 'layers_to_transform', found: l10n.t('there is no block {0}', layer), expected };
    }
  }
  if (selection.layersPattern.length > 0 && selection.layersToTransform === null) {
    const expected = l10n.t('expected layers_to_transform beside it, or neither');
    yield { key: 'layers_pattern', found: l10n.t('has no effect by itself'), expected };
  }
  const adapted = l10n.t('the adapted layers are {0}', projectionsOf({ sites }));
  for (const key of ['rank_pattern', 'alpha_pattern']) {
    for (const source of Object.keys((config[key] as Readonly<Record<string, number>> | undefined) ?? {})) {
      const expression = pattern(`(.*\\.)?(${source})`, key, source);
      if (!sites.some((s) => expression.test(s.path))) {
        yield { key, found: l10n.t('{0} matches no adapted layer', source), expected: adapted };
      }
    }
  }
  const modules = [...model.tensors.keys(), ...model.fresh.keys()].map(moduleOf).concat(model.head.path);
  for (const entry of modulesToSave) {
    if (!modules.some((m) => savesModule([entry], m))) {
      const expected = l10n.t('expected a module that has weights, such as lm_head or embed_tokens');
      yield { key: 'modules_to_save', found: l10n.t('{0} matches no module', entry), expected };
    }
  }
  const hasBias =
    bias === 'lora_only' ? sites.some((s) => s.bias) : [...model.tensors.keys()].some((t) => t.endsWith('.bias'));
  if (bias !== 'none' && !hasBias) {
    yield {
      key: 'bias',
      found: l10n.t('{0} would train nothing, this model has no such biases', bias),
      expected: l10n.t('use none'),
    };
  }
}

const projectionsOf = ({ sites }: Pick<PlannedModel, 'sites'>): string =>
  [...new Set(sites.map((s) => s.projection))].join(', ');

const moduleOf = (tensor: string): string => tensor.slice(0, tensor.lastIndexOf('.'));

const availableIn = (model: PlannedModel): string => l10n.t('this model has {0}', projectionsOf(model));

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
