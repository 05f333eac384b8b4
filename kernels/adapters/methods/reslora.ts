/**
 * @file ResLoRA: LoRA whose branches are linked along the blocks, each projection with the same one of the blocks before
 * (Shi et al. 2024, equations 3 to 5). Input shortcut: B·A·(x_n + x_{n−1}); block shortcut: Σ_j B_{n−j}·A_{n−j}·x_n; middle
 * shortcut: B_n·Σ_j A_{n−j}·x_{n−j}. Gradients flow through all of them. Each term of the block shortcut has a mask of dropout
 * of its own. Only the block shortcut has an exact merge; the others are merged with norms measured in training (section 3.3), or
 * with the α that brings α·x_n nearest to what comes from the blocks before, by least squares over the same batches (ours).
 */
import * as l10n from '@vscode/l10n';
import type { Value } from '../../graph/graph';
import { add, addScalar, div, gemm, mul, reshape, scale, sqrt, sub, sumAll } from '../../graph/ops';
import { choice, integer } from '../../util/fields';
import type { ConfigOf } from '../../util/fields';
import { lowRankFields, lowRankForward, lowRankMerged, scalingOf } from '../lowRank';
import { movedA, movedB } from '../lowRankActivity';
import type { ActivityLayer, MethodFigure } from '../activity';
import { leastAboveZero } from '../activityFigures';
import { alphaPatternField, selectionFields, selectionOf, withPatterns } from '../selectionFields';
import { defineAdapter } from '../types';
import type { ByParam, Factors, LayerContext, ParamSpec, PreviousWeights } from '../types';

/** Latest batches that are measured, as in the released code. */
const WINDOW = 100;
const MERGE_WAYS = ['input', 'weight', 'least_squares'] as const;

const fields = {
  ...lowRankFields,
  variant: choice(['is', 'bs', 'ms'], {
    default: 'bs',
    label: 'Shortcut',
    help: 'is: the input of the block before is added to the input. bs: the branches of the blocks before are added to the branch; the only one with an exact merge. ms: what the blocks before compressed is added before the second factor.',
  }),
  pre_num: integer({
    default: 1,
    min: -1,
    label: 'Blocks before',
    help: 'How many blocks before are linked with bs and ms; -1: all of them. The input shortcut always links one. Four or five do best in the paper.',
  }),
  window: integer({
    default: WINDOW,
    min: 1,
    max: 100_000,
    isTrainingOnly: true,
    unit: 'batches',
    label: 'Measured batches',
    help: 'Norms for the merge of is and ms are means over this many latest batches.',
  }),
  merge: choice(MERGE_WAYS, {
    isTrainingOnly: true,
    default: 'input',
    label: 'Merge by',
    help: 'How is and ms are merged, which is never exact: by the norms of what went into the branches, by those of the weights (is) or inputs (ms), or by the factor that fits what went in best. Merging shows the error of each.',
  }),
  ...selectionFields,
  ...alphaPatternField,
};

type Config = ConfigOf<typeof fields>;
type Param = 'lora_A' | 'lora_B';
type Measured = 'reslora_f_x' | 'reslora_f_ax' | 'reslora_dot' | 'reslora_square';
type Params = ByParam<Param, Measured, Value>;
type Previous = PreviousWeights<Param, Measured>;

type ResFigure = MethodFigure<Config, Param, Measured>;

const shortcutShare: ResFigure = {
  id: 'shortcut-share',
  label: 'Smallest share of a branch’s output that arrives through shortcuts',
  unit: 'share',
  rule: 'above 0 in every linked layer',
  measure: (run) =>
    leastAboveZero(run, ({ probes }) => {
      const { shortcut, part = 0 } = probes ?? {};
      return shortcut === undefined ? undefined : part > 0 ? shortcut / part : 0;
    }),
};

/** Norms of a window of batches are never exactly the 1 that stands there before. */
const hasNorms = (now: Readonly<Record<string, Float32Array>>): boolean =>
  ['reslora_f_x', 'reslora_f_ax'].every((name) => now[name]?.[0] !== 1);

/** α of a layer with a block before, as the merge by inputs takes it; undefined for the first of a chain. */
function alphaOf({ now, previous, config }: ActivityLayer<Config, Param, Measured>): number | undefined {
  const name = config.variant === 'is' ? 'reslora_f_x' : 'reslora_f_ax';
  const before = [...linked(previous, config)];
  if (before.length === 0) return undefined;
  return before.reduce((sum, layer) => sum + (layer.now[name]?.[0] ?? NaN), 0) / (now[name]?.[0] ?? NaN);
}

