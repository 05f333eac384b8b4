/**
 * @file Keys of the adapter section that have no effect on a model, or leave none of its layers to adapt: each would train
 * something else than was asked for, silently.
 */
import * as l10n from '@vscode/l10n';
import type { TargetSite } from '../models/types';
import type { Fix } from '../protocol/errors';
import type { AdaptedLayer, PlannedModel } from './plan';
import { chainKey } from './chains';
import { adaptedSites, matchesModules, moduleOf, pattern, savesModule } from './targets';
import type { AnyAdapterMethod, Selection } from './types';

/** A key of the adapter section that has no effect on this model. */
export interface IdleOption {
  readonly key: string;
  readonly found: string;
  readonly expected: string;
  /** Of the configuration's adapter section. */
  readonly fixes?: readonly Fix[];
}

/** Why no layer is adapted: every entry that is wrong, or all of `target_modules` where no entry alone is to blame. */
export function whyNothing(
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
export function* idleLinks(
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
export function* idleModuleFields(
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
export function* idleOptions(
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

const availableIn = (model: PlannedModel): string => l10n.t('this model has {0}', projectionsOf(model));
