/**
 * @file The plan of an adapter on a model: which layers are adapted with which configuration, and every tensor that is
 * trained, with its place in one flat vector. Options that could have no effect are refused here, before anything runs.
 */
import type { CommonConfig, HeadSpec, ModelArchitecture, TargetSite } from '../models/types';
import { KernelError } from '../protocol/errors';
import { matchesModules, pattern, selectSites } from './targets';
import type { AnyAdapterMethod, Init, ParamSpec, Selection } from './types';

/** What a plan needs to know of the base model. */
export interface PlannedModel {
  readonly architecture: ModelArchitecture<CommonConfig>;
  readonly config: CommonConfig;
  readonly sites: readonly TargetSite[];
  readonly head: HeadSpec;
  readonly tensors: ReadonlyMap<string, readonly number[]>;
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
  /** First element in the flat vector of its kind (trained or frozen). */
  readonly offset: number;
  readonly size: number;
}

export interface AdapterPlan {
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

/** Module name under which tensors that all layers share are kept. */
export const SHARED_MODULE = 'shared';

export function planAdapter(
  method: AnyAdapterMethod,
  config: Readonly<Record<string, unknown>>,
  model: PlannedModel,
): AdapterPlan {
  const selection = method.selection(config);
  const sites = selection.everything ? [] : selectSites(model.sites, selection);
  if (!selection.everything) refuseIdleOptions(selection, config, model, sites);
  const layers = sites.map((site): AdaptedLayer => {
    const own = method.configOf(site, config) as Readonly<Record<string, unknown>>;
    const supported = method.supports(site, own);
    if (supported !== true) {
      throw refused(`${method.label} cannot adapt ${site.path}: ${supported.reason}`);
    }
    return { site, config: own, params: method.params(site, own) };
  });

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
      });
    }
  };
  if (method.shared && sites.length > 0) addParams(SHARED_MODULE, method.shared(sites, config));
  for (const { site, params } of layers) addParams(site.path, params);
  for (const [key, tensor] of trainedBaseTensors(selection, model, sites)) {
    const shape = model.tensors.get(tensor) ?? [];
    const dot = key.lastIndexOf('.');
    trained.add({
      key,
      module: key.slice(0, dot),
      param: key.slice(dot + 1),
      kind: 'base',
      shape,
      start: { kind: 'base', tensor },
      group: 'default',
      // Biases and norm weights are never decayed, as in the Hugging Face Trainer.
      decays: shape.length > 1,
    });
  }
  if (trained.size === 0) throw refused('nothing would be trained; choose target modules or modules to save');
  return {
    method,
    config,
    selection,
    layers,
    trained: trained.tensors,
    trainedSize: trained.size,
    frozen: frozen.tensors,
    frozenSize: frozen.size,
  };
}

class Ledger {
  readonly tensors: PlannedTensor[] = [];
  size = 0;

  add(tensor: Omit<PlannedTensor, 'offset' | 'size'>): void {
    const size = tensor.shape.reduce((n, d) => n * d, 1);
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
  if (selection.everything) return new Map([...model.tensors.keys()].map((t) => [t, t]));
  const result = new Map<string, string>();
  for (const tensor of model.tensors.keys()) {
    const module = tensor.slice(0, tensor.lastIndexOf('.'));
    const isBias = tensor.endsWith('.bias');
    const isAdapted = sites.some((s) => s.path === module);
    const isSaved = selection.modulesToSave.length > 0 && matchesModules(selection.modulesToSave, module);
    if (isSaved || (isBias && (selection.bias === 'all' || (selection.bias === 'lora_only' && isAdapted)))) {
      result.set(tensor, tensor);
    }
  }
  const { head } = model;
  // A tied head that is saved gets a tensor of its own, which starts as the embedding.
  if (head.tiedTo && selection.modulesToSave.length > 0 && matchesModules(selection.modulesToSave, head.path)) {
    result.set(head.weight, head.tiedTo);
  }
  return result;
}

/** An option that matches nothing would train something else than was asked for, silently. */
function refuseIdleOptions(
  selection: Selection,
  config: Readonly<Record<string, unknown>>,
  model: PlannedModel,
  sites: readonly TargetSite[],
): void {
  const projections = [...new Set(model.sites.map((s) => s.projection))].join(', ');
  if (sites.length === 0) {
    throw refused(
      `target_modules matches none of the ${model.sites.length} linear layers; this model has ${projections}`,
    );
  }
  if (Array.isArray(selection.targetModules)) {
    for (const entry of selection.targetModules as readonly string[]) {
      if (!model.sites.some((s) => matchesModules([entry], s.path))) {
        const why =
          model.head.path === entry
            ? 'adapters on the head are not supported, train it with modules_to_save'
            : `this model has ${projections}`;
        throw refused(`target_modules: ${entry} matches no linear layer; ${why}`);
      }
    }
  }
  const { excludeModules } = selection;
  if (excludeModules !== null && !model.sites.some((s) => matchesModules(excludeModules, s.path))) {
    throw refused(`exclude_modules matches no linear layer; this model has ${projections}`);
  }
  for (const layer of selection.layersToTransform ?? []) {
    if (layer >= model.config.layers) {
      throw refused(
        `layers_to_transform: there is no block ${layer}; this model has blocks 0 to ${model.config.layers - 1}`,
      );
    }
  }
  for (const key of ['rank_pattern', 'alpha_pattern']) {
    for (const source of Object.keys((config[key] as Readonly<Record<string, number>> | undefined) ?? {})) {
      const expression = pattern(`(.*\\.)?(${source})`, key);
      if (!sites.some((s) => expression.test(s.path))) throw refused(`${key}: ${source} matches no adapted layer`);
    }
  }
  const modules = new Set([...model.tensors.keys()].map((t) => t.slice(0, t.lastIndexOf('.'))).concat(model.head.path));
  for (const entry of selection.modulesToSave) {
    if (![...modules].some((m) => matchesModules([entry], m))) {
      throw refused(`modules_to_save: ${entry} matches no module of this model`);
    }
    const both = sites.find((s) => matchesModules([entry], s.path));
    if (both) throw refused(`${both.path} is both adapted and in modules_to_save; choose one`);
  }
  const hasBias =
    selection.bias === 'lora_only'
      ? sites.some((s) => s.bias)
      : [...model.tensors.keys()].some((t) => t.endsWith('.bias'));
  if (selection.bias !== 'none' && !hasBias) {
    throw refused(`bias: ${selection.bias} would train nothing, this model has no such biases; use bias: none`);
  }
}

const refused = (message: string): KernelError => new KernelError('adapter/unsupported', message);
