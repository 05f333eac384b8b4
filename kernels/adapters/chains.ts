/** @file Which adapted layers are the same projection in different blocks: the chains that shortcuts run along. */
import type { AdaptedLayer, AdapterPlan } from './plan';

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