const alpha = (which: 'least' | 'most', label: string): ResFigure => ({
  id: `alpha-${which}`,
  label,
  unit: 'number',
  rule: 'finite and above 0, from norms that were measured',
  applies: ({ config }) => config.variant !== 'bs' && config.merge === 'input',
  measure: ({ layers, updates }) => {
    const values = layers.flatMap((layer) => {
      const value = alphaOf(layer);
      return value === undefined ? [] : [{ value, where: layer.site.path }];
    });
    const sign = which === 'least' ? 1 : -1;
    const [chosen] = values.toSorted((a, b) => sign * (a.value - b.value));
    if (!chosen || updates === 0) return { value: null, isMet: null };
    const isMet = layers.every(({ now }) => hasNorms(now)) && Number.isFinite(chosen.value) && chosen.value > 0;
    return { ...chosen, isMet };
  },
});

const normsMeasured: ResFigure = {
  id: 'norms-measured',
  label: 'Layers whose norms for the merge were measured',
  unit: 'share',
  rule: 'all {0}',
  applies: ({ config }) => config.variant !== 'bs',
  measure: ({ layers, updates }) => {
    const missing = layers.find(({ now }) => !hasNorms(now));
    const value = layers.filter(({ now }) => hasNorms(now)).length / layers.length;
    const place = missing && { where: missing.site.path };
    return { value, ...place, isMet: updates === 0 ? null : missing === undefined, ruleValues: [layers.length] };
  },
};

const measuredActivity = [
  normsMeasured,
  alpha('least', 'Smallest α of the layers'),
  alpha('most', 'Largest α of the layers'),
];

/** A norm that was never measured, so that a fresh adapter can be merged. */
const MEASURED: ParamSpec = { shape: [], init: { kind: 'constant', value: 1 }, trainable: false, isMeasured: true };

