/**
 * @file DoRA: W' = diag(m/c)·V with V = W + s·B·A, c the row norms of V, m one trained magnitude per output (Liu et al.
 * 2024, equation 5; the axis is that of the released models, not of the paper's letters). The norm is detached in backward
 * unless told (section 4.3), so that c only scales. m starts as the row norms of W: a fresh adapter changes nothing.
 * Modules of `magnitude_only` have m alone, W' = diag(m/‖W‖)·W (section 5.4's reduced tuning granularity); files hold them as
 * DoRA of rank 1 with factors of zeros, which PEFT reads.
 */
import type { Value } from '../../graph/graph';
import { add, concat, div, gemm, mul, scale, stopGradient, sub } from '../../graph/ops';
import type { TargetSite } from '../../models/types';
import { choice, flag, list, part, text, union } from '../../util/fields';
import type { ConfigOf } from '../../util/fields';
import { factorStartField, factorStarts, principalRounds, startRefusal, storedStart } from '../factorStarts';
import { groupOf, lowRankEmbedded, lowRankFields, lowRankMerged, scalingOf } from '../lowRank';
import type { InitialFactor } from '../pissa';
import { doubled, initialFactorSpecs, joinFactors, residualLayer, residualWeight, splitFactors } from '../pissa';
import { column, factoredNorm, rowNorm } from '../rowNorms';
import { movedA, movedB } from '../lowRankActivity';
import { directionTurn, magnitudeDrift, rowTurn } from '../magnitudeActivity';
import { alphaPatternField, selectionFields, selectionOf, withPatterns } from '../selectionFields';
import { matchesModules } from '../targets';
import { defineAdapter } from '../types';
import type { NamedTensors } from '../types';

const name = text({ ...part });

const fields = {
  ...lowRankFields,
  init_lora_weights: factorStartField,
  norm_gradient: choice(['detached', 'full'], {
    default: 'detached',
    isTrainingOnly: true,
    label: 'Gradient of the norm',
    help: 'detached: the norm only scales and is a constant of the backward pass, as in the released models. full: the gradient flows through it, as equation 5 is written.',
  }),
  decay_magnitude: flag({
    default: false,
    isTrainingOnly: true,
    label: 'Decay the magnitude',
    help: 'Weight decay shrinks the magnitude too, as in PEFT, and with it the output of the layer. Off: only the factors decay.',
  }),
  magnitude_only: union(
    [text({ ...part, label: 'Regular expression', expected: 'a regular expression' }), list(name, { ...part })],
    {
      optional: true,
      isTrainingOnly: true,
      label: 'Magnitude only',
      help: 'Target modules of which only the magnitude is trained, one number per output, and not the direction: a list of names or a regular expression.',
    },
  ),
  ...selectionFields,
  ...alphaPatternField,
};

type Config = ConfigOf<typeof fields>;
type Factor = 'lora_A' | 'lora_B' | InitialFactor;

