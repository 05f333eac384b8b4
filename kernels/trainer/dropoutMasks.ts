/** @file Masks of dropout, drawn here and not in the graph: the same seed gives the same on every device and after a resume. */
import type { AdapterPlan } from '../adapters/plan';
import type { Feeds, HostTensor } from '../runtime/types';
import { createRandom } from '../util/random';
import type { BatchShape } from './stepGraph';
import { dropoutLayers, maskName } from './stepGraph';

/** The masks that a training graph of this shape is fed, by their names: bool[tokens, width], 1 where a value is kept. */
export function dropoutMasks(plan: AdapterPlan, { batch, length, rows }: BatchShape, seed: number): Feeds {
  const dropped = dropoutLayers(plan);
  const entries = dropped.flatMap(({ path, width, probability, terms, isInHead }, layer) => {
    const tokens = isInHead ? rows : batch * length;
    const threshold = probability * 2 ** 32;
    return Array.from({ length: terms }, (_, term): [string, HostTensor] => {
      // The first masks of all layers are the same whether there are more or not.
      const random = createRandom(seed, term * dropped.length + layer);
      const data = new Uint8Array(tokens * width);
      for (let i = 0; i < data.length; i++) data[i] = random.uint32() >= threshold ? 1 : 0;
      return [maskName(path, term), { dtype: 'bool', shape: [tokens, width], data }];
    });
  });
  return Object.fromEntries(entries);
}
