/**
 * @file MoRA: one trained square matrix M [r̂, r̂] between a fixed compression of the input and a fixed decompression of the
 * output, with as many parameters as LoRA of rank r but an update of rank up to r̂, or more (Jiang et al. 2024). No alpha.
 */
import * as l10n from '@vscode/l10n';
import { add, sub } from '../../graph/ops';
import { choice, integer, number } from '../../util/fields';
import type { ConfigOf } from '../../util/fields';
import type { TargetSite } from '../../models/types';
import type { Fix } from '../../protocol/errors';
import type { MethodFigure } from '../activity';
import { isSettled } from '../activity';
import { eliminationRank, leastAboveZero, norm, numericalRank } from '../activityFigures';
import { selectionFields, selectionOf, withRankPattern } from '../selectionFields';
import { foldedLinear, isFoldedCheaper } from '../squareFolded';
import { MORA_TYPES, squareDelta, squareFactors, squareForward } from '../squareOperators';
import { squareCores } from '../squareCores';
import { defineAdapter } from '../types';

const fields = {
  r: integer({
    default: 8,
    min: 1,
    label: 'Equivalent rank',
    help: 'Rank r of the LoRA with as many parameters: M has the size r̂ ≈ √((in + out)·r). It is not the rank of the update, which is larger.',
  }),
  mora_type: choice(MORA_TYPES, {
    default: 6,
    label: 'Operator',
    help: '6 rotates blocks of the input and suits small ranks; 1 to 4 share rows and columns and suit large ranks and ReMoRA; truncate and decouple are the simpler operators of the paper, without released code.',
  }),
  mora_rounding: choice(['nearest', 'floor'], {
    default: 'nearest',
    label: 'Rounding of r̂',
    help: 'nearest is the rule of the released code, which may exceed the parameters of LoRA a little; floor is that of the paper and never does. Operator 6 needs an even r̂ in both.',
  }),
  lora_dropout: number({
    default: 0,
    min: 0,
    below: 1,
    isTrainingOnly: true,
    label: 'Dropout',
    help: 'Probability with which an input of the adapter branch is dropped in training. The base path is never dropped.',
  }),
  ...selectionFields,
};

type Config = ConfigOf<typeof fields>;

/** The operators that have a successor (released code): the sharing ones. */
const SHARING_TURNS = [1, 2, 3, 4] as const;

/** r̂: nearest to, or not above, √((in + out)·r); even for rotations (released code; section 4.1 of the paper for `floor`). */
export function squareSize({ inFeatures, outFeatures }: TargetSite, { r, mora_type, mora_rounding }: Config): number {
  const exact = Math.sqrt((inFeatures + outFeatures) * r);
  const size = mora_rounding === 'floor' ? Math.floor(exact) : Math.floor(exact + 0.5);
  return mora_type === 6 ? 2 * Math.floor(size / 2) : size;
}

const matrixNorm: MethodFigure<Config, 'lora_A'> = {
  id: 'matrix-norm',
  label: 'Smallest norm of M',
  unit: 'number',
  rule: 'above 0 in every layer',
  measure: (run) => leastAboveZero(run, ({ now }) => norm(now.lora_A)),
};

const deltaRank: MethodFigure<Config, 'lora_A'> = {
  id: 'delta-rank',
  label: 'Smallest rank of ΔW',
  unit: 'count',
  rule: 'above {0}, the most that LoRA reaches with as many parameters; r̂ is {1}',
  measure: (run) => {
    const ranks = run.layers.flatMap(({ site, config, singularValues }) =>
      singularValues
        ? [{ site, r: config.r, value: numericalRank(singularValues), size: squareSize(site, config) }]
        : [],
    );
    const worst = ranks.toSorted((a, b) => a.value - a.r - (b.value - b.r))[0];
    if (!worst) return { value: null, isMet: null, ruleValues: [run.config.r, '…'] };
    const { site, value, r, size } = worst;
    const isMet = value > r;
    return { value, where: site.path, ruleValues: [r, size], isMet: isMet || isSettled(run) ? isMet : null };
  },
};

const matrixRank: MethodFigure<Config, 'lora_A'> = {
  id: 'matrix-rank',
  label: 'Rank of M where ΔW has the smallest rank',
  unit: 'count',
  rule: 'above r = {0}; r̂ is {1}',
  measure: (run) => {
    // One layer: where blocks repeat M, ΔW has a multiple of its rank and cannot tell.
    const ranked = run.layers.toSorted((a, b) => rankOf(a.singularValues) - rankOf(b.singularValues));
    const [layer] = ranked;
    if (!layer) return { value: null, isMet: null, ruleValues: [run.config.r, '…'] };
    const size = squareSize(layer.site, layer.config);
    const { r } = layer.config;
    const value = eliminationRank(layer.now.lora_A, size);
    const isMet = value > r;
    return { value, where: layer.site.path, ruleValues: [r, size], isMet: isMet || isSettled(run) ? isMet : null };
  },
};

