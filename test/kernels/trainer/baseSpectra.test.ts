/** @file Which trained base weights a run follows, how often, and what it says of those it leaves out. */
import { describe, expect, it } from 'vitest';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter } from '../../../kernels/adapters/plan';
import { full } from '../../../kernels/adapters/methods/full';
import { singularValues } from '../../../kernels/analysis/linalg/svd';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type { TargetSite } from '../../../kernels/models/types';
import { baseSpectra, followed, leftOutNote } from '../../../kernels/trainer/baseSpectra';
import { Parameters } from '../../../kernels/trainer/parameters';
import { randomValues, writeTinyModel } from '../../support/tinyModel';

/** A plan that trains matrices of these sizes, by projection, in every block of a model. */
function trained(blocks: number, shapes: Readonly<Record<string, readonly [number, number]>>) {
  const sites = Array.from({ length: blocks }, (_, layer) =>
    Object.entries(shapes).map(([projection, [outFeatures, inFeatures]]): TargetSite => {
      const path = `model.layers.${layer}.${projection}`;
      return {
        path,
        projection,
        layer,
        outFeatures,
        inFeatures,
        weight: `${path}.weight`,
        bias: null,
        layout: 'out-in',
      };
    }),
  ).flat();
  const tensors = sites.map((site) => ({ kind: 'base', key: site.weight, shape: shapes[site.projection] }));
  const plan = { trained: tensors, layers: [] } as unknown as AdapterPlan;
  return { plan, model: { sites } };
}

const SMOL = { q_proj: [576, 576], k_proj: [192, 576], up_proj: [1536, 576] } as const;

describe('the followed weights', () => {
  it('are all of them, often, where that is cheap', () => {
    const { plan, model } = trained(4, { q_proj: [64, 64], down_proj: [64, 256] });
    const following = followed(plan, model);
    expect(following).toMatchObject({ leftOut: [], points: 60 });
    expect(following.weights.length).toBe(8);
    expect(leftOutNote(following, following.points)).toBeUndefined();
  });

  it('are whole blocks evenly spread, the last one among them, at fewer points', () => {
    const { plan, model } = trained(30, SMOL);
    const following = followed(plan, model);
    expect([...new Set(following.weights.map(({ site }) => site.layer))]).toEqual([0, 15, 29]);
    expect(following.points).toBe(12);
    expect(following.weights.length + following.leftOut.length).toBe(90);
    expect(leftOutNote(following, following.points)).toMatch(
      /^rank curves are drawn of blocks 0, 15, 29 \(9 of 90 trained linear layers\)/,
    );
  });

  it('are the smallest of the last block where a whole one is too much, and none where nothing can be afforded', () => {
    const some = trained(2, { q_proj: [2048, 2048], k_proj: [512, 2048] });
    const following = followed(some.plan, some.model);
    expect(following.weights.map(({ site }) => site.path)).toEqual(['model.layers.1.k_proj']);
    expect(leftOutNote(following, following.points)).toMatch(/drawn of k_proj of block 1 \(1 of 4/);
    const none = trained(1, { q_proj: [4096, 4096] });
    expect(leftOutNote(followed(none.plan, none.model), 12)).toMatch(/drawn of no trained layer \(0 of 1/);
  });
});

it('the spectrum is that of the trained weight minus that of the checkpoint', () => {
  const model = openBaseModel(writeTinyModel({ dtype: 'F16' }));
  const plan = planAdapter(full, {}, model);
  const parameters = new Parameters(plan).initialise(model, 0);
  const name = 'model.layers.1.mlp.down_proj';
  const change = randomValues([16, 24], 3);
  parameters.set(
    `${name}.weight`,
    parameters.get(`${name}.weight`).map((v, i) => v + (change[i] ?? 0)),
  );
  const records = baseSpectra(followed(plan, model), model, parameters, 7);
  model.checkpoint.close();
  expect(records.length).toBe(14);
  for (const { module, step, singular_values: values } of records) {
    expect(step).toBe(7);
    const data = Float64Array.from(change);
    const expected = module === name ? singularValues({ rows: 16, cols: 24, data }) : new Float64Array(values.length);
    expected.forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5));
  }
});