export const dora = defineAdapter<typeof fields, 'lora_magnitude_vector', Factor>({
  id: 'dora',
  label: 'DoRA',
  summary:
    'diag(m/‖V‖)·V with V = W + s·B·A: LoRA turns the rows of the weight, a trained magnitude m per output sets their lengths. Merges exactly.',
  paper: 'https://arxiv.org/abs/2402.09353',
  peft: { peft_type: 'LORA', use_dora: true, lora_bias: false },
  config: fields,
  moduleFields: ['magnitude_only'],
  supports: (site, config) => startRefusal(config.init_lora_weights, site, config.r) ?? true,
  params: (site, config) => {
    const { r, init_lora_weights: start } = config;
    const starts = factorStarts(start, site, r, scalingOf(config));
    return {
      ...(!isMagnitudeOnly(site, config) && {
        lora_A: { shape: [r, site.inFeatures], init: starts.A, trainable: true, ...groupOf(site) },
        lora_B: { shape: [site.outFeatures, r], init: starts.B, trainable: true, ...groupOf(site) },
        ...initialFactorSpecs(site, r, start, starts),
      }),
      lora_magnitude_vector: {
        shape: [site.outFeatures],
        init: { kind: 'baseRowNorms' },
        trainable: true,
        decays: config.decay_magnitude,
      },
    };
  },
  stored: (config, sites) => {
    const { init_lora_weights: start } = config;
    const isPrincipal = principalRounds(start) !== undefined;
    const magnitudes = sites.filter((site) => isMagnitudeOnly(site, config));
    if (magnitudes.length === 0 && storedStart(start) === start) return undefined;
    const written = isPrincipal ? doubled(config) : config;
    const rankOne = magnitudes.map(({ path }) => [path.replaceAll('.', '\\.'), 1] as const);
    const rankAt = ({ path }: TargetSite): number => withPatterns(path, config).r;
    return {
      config: {
        ...written,
        init_lora_weights: storedStart(start),
        magnitude_only: undefined,
        rank_pattern: { ...Object.fromEntries(rankOne), ...written.rank_pattern },
      },
      pack: (params, site) => {
        if (isMagnitudeOnly(site, config)) return { ...zeroFactors(site), ...params };
        return isPrincipal ? joinFactors(params, rankAt(site)) : params;
      },
      unpack: (stored, site) => {
        if (isMagnitudeOnly(site, config)) return withoutFactors(stored);
        return isPrincipal ? splitFactors(stored, rankAt(site)) : stored;
      },
    };
  },
  configOf: (site, config) => {
    const own = withPatterns(site.path, config);
    // There is no branch whose input could be dropped.
    return isMagnitudeOnly(site, config) ? { ...own, lora_dropout: 0 } : own;
  },
  mergedWeight: (baseWeight, params, config) => {
    const v = direction(baseWeight, params, config);
    return mul(v, column(div(params.lora_magnitude_vector, rowNorm(v))));
  },
  // The norm is that of the base the merge met: it cannot be told from the merged weight.
  mergeRecord: (baseWeight, params, config) => ({ norm: rowNorm(direction(baseWeight, params, config)) }),
  unmergedWeight: (mergedWeight, params, config, _shared, _previous, { norm }) => {
    if (!norm) throw new Error('the norms of the merge are missing');
    const v = mul(mergedWeight, column(div(norm, params.lora_magnitude_vector)));
    const { lora_A: a, lora_B: b } = params;
    const s = scalingOf(config);
    return a && b ? residualWeight(lowRankMerged(v, a, b, -s), params, -s) : v;
  },
  // Y = x·Wᵀ + b + (g − 1) ⊙ (x~·Wᵀ) + s·g ⊙ (x~·Aᵀ)·Bᵀ with g = m/c, x~ the input after dropout. Where nothing is dropped
  // the base product is shared: Y = g ⊙ (x·Wᵀ + s·(x·Aᵀ)·Bᵀ) + b.
  forward: (layer, config) => {
    const s = scalingOf(config);
    const { x, params, baseWeight, baseBias, baseOutput, dropout } = residualLayer(layer, s);
    const { lora_A: a, lora_B: b, lora_magnitude_vector: m } = params;
    const isFactored = a !== undefined && b !== undefined;
    const norm = isFactored ? factoredNorm(baseWeight(), a, b, s) : rowNorm(baseWeight());
    const g = div(m, config.norm_gradient === 'full' ? norm : stopGradient(norm));
    const dropped = dropout(x);
    const product = gemm(dropped, baseWeight(), { transB: true });
    const turned = isFactored
      ? gemm(gemm(dropped, a, { transB: true }), b, { transB: true, alpha: s, c: product })
      : product;
    const scaled = mul(turned, g);
    if (dropped !== x) return add(sub(scaled, product), baseOutput());
    const bias = baseBias();
    return bias ? add(scaled, bias) : scaled;
  },
  // The norms are those of the table's columns: one magnitude for each dimension of the embedding.
  embed: ({ x, params, baseWeight, baseOutput }, config) => {
    const { lora_A: a, lora_B: b, lora_magnitude_vector: m } = params;
    const s = scalingOf(config);
    const isFactored = a !== undefined && b !== undefined;
    const norm = isFactored ? factoredNorm(baseWeight(), a, b, s) : rowNorm(baseWeight());
    const rows = isFactored ? lowRankEmbedded(baseOutput(), x, a, b, s) : baseOutput();
    return mul(rows, div(m, config.norm_gradient === 'full' ? norm : stopGradient(norm)));
  },
  direction: ({ lora_A: a, lora_B: b, initial_A, initial_B }, _site, config) => {
    if (!a || !b) return undefined;
    const { r } = config;
    const scaling = scalingOf(config);
    if (!initial_A || !initial_B) return { a, b, rank: r, scaling };
    const { lora_A, lora_B } = joinFactors({ lora_A: a, lora_B: b, initial_A, initial_B }, r);
    return { a: lora_A, b: lora_B, rank: 2 * r, scaling };
  },
  probes: ({ baseWeight, params }, config): Readonly<Record<string, Value>> => {
    const { lora_A: a, lora_B: b, initial_A: a0, initial_B: b0 } = params;
    if (!a || !b) return {};
    const factors = a0 && b0 ? ([concat([a, a0], 0), concat([b, scale(b0, -1)], 1)] as const) : ([a, b] as const);
    return { turn: rowTurn(baseWeight(), ...factors, scalingOf(config)) };
  },
  activity: [magnitudeDrift, directionTurn, movedA, movedB],
  dropout: (config) => config.lora_dropout,
  selection: (config) => selectionOf(config),
});

const isMagnitudeOnly = ({ path }: TargetSite, { magnitude_only }: Config): boolean =>
  magnitude_only !== undefined && matchesModules(magnitude_only, path);

/** V = W + s·B·A, over W_res where the start was PiSSA's: [out, in]. */
function direction(weight: Value, params: Readonly<Partial<Record<Factor, Value>>>, config: Config): Value {
  const { lora_A: a, lora_B: b } = params;
  if (!a || !b) return weight;
  const s = scalingOf(config);
  return lowRankMerged(residualWeight(weight, params, s), a, b, s);
}

const zeroFactors = ({ inFeatures, outFeatures }: TargetSite): NamedTensors => ({
  lora_A: new Float32Array(inFeatures),
  lora_B: new Float32Array(outFeatures),
});

const withoutFactors = (stored: NamedTensors): NamedTensors =>
  Object.fromEntries(Object.entries(stored).filter(([name]) => !['lora_A', 'lora_B'].includes(name)));
