/**
 * @file AsyLoRA: LoRA with one factor frozen (Zhu et al. 2024). The authors recommend a random A with orthonormal rows that
 * stays as it is, and B trained from zero: half the trained parameters of LoRA at the same rank, and no gradient of A.
 */
import * as l10n from '@vscode/l10n';
import { choice } from '../../util/fields';
import type { ConfigOf } from '../../util/fields';
import { lowRankFields, lowRankForward, lowRankMerged, scalingOf } from '../lowRank';
import type { MethodFigure } from '../activity';
import { deltaNorm, distance, gramDefect, largestChange, leastAboveZero, mostUpTo } from '../activityFigures';
import { deltaRank, scalingInEffect, scalingProbes } from '../lowRankActivity';
import { alphaPatternField, selectionFields, selectionOf, withPatterns } from '../selectionFields';
import { defineAdapter } from '../types';
import type { Init, ParamSpec } from '../types';

const STARTS = ['orthonormal', 'gaussian', 'kaiming', 'base-singular'] as const;

const fields = {
  ...lowRankFields,
  frozen: choice(['A', 'B'], {
    default: 'A',
    label: 'Frozen factor',
    help: 'The factor that keeps its start; the other one is trained from zero. Freezing A is what the authors recommend.',
  }),
  frozen_init: choice(STARTS, {
    default: 'orthonormal',
    isTrainingOnly: true,
    label: 'Start of the frozen factor',
    help: 'orthonormal: random directions at right angles. gaussian, kaiming: random entries. base-singular: the first singular vectors of the base weight, those of the inputs for A, those of the outputs for B.',
  }),
  ...selectionFields,
  ...alphaPatternField,
};

type FactorFigure = MethodFigure<ConfigOf<typeof fields>, 'lora_A' | 'lora_B'>;
const frozenOf = ({ frozen }: ConfigOf<typeof fields>) => (frozen === 'A' ? 'lora_A' : 'lora_B');
const trainedOf = ({ frozen }: ConfigOf<typeof fields>) => (frozen === 'A' ? 'lora_B' : 'lora_A');

const frozenChange: FactorFigure = {
  id: 'frozen-change',
  label: 'Largest change in the frozen factor',
  unit: 'number',
  rule: 'exactly 0',
  measure: ({ layers, config }) =>
    mostUpTo(
      layers.map(({ site, now, start }) => {
        const param = frozenOf(config);
        return { value: largestChange(now[param], start[param]), where: site.path };
      }),
      0,
    ),
};

/** What float32 leaves of a right angle. */
const ORTHONORMAL_TOLERANCE = 1e-5;

const frozenOrthonormal: FactorFigure = {
  id: 'frozen-orthonormal',
  label: 'Largest defect of the frozen factor’s right angles',
  unit: 'number',
  rule: 'at most {0}',
  applies: ({ config }) => config.frozen_init === 'orthonormal',
  measure: ({ layers, config }) => ({
    ...mostUpTo(
      layers.map(({ site, now, config: { r } }) => {
        return { value: gramDefect(now[frozenOf(config)], r, config.frozen), where: site.path };
      }),
      ORTHONORMAL_TOLERANCE,
    ),
    ruleValues: [ORTHONORMAL_TOLERANCE],
  }),
};

const trainedMoved: FactorFigure = {
  id: 'trained-moved',
  label: 'Smallest change of the trained factor',
  unit: 'number',
  rule: 'above 0 in every layer',
  measure: (run) =>
    leastAboveZero(run, ({ now, start }) => {
      const param = trainedOf(run.config);
      return distance(now[param], start[param]);
    }),
};

export const asylora = defineAdapter({
  id: 'asylora',
  label: 'AsyLoRA',
  summary:
    'W + s·B·A with one factor frozen at a random start (A, unless told) and the other trained from zero: half the parameters of LoRA at the same rank. Merges exactly.',
  paper: 'https://arxiv.org/abs/2402.16842',
  peft: { peft_type: 'LORA', use_dora: false, lora_bias: false },
  ownKeys: {
    name: 'asylora',
    write: ({ frozen, frozen_init }) => ({
      frozen,
      initA: frozen === 'A' ? frozen_init : 'zero',
      initB: frozen === 'B' ? frozen_init : 'zero',
    }),
    read: ({ frozen, initA, initB }) => ({ frozen, frozen_init: frozen === 'B' ? initB : initA }),
  },
  config: fields,
  supports: ({ inFeatures, outFeatures }, { r, frozen, frozen_init }) => {
    const isFromBase = frozen_init === 'base-singular';
    const most = isFromBase ? Math.min(inFeatures, outFeatures) : frozen === 'A' ? inFeatures : outFeatures;
    const isBounded = isFromBase || frozen_init === 'orthonormal';
    if (!isBounded || r <= most) return true;
    return {
      key: 'r',
      limit: most,
      reason: l10n.t('there are no {0} such directions at right angles in {1} features; choose r ≤ {1}', r, most),
    };
  },
  params: (site, { r, frozen, frozen_init }) => {
    const frozenFactor = (side: 'A' | 'B'): Pick<ParamSpec, 'init' | 'trainable'> => ({
      init: startOf(frozen_init, side, r),
      trainable: false,
    });
    const trainedFactor = { init: { kind: 'zeros' }, trainable: true } as const;
    return {
      lora_A: { shape: [r, site.inFeatures], ...(frozen === 'A' ? frozenFactor('A') : trainedFactor) },
      lora_B: { shape: [site.outFeatures, r], ...(frozen === 'B' ? frozenFactor('B') : trainedFactor) },
    };
  },
  configOf: ({ path }, config) => withPatterns(path, config),
  mergedWeight: (baseWeight, { lora_A, lora_B }, config) =>
    lowRankMerged(baseWeight, lora_A, lora_B, scalingOf(config)),
  unmergedWeight: (mergedWeight, { lora_A, lora_B }, config) =>
    lowRankMerged(mergedWeight, lora_A, lora_B, -scalingOf(config)),
  forward: ({ x, params, baseOutput, dropout }, config) =>
    lowRankForward(baseOutput(), dropout(x), params.lora_A, params.lora_B, scalingOf(config)),
  factors: ({ lora_A, lora_B }, _site, config) => ({
    a: lora_A,
    b: lora_B,
    rank: config.r,
    scaling: scalingOf(config),
  }),
  probes: scalingProbes,
  activity: [frozenChange, frozenOrthonormal, trainedMoved, deltaNorm, deltaRank, scalingInEffect],
  dropout: (config) => config.lora_dropout,
  selection: (config) => selectionOf(config),
});

function startOf(init: (typeof STARTS)[number], side: 'A' | 'B', r: number): Init {
  switch (init) {
    case 'orthonormal':
      return { kind: 'orthonormal', along: side === 'A' ? 'rows' : 'columns' };
    case 'gaussian':
      return { kind: 'normal', std: 1 / r };
    case 'kaiming':
      return { kind: 'kaimingUniform' };
    case 'base-singular':
      return { kind: 'baseSingular', side: side === 'A' ? 'right' : 'left' };
  }
}
