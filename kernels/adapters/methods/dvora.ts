/**
 * @file DVoRA: DoRA whose direction is updated by VeRA's branch (Liu et al. 2024, section 5.2; no code was released).
 * W' = diag(m/c)·V with V = W + diag(λ_b)·B·diag(λ_d)·A, c the row norms of V, detached in the backward pass as in DoRA.
 */
import type { Value } from '../../graph/graph';
import { add, div, gemm, mul, stopGradient, sub } from '../../graph/ops';
import { directionTurn, magnitudeDrift, rowTurn } from '../magnitudeActivity';
import { projectionActivity } from '../projectionActivity';
import { column, factoredNorm, rowNorm } from '../rowNorms';
import {
  projectionFields,
  projectionSelection,
  projectionSpecs,
  projectionsOf,
  scaledB,
  vectorFactors,
  vectorSpecs,
} from '../sharedProjections';
import { defineAdapter } from '../types';

export const dvora = defineAdapter({
  id: 'dvora',
  label: 'DVoRA',
  summary:
    "diag(m/‖V‖)·V with V = W + diag(λb)·B·diag(λd)·A: DoRA whose direction is turned by VeRA's two vectors. Merges exactly.",
  paper: 'https://arxiv.org/abs/2402.09353',
  peft: { peft_type: 'VERA', use_dora: true },
  config: projectionFields,
  supports: () => true,
  params: (site, config) => ({
    ...vectorSpecs(site, config),
    lora_magnitude_vector: {
      shape: [site.outFeatures],
      init: { kind: 'baseRowNorms' },
      trainable: true,
      decays: false,
    },
  }),
  shared: projectionSpecs,
  configOf: (_site, config) => config,
  mergedWeight: (baseWeight, params, _config, shared) => {
    const v = direction(baseWeight, params, shared, 1);
    return mul(v, column(div(params.lora_magnitude_vector, rowNorm(v))));
  },
  // As in DoRA: the norm is that of the base the merge met.
  mergeRecord: (baseWeight, params, _config, shared) => ({ norm: rowNorm(direction(baseWeight, params, shared, 1)) }),
  unmergedWeight: (mergedWeight, params, _config, shared, _previous, { norm }) => {
    if (!norm) throw new Error('the norms of the merge are missing');
    return direction(mul(mergedWeight, column(div(norm, params.lora_magnitude_vector))), params, shared, -1);
  },
  forward: ({ site, x, params, shared, baseWeight, baseBias, baseOutput, dropout }) => {
    const own = projectionsOf(shared, site.inFeatures, site.outFeatures);
    const b = scaledB(own, params.vera_lambda_b, params.vera_lambda_d);
    const g = div(params.lora_magnitude_vector, stopGradient(factoredNorm(baseWeight(), own.a, b, 1)));
    const dropped = dropout(x);
    const product = gemm(dropped, baseWeight(), { transB: true });
    const scaled = mul(gemm(gemm(dropped, own.a, { transB: true }), b, { transB: true, c: product }), g);
    if (dropped !== x) return add(sub(scaled, product), baseOutput());
    const bias = baseBias();
    return bias ? add(scaled, bias) : scaled;
  },
  direction: (params, site, config, shared) => vectorFactors(params, site, config, shared),
  probes: ({ site, baseWeight, params, shared }) => {
    const own = projectionsOf(shared, site.inFeatures, site.outFeatures);
    return { turn: rowTurn(baseWeight(), own.a, scaledB(own, params.vera_lambda_b, params.vera_lambda_d), 1) };
  },
  activity: [magnitudeDrift, directionTurn, ...projectionActivity],
  dropout: (config) => config.vera_dropout,
  selection: projectionSelection,
});

/** weight ± diag(λ_b)·B·diag(λ_d)·A: [out, in]. */
function direction(weight: Value, params: Vectors, shared: Readonly<Record<string, Value>>, sign: 1 | -1): Value {
  const [output = 0, input = 0] = weight.type.shape;
  const own = projectionsOf(shared, input, output);
  return add(gemm(scaledB(own, params.vera_lambda_b, params.vera_lambda_d), own.a, { alpha: sign }), weight);
}

type Vectors = Readonly<Record<'vera_lambda_b' | 'vera_lambda_d', Value>>;