export const reslora = defineAdapter<typeof fields, Param, Measured>({
  id: 'reslora',
  label: 'ResLoRA',
  summary:
    'LoRA whose branches are linked along the blocks, so that gradients take a shorter way. The block shortcut merges exactly; the input and the middle shortcut only approximately, with an error that the merge reports.',
  paper: 'https://arxiv.org/abs/2402.18039',
  peft: { peft_type: 'LORA', use_dora: false, lora_bias: false },
  ownKeys: {
    name: 'reslora',
    write: ({ variant, pre_num, window, merge }) => ({ variant, pre_num, window, merge }),
    read: ({ variant, pre_num, window, merge }) => ({ variant, pre_num, window, merge }),
  },
  config: fields,
  supports: (_, { variant, pre_num, window, merge }) => {
    if (pre_num === 0) {
      return { key: 'pre_num', reason: l10n.t('pre_num 0 links nothing; use lora, or link at least one block') };
    }
    if (variant === 'is' && pre_num !== 1) {
      const reason = l10n.t('the input shortcut always links one block; leave pre_num out or choose bs or ms');
      return { key: 'pre_num', reason };
    }
    if (variant === 'bs' && merge !== 'input') {
      return { key: 'merge', reason: l10n.t('bs has an exact merge; leave merge out') };
    }
    if (variant === 'bs' && window !== WINDOW) {
      return { key: 'window', reason: l10n.t('bs has an exact merge and measures nothing; leave window out') };
    }
    return true;
  },
  links: (config) => ({ key: 'pre_num', blocks: mostLinked(config) }),
  params: (site, { r, variant }) => ({
    lora_A: { shape: [r, site.inFeatures], init: { kind: 'kaimingUniform' }, trainable: true },
    lora_B: { shape: [site.outFeatures, r], init: { kind: 'zeros' }, trainable: true },
    ...(variant !== 'bs' && { reslora_f_x: MEASURED, reslora_dot: MEASURED, reslora_square: MEASURED }),
    ...(variant === 'ms' && { reslora_f_ax: MEASURED }),
  }),
  configOf: ({ path }, config) => withPatterns(path, config),
  mergedWeight: (weight, params, config, _shared, previous) => delta(weight, params, config, previous, 1),
  mergeRecord: (_weight, _params, config, _shared, previous) => {
    const alpha = config.variant === 'is' && config.merge === 'weight' ? weightRatio(config, previous) : undefined;
    return alpha ? { alpha: reshape(alpha, [1]) } : {};
  },
  unmergedWeight: (weight, params, config, _shared, previous, { alpha }) =>
    delta(weight, params, config, previous, -1, alpha),
  approximates: ({ variant }) =>
    variant === 'bs'
      ? undefined
      : l10n.t(
          'the shortcut joins inputs of two layers, so no single weight does the same: the merge stands in for it with norms',
        ),
  forward: (layer, config) => {
    const { x, params, baseOutput, dropout, previous } = layer;
    const s = scalingOf(config);
    const { lora_A: a, lora_B: b } = params;
    const before = [...linked(previous, config)];
    if (config.variant === 'is') {
      const joined = before[0] ? add(x, before[0].x) : scale(x, 2);
      return lowRankForward(baseOutput(), dropout(joined), a, b, s);
    }
    if (config.variant === 'bs') {
      const own = lowRankForward(baseOutput(), dropout(x), a, b, s);
      return before.reduce(
        (sum, { params: p }, j) => lowRankForward(sum, dropout(x, j + 1), p.lora_A, p.lora_B, s),
        own,
      );
    }
    const compressed = [layer, ...before]
      .map((l) => gemm(l.dropout(l.x), l.params.lora_A, { transB: true }))
      .reduce((sum, v) => add(sum, v));
    return gemm(compressed, b, { transB: true, alpha: s, c: baseOutput() });
  },
  mergeWays: ({ variant }) => (variant === 'bs' ? undefined : { key: 'merge', ways: MERGE_WAYS }),
  factors: ({ lora_A: a, lora_B: b, ...own }, _site, config, _shared, previous) => {
    const { r: rank, variant, merge } = config;
    const scaling = scalingOf(config);
    const before = [...linked(previous, config)];
    if (variant === 'bs') return stacked([{ lora_A: a, lora_B: b }, ...before], rank, scaling);
    const share = (of: 'reslora_f_x' | 'reslora_f_ax', p: Values): number =>
      (p[of]?.[0] ?? NaN) / (own[of]?.[0] ?? NaN);
    if (merge === 'least_squares' && before.length > 0) {
      const alpha = (own.reslora_dot?.[0] ?? NaN) / (own.reslora_square?.[0] ?? NaN);
      return { a, b, rank, scaling: (1 + alpha) * scaling };
    }
    if (variant === 'is') {
      // By weight, the norms of base weights say how much.
      if (merge === 'weight' && before.length > 0 && previous(2)) return undefined;
      const alpha = merge === 'weight' || !before[0] ? 1 : share('reslora_f_x', before[0]);
      return { a, b, rank, scaling: (1 + alpha) * scaling };
    }
    const shares = before.map((p) => share(merge === 'input' ? 'reslora_f_ax' : 'reslora_f_x', p));
    if (merge === 'input') return { a, b, rank, scaling: shares.reduce((sum, v) => sum + v, 1) * scaling };
    const summed = a.map((v, i) => before.reduce((sum, p, j) => sum + (shares[j] ?? NaN) * (p.lora_A[i] ?? NaN), v));
    return { a: summed, b, rank, scaling };
  },
  measuredBatches: ({ window }) => window,
  measures: (layer, config) => {
    const { x, previous } = layer;
    const { variant } = config;
    if (variant === 'bs') return {};
    // What the shortcut adds stands for α times what the block has itself: inputs, or what A makes of them.
    const compressed = (l: Pick<typeof layer, 'x' | 'params'>): Value => gemm(l.x, l.params.lora_A, { transB: true });
    const passed = (l: Pick<typeof layer, 'x' | 'params'>): Value => (variant === 'is' ? l.x : compressed(l));
    const own = passed(layer);
    const [first, ...others] = [...linked(previous, config)].map(passed);
    const square = sumAll(mul(own, own));
    // The first block adds itself once more with is, and nothing with ms.
    const added = first ? others.reduce((sum, v) => add(sum, v), first) : scale(own, variant === 'is' ? 1 : 0);
    return {
      reslora_f_x: norm(x),
      ...(variant === 'ms' && { reslora_f_ax: norm(own) }),
      reslora_dot: sumAll(mul(added, own)),
      reslora_square: square,
    };
  },
  // What the shortcuts bring is what is missing when the blocks before send nothing but zeros.
  probes: ({ output, baseOutput, forwardWith, previous }) => {
    if (!previous(1)) return {};
    const silent = forwardWith({
      previous: (back) => {
        const layer = previous(back);
        return layer && { ...layer, params: mapValues(layer.params, (v) => scale(v, 0)), x: scale(layer.x, 0) };
      },
    });
    return { shortcut: norm(sub(output, silent)), part: norm(sub(output, baseOutput())) };
  },
  activity: [shortcutShare, ...measuredActivity, movedA, movedB],
  dropout: (config) => config.lora_dropout,
  dropoutTerms: (config, before) => (config.variant === 'bs' ? 1 + Math.min(before, mostLinked(config)) : 1),
  selection: (config) => selectionOf(config),
});

