/** @file The updates of some modules of an adapter on disk. Only their tensors are read, and once while the adapter stays the same. */
import * as l10n from '@vscode/l10n';
import { statSync } from 'node:fs';
import path from 'node:path';
import { openAdapter } from '../adapters/adapterFile';
import { AdapterModules } from '../inspect/adapterModules';
import { shapesOnly } from '../inspect/baseWeights';
import type { TargetSite } from '../models/types';
import type { UpdateFacts } from '../protocol/calls/config';
import { KernelError } from '../protocol/errors';

export interface FoundUpdates {
  readonly updates: readonly UpdateFacts[];
  /** Why there is none, when there is none. */
  readonly none?: string;
}

/** One line of a plot each; more could not be told apart. */
const MOST_MODULES = 32;

interface Kept {
  readonly dir: string;
  readonly stamp: string;
  readonly byModule: Map<string, UpdateFacts | string>;
}
let kept: Kept | undefined;

/** Of at most a few dozen of `sites`, evenly chosen among those the adapter has. */
export function moduleUpdates(dir: string, sites: readonly TargetSite[]): FoundUpdates {
  try {
    const { byModule } = (kept = remembered(dir));
    const chosen = spread(sites, MOST_MODULES);
    if (chosen.some(({ path: module }) => !byModule.has(module))) read(dir, chosen, byModule);
    const found = chosen.flatMap(({ path: module }) => byModule.get(module) ?? []);
    const updates = found.filter((update) => typeof update !== 'string');
    const [reason] = found.filter((update) => typeof update === 'string');
    return updates.length > 0 || reason === undefined ? { updates } : { updates, none: reason };
  } catch (error) {
    // A checkpoint may be replaced while it is read; an adapter that is damaged is not this look's business.
    if (!KernelError.is(error)) throw error;
    return { updates: [], none: error.message };
  }
}

function remembered(dir: string): Kept {
  const stamp = ['adapter_config.json', 'adapter_model.safetensors']
    .map((name) => statSync(path.join(dir, name), { throwIfNoEntry: false }))
    .map((stats) => `${stats?.size} ${stats?.mtimeMs}`)
    .join();
  return kept?.dir === dir && kept.stamp === stamp ? kept : { dir, stamp, byModule: new Map() };
}

function read(dir: string, sites: readonly TargetSite[], byModule: Kept['byModule']): void {
  const opened = openAdapter(dir);
  try {
    const shapes = new Map(
      sites.map(({ path: module, outFeatures, inFeatures }) => [module, [outFeatures, inFeatures] as const]),
    );
    const shapeOf = (module: string): readonly [number, number] | null => shapes.get(module) ?? null;
    const modules = new AdapterModules(dir, opened, shapesOnly(shapeOf));
    for (const { path: module } of sites) {
      if (byModule.has(module)) continue;
      if (!opened.adapter.tensors.has(module)) {
        byModule.set(module, l10n.t('the adapter has no update of this module'));
        continue;
      }
      const update = isFinite(modules, module) ? modules.cheapUpdate(module) : null;
      if (!update) {
        byModule.set(module, l10n.t('the update of {0} cannot be told without the base weights', opened.method.label));
        continue;
      }
      const { norm, stable_rank: stableRank, effective_rank: effectiveRank, singular_values: singularValues } = update;
      byModule.set(module, { module, norm, stableRank, effectiveRank, singularValues });
    }
  } finally {
    opened.close();
  }
}

const isFinite = (modules: AdapterModules, module: string): boolean =>
  [...modules.tensorsOf(module).values()].every(({ data }) => data.every(Number.isFinite));

function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]).filter(
    (item) => item !== undefined,
  );
}
