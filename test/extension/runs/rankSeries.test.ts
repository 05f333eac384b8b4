/** @file Where modules stand in the rank map: layer and projection, told apart where two end in the same name. */
import { expect, test } from 'vitest';
import { RankSeries } from '../../../extension/runs/rankSeries';

function placesOf(...names: readonly string[]): readonly (readonly [number | null, string])[] {
  const ranks = new RankSeries();
  const measures = { stable_rank: 1, effective_rank: 1, 'above_0.1': 0, above_relative: 1 };
  for (const module of names) ranks.append({ step: 1, module, singular_values: [1], ...measures });
  return ranks.tables()[0]!.modules.map(({ layer, projection }) => [layer, projection]);
}

test('a projection has its own name', () => {
  expect(placesOf('model.layers.3.self_attn.q_proj', 'model.layers.10.mlp.up_proj', 'lm_head')).toEqual([
    [3, 'q_proj'],
    [10, 'up_proj'],
    [null, 'lm_head'],
  ]);
});

test('two of one name in a block keep what tells them apart', () => {
  expect(placesOf('transformer.h.0.attn.c_attn', 'transformer.h.0.attn.c_proj', 'transformer.h.0.mlp.c_proj')).toEqual([
    [0, 'c_attn'],
    [0, 'attn.c_proj'],
    [0, 'mlp.c_proj'],
  ]);
});

test('spectra of directional updates stand in a table of their own, before that of the delta weights', () => {
  const ranks = new RankSeries();
  const measures = { stable_rank: 1, effective_rank: 1, 'above_0.1': 0, above_relative: 1 };
  const record = { module: 'model.layers.0.q_proj', singular_values: [1], ...measures };
  ranks.append({ ...record, step: 0, stable_rank: 9, singular_values: [5] });
  ranks.append({ ...record, step: 0, of: 'direction' });
  ranks.append({ ...record, step: 4, of: 'direction', singular_values: [2] });
  expect(ranks.tables().map(({ of, steps }) => [of, steps])).toEqual([
    ['direction', [0, 4]],
    ['delta', [0]],
  ]);
  expect(ranks.spectrum('model.layers.0.q_proj', 'direction').values).toEqual([[1], [2]]);
  expect(ranks.spectrum('model.layers.0.q_proj', 'delta').values).toEqual([[5]]);
  expect(ranks.mean('stable_rank')).toEqual({ of: 'direction', steps: [0, 4], values: [1, 1] });
});