const mapValues = (values: Params, change: (v: Value) => Value): Params =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)])) as Params; // the same names

const mostLinked = ({ variant, pre_num }: Config): number =>
  variant === 'is' ? 1 : pre_num === -1 ? Infinity : pre_num;

/** The layers before that this one is linked with, nearest first. */
function* linked<L>(previous: (back: number) => L | null, config: Config): Generator<L> {
  const most = mostLinked(config);
  for (let back = 1; back <= most; back++) {
    const layer = previous(back);
    if (!layer) return;
    yield layer;
  }
}

type Values = ByParam<Param, Measured, Float32Array>;

/** The branches of several layers as one of the sum of their ranks. */
function stacked(layers: readonly Pick<Values, 'lora_A' | 'lora_B'>[], rank: number, scaling: number): Factors {
  const all = layers.length * rank;
  const inFeatures = (layers[0]?.lora_A.length ?? 0) / rank;
  const outFeatures = (layers[0]?.lora_B.length ?? 0) / rank;
  const a = new Float32Array(all * inFeatures);
  const b = new Float32Array(outFeatures * all);
  layers.forEach(({ lora_A, lora_B }, layer) => {
    a.set(lora_A, layer * lora_A.length);
    for (let row = 0; row < outFeatures; row++) {
      b.set(lora_B.subarray(row * rank, (row + 1) * rank), row * all + layer * rank);
    }
  });
  return { a, b, rank: all, scaling };
}

/** weight + sign·ΔW with the ΔW of the paper's section 3.3; `noted`: the ratio of weights that a merge was made with. */
function delta(weight: Value, params: Params, config: Config, previous: Previous, sign: 1 | -1, noted?: Value): Value {
  const s = sign * scalingOf(config);
  const { lora_A: a, lora_B: b } = params;
  const before = [...linked(previous, config)];
  const [nearest] = before;
  if (config.variant === 'bs') {
    const own = lowRankMerged(weight, a, b, s);
    return before.reduce((sum, { params: p }) => lowRankMerged(sum, p.lora_A, p.lora_B, s), own);
  }
  const times = (factor: Value): Value => add(mul(gemm(b, a, { alpha: s }), factor), weight);
  if (config.merge === 'least_squares' && nearest) {
    const { reslora_dot: dot, reslora_square: square } = params;
    if (!dot || !square) throw new Error('what least squares needs is not measured in this variant');
    return times(addScalar(div(dot, square), 1));
  }
  if (config.variant === 'is') {
    if (!nearest) return lowRankMerged(weight, a, b, 2 * s);
    if (config.merge === 'input') return times(addScalar(share('reslora_f_x', nearest.params, params), 1));
    const ratio = noted ?? weightRatio(config, previous);
    // 1 for the second block of a chain: there is no weight two blocks before.
    return ratio ? times(addScalar(ratio, 1)) : lowRankMerged(weight, a, b, 2 * s);
  }
  if (!nearest) return lowRankMerged(weight, a, b, s);
  if (config.merge === 'input') {
    const shares = before.map(({ params: p }) => share('reslora_f_ax', p, params));
    return times(
      addScalar(
        shares.reduce((sum, v) => add(sum, v)),
        1,
      ),
    );
  }
  const summed = before.reduce((sum, { params: p }) => add(sum, mul(p.lora_A, share('reslora_f_x', p, params))), a);
  return lowRankMerged(weight, summed, b, s);
}

/** A mean norm of a block before as a share of this block's own. */
function share(name: Measured, before: Params, own: Params): Value {
  const [a, b] = [before[name], own[name]];
  if (!a || !b) throw new Error(`${name} is not measured in this variant`);
  return div(a, b);
}

/** ‖W*‖ two blocks before to that of the block before, W* the merged weights; undefined where there are no two. */
function weightRatio(config: Config, previous: Previous): Value | undefined {
  const [nearest, second] = [previous(1), previous(2)];
  return nearest && second ? div(mergedNorm(second, config), mergedNorm(nearest, config)) : undefined;
}

/** ‖W + s·B·A‖ of a block before. */
function mergedNorm(layer: NonNullable<ReturnType<Previous>>, config: Config): Value {
  return norm(lowRankMerged(layer.baseWeight(), layer.params.lora_A, layer.params.lora_B, scalingOf(config)));
}

/** Frobenius norm, a scalar. */
const norm = (v: LayerContext['x']): Value => sqrt(sumAll(mul(v, v)));
