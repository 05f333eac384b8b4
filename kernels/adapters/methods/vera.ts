/**
 * @file VeRA: ΔW = diag(λ_b)·B·diag(λ_d)·A with random A and B that all layers share, and two trained vectors per layer
 * (Kopiczko et al. 2023, equation 2). The fewest parameters of all methods here: out + r per layer.
 */
import { add, gemm } from '../../graph/ops';
import { deltaNorm } from '../activityFigures';
import { projectionActivity } from '../projectionActivity';
import {
  branch,
  projectionFields,
  projectionSelection,
  projectionSpecs,
  projectionsOf,
  scaledB,
  vectorFactors,
  vectorSpecs,
} from '../sharedProjections';
import { defineAdapter } from '../types';

export const vera = defineAdapter({
  id: 'vera',
  label: 'VeRA',
  summary:
    'W + diag(λb)·B·diag(λd)·A: A and B are random, frozen and shared by all layers, only two vectors per layer are trained. The fewest parameters of all. Merges exactly.',
  paper: 'https://arxiv.org/abs/2310.11454',
  peft: { peft_type: 'VERA', use_dora: false },
  config: projectionFields,
  supports: () => true,
  params: vectorSpecs,
  shared: projectionSpecs,
  configOf: (_site, config) => config,
  mergedWeight: (baseWeight, { vera_lambda_b, vera_lambda_d }, _config, shared) => {
    const [output = 0, input = 0] = baseWeight.type.shape;
    const own = projectionsOf(shared, input, output);
    return add(gemm(scaledB(own, vera_lambda_b, vera_lambda_d), own.a), baseWeight);
  },
  unmergedWeight: (mergedWeight, { vera_lambda_b, vera_lambda_d }, _config, shared) => {
    const [output = 0, input = 0] = mergedWeight.type.shape;
    const own = projectionsOf(shared, input, output);
    return add(gemm(scaledB(own, vera_lambda_b, vera_lambda_d), own.a, { alpha: -1 }), mergedWeight);
  },
  forward: ({ site, x, params, shared, baseOutput, dropout }) => {
    const own = projectionsOf(shared, site.inFeatures, site.outFeatures);
    return add(branch(dropout(x), own, params.vera_lambda_b, params.vera_lambda_d), baseOutput());
  },
  factors: vectorFactors,
  activity: [...projectionActivity, deltaNorm],
  dropout: (config) => config.vera_dropout,
  selection: projectionSelection,
});
