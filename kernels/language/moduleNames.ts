/** @file The names that a model's linear layers can be chosen by, as they are in the checkpoint. */
import type { TargetSite } from '../models/types';

export interface NamedLayers {
  readonly name: string;
  readonly sites: readonly TargetSite[];
}

/** By the last part of their path: one entry for the same projection of all blocks, in the model's order. */
export function byShortName(sites: readonly TargetSite[]): NamedLayers[] {
  return grouped(sites, ({ projection }) => projection);
}

/** Short names that belong to one part of a block: those of attention, those of the feed-forward layer. */
export function byPart(sites: readonly TargetSite[]): { readonly part: string; readonly names: readonly string[] }[] {
  return grouped(sites, ({ path }) => path.split('.').at(-2) ?? '').map(({ name, sites: own }) => ({
    part: name,
    names: [...new Set(own.map(({ projection }) => projection))],
  }));
}

/** `[576, 1536]`, out before in, when all have the same shape. */
export function commonShape(sites: readonly TargetSite[]): readonly [out: number, input: number] | undefined {
  const [first] = sites;
  if (!first) return undefined;
  const { outFeatures, inFeatures } = first;
  const isCommon = sites.every((s) => s.outFeatures === outFeatures && s.inFeatures === inFeatures);
  return isCommon ? [outFeatures, inFeatures] : undefined;
}

function grouped(sites: readonly TargetSite[], keyOf: (site: TargetSite) => string): NamedLayers[] {
  const groups = new Map<string, TargetSite[]>();
  for (const site of sites) {
    const key = keyOf(site);
    const group = groups.get(key);
    if (group) group.push(site);
    else groups.set(key, [site]);
  }
  return [...groups].map(([name, own]) => ({ name, sites: own }));
}
