/**
 * @file What shows that LoRA+ is active: the second factors really learn `loraplus_lr_ratio` times as fast as the rest. The rates are
 * those that explain the change of the parameters in a step, not those that were configured.
 */
import { EMBEDDING_GROUP } from '../../adapters/lowRank';
import type { Figure, Measurement } from '../../adapters/activity';
import type { RunActivity } from './generalFigures';
import { isNear } from './generalFigures';

type Factor = 'lora_A' | 'lora_B';

interface FactorUpdate {
  readonly rate: number;
  readonly change: number;
  readonly direction: number;
}

export const loraPlusFigures: readonly Figure<RunActivity>[] = [
  {
    id: 'loraplus-update-ratio',
    label: 'Mean update of B ÷ mean update of A',
    unit: 'number',
    rule: '{0} times the ratio of the optimiser’s directions, {1}, within 5 %',
    applies: isLoraPlus,
    measure: (run) => {
      const [a, b] = [factor(run, 'lora_A'), factor(run, 'lora_B')];
      const ratio = ratioOf(run) ?? NaN;
      if (!a || !b) return { value: null, isMet: null, ruleValues: [ratio, '…'] };
      const directions = b.direction / a.direction;
      const value = b.change / a.change;
      return {
        value,
        isMet: isNear(value, ratio * directions),
        ruleValues: [ratio, directions],
      };
    },
  },
  {
    id: 'loraplus-rate-a',
    label: 'Learning rate that reached A',
    unit: 'number',
    rule: '{0} within 5 %, the rate of this step',
    applies: isLoraPlus,
    measure: (run) => rateOf(run, 'lora_A', 1),
  },
  {
    id: 'loraplus-rate-b',
    label: 'Learning rate that reached B',
    unit: 'number',
    rule: '{0} within 5 %, loraplus_lr_ratio times the rate of this step',
    applies: isLoraPlus,
    measure: (run) => rateOf(run, 'lora_B', ratioOf(run) ?? NaN),
  },
];

const ratioOf = ({ settings }: RunActivity): number | undefined => settings.training.loraplus_lr_ratio;

function isLoraPlus(run: RunActivity): boolean {
  return ratioOf(run) !== undefined;
}

function rateOf(run: RunActivity, param: Factor, ratio: number): Measurement {
  const expected = ratio * (run.update?.learningRate ?? 0);
  const found = factor(run, param);
  if (!found) return { value: null, isMet: null, ruleValues: [expected] };
  return { value: found.rate, isMet: isNear(found.rate, expected), ruleValues: [expected] };
}

/** Means over the tensors of one factor that the optimiser moves at all; undefined in a step with rate 0. */
function factor({ update }: RunActivity, param: Factor): FactorUpdate | undefined {
  if (!update || update.learningRate === 0) return undefined;
  const tensors = update.tensors.filter(
    (t) => t.tensor.param === param && t.tensor.group !== EMBEDDING_GROUP && Number.isFinite(t.effectiveRate),
  );
  if (tensors.length === 0 || tensors.every(({ meanDirection }) => meanDirection === 0)) return undefined;
  const mean = (of: (t: (typeof tensors)[number]) => number): number =>
    tensors.reduce((sum, t) => sum + of(t), 0) / tensors.length;
  return {
    rate: mean((t) => t.effectiveRate),
    change: mean((t) => t.meanChange),
    direction: mean((t) => t.meanDirection),
  };
}