/** An operator that has no successor, with the lines that would give it one: the default is one of these. */
function outOfTurn(first: Config['mora_type'], types: readonly unknown[] | undefined) {
  const turns = types ? l10n.t('mora_types {0}', types.join(', ')) : l10n.t('the turns 1, 2, 3, 4');
  const isDefault = first === fields.mora_type.default;
  const operator = isDefault ? l10n.t('mora_type {0}, the default,', first) : l10n.t('mora_type {0}', first);
  const successor = SHARING_TURNS.find((turn) => types?.includes(turn)) ?? SHARING_TURNS[0];
  const take = l10n.t(
    '{0} is none of {1}: add the line "mora_type: {2}" to the section adapter',
    operator,
    turns,
    successor,
  );
  // Rotations cannot take turns, but a run may merge and begin anew with the same.
  const canStay = first === 6;
  const reason = canStay ? l10n.t('{0}, or "mora_types: [{1}]" to the section relora to keep it', take, first) : take;
  const fixes = [
    writeFix(['adapter', 'mora_type'], successor),
    ...(canStay ? [writeFix(['relora', 'mora_types'], [first])] : []),
  ];
  return { reason, fixes };
}

const writeFix = (path: readonly string[], value: unknown): Fix => ({
  title: l10n.t('Write {0}', `${path.at(-1) ?? ''}: ${JSON.stringify(value)}`),
  edits: [{ kind: 'set', path, value }],
});

const rankOf = (values: ArrayLike<number> | undefined): number => (values ? numericalRank(values) : Infinity);

export const mora = defineAdapter({
  id: 'mora',
  label: 'MoRA',
  summary:
    'W + D·M·C: one trained square matrix M between a fixed compression of the input and a fixed decompression of the output. As many parameters as LoRA of rank r, an update of far higher rank. Merges exactly.',
  paper: 'https://arxiv.org/abs/2405.12130',
  peft: { peft_type: 'LORA', use_mora: true, use_dora: false },
  config: fields,
  supports: (site, config) => {
    const size = squareSize(site, config);
    const shortest = Math.min(site.inFeatures, site.outFeatures);
    if (size < 1 || (config.mora_type === 6 && size < 2)) {
      return { key: 'r', reason: l10n.t('r̂ would be {0}; choose a larger r', size) };
    }
    if (config.mora_type === 'truncate' && size > shortest) {
      return {
        key: 'r',
        reason: l10n.t('truncate needs r̂ ≤ {0}, the shorter side; it would be {1}, choose a smaller r', shortest, size),
      };
    }
    return true;
  },
  params: (site, config) => {
    const size = squareSize(site, config);
    return { lora_A: { shape: [size, size], init: { kind: 'zeros' }, trainable: true } };
  },
  // ReMoRA: the sharing operators take turns, so that their updates lie in different spaces. r̂ is the same for all of them.
  configOfCycle: (config, cycle, types) => {
    const first = config.mora_type;
    const turns: readonly unknown[] = types ?? SHARING_TURNS;
    if (turns.length === 1 && turns[0] === first) return { config };
    const at = turns.indexOf(first);
    if (types?.some((type) => !SHARING_TURNS.some((turn) => turn === type))) {
      const reason = l10n.t(
        'only the operators 1 to 4 can take turns; name those of them that should, or one alone, the mora_type, to keep it',
      );
      return { reason, fixes: [writeFix(['relora', 'mora_types'], [...SHARING_TURNS])] };
    }
    if (at < 0) return outOfTurn(first, types);
    const mora_type = SHARING_TURNS.find((turn) => turn === turns[(at + cycle - 1) % turns.length]) ?? first;
    return { config: { ...config, mora_type } };
  },
  // The files of the authors hold M twice.
  copies: { lora_B: 'lora_A' },
  configOf: ({ path }, config) => withRankPattern(path, config),
  mergedWeight: (baseWeight, { lora_A: m }, { mora_type }) => {
    const [out = 0, input = 0] = baseWeight.type.shape;
    return add(baseWeight, squareDelta(m, input, out, mora_type));
  },
  unmergedWeight: (mergedWeight, { lora_A: m }, { mora_type }) => {
    const [out = 0, input = 0] = mergedWeight.type.shape;
    return sub(mergedWeight, squareDelta(m, input, out, mora_type));
  },
  forward: ({ site, x, params, baseWeight, baseBias, baseOutput, dropout }, { mora_type }) => {
    const [tokens = 0] = x.type.shape;
    const dropped = dropout(x);
    const isFolded = dropped === x && isFoldedCheaper(tokens, site.inFeatures, site.outFeatures, mora_type);
    if (isFolded) return foldedLinear(x, baseWeight, baseBias(), params.lora_A, mora_type);
    return add(squareForward(dropped, params.lora_A, site.outFeatures, mora_type), baseOutput());
  },
  cores: ({ lora_A: m }, { inFeatures, outFeatures }, { mora_type }) =>
    squareCores(m, Math.sqrt(m.length), inFeatures, outFeatures, mora_type),
  factors: ({ lora_A: m }, { inFeatures, outFeatures }, { mora_type }) => {
    const factors = squareFactors(m, inFeatures, outFeatures, mora_type);
    return factors && { ...factors, scaling: 1 };
  },
  activity: [matrixNorm, matrixRank, deltaRank],
  dropout: (config) => config.lora_dropout,
  selection: (config) => selectionOf(config),
});
