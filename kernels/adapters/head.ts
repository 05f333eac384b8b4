/** @file The head of a model in a graph: predictions of hidden states, and the loss of each against its label. */
import type { TensorType, Value } from '../graph/graph';
import { f32, i32 } from '../graph/graph';
import { headLogits, headLoss, logitNll, mul, reshape, scale, sub, tanh } from '../graph/ops';
import type { ApplyLinear, HeadSpec, NextTokenHead, WeightSource } from '../models/types';
import type { AdapterPlan } from './plan';

export interface BuiltHead {
  /** `picked` [rows, hidden] → [rows, vocabulary], or what a sequence head answers: [rows, labels], [rows, 1]. */
  logits(picked: Value): Value;
  /**
   * Loss of each row: negative log likelihood of its label in nats, or the square of the error: [rows]. `answers`: the logits
   * where they are there already; over a vocabulary the loss makes its own.
   */
  loss(answers: Value | null, picked: Value, labels: Value): Value;
  labelType(rows: number): TensorType;
}

export interface HeadParts {
  readonly weights: WeightSource;
  /** The checkpoint's own tensors, whatever is trained in their place. */
  readonly base: WeightSource;
  readonly linear: ApplyLinear;
}

export function buildHead(
  { head }: { readonly head: HeadSpec },
  plan: AdapterPlan | null,
  { weights, base, linear }: HeadParts,
): BuiltHead {
  if (head.kind === 'next-token') {
    const site = plan?.layers.find(isHead)?.site;
    if (site) {
      const logits = (picked: Value): Value => softCapped(linear(site, picked), head.softCap);
      return {
        logits,
        loss: (_, picked, labels) => logitNll(logits(picked), labels),
        labelType: (rows) => i32(rows),
      };
    }
    const weight = headWeight(head, plan, weights, base);
    return {
      logits: (picked) => headLogits(picked, weight, head.softCap),
      loss: (_, picked, labels) => headLoss(picked, weight, labels, head.softCap),
      labelType: (rows) => i32(rows),
    };
  }
  const isNumber = head.task.kind === 'regression';
  return {
    logits: (picked) => head.logits(picked, weights, linear),
    loss: (answers, picked, labels) => {
      const logits = answers ?? head.logits(picked, weights, linear);
      return isNumber ? squaredError(logits, labels) : logitNll(logits, labels);
    },
    labelType: (rows) => (isNumber ? f32(rows) : i32(rows)),
  };
}

const isHead = ({ site }: AdapterPlan['layers'][number]): boolean => site.kind === 'head';

/** Whether there is an adapter on the language-model head. */
export const isHeadAdapted = (plan: AdapterPlan | null): boolean => plan?.layers.some(isHead) ?? false;

const softCapped = (logits: Value, softCap: number | null): Value =>
  softCap === null ? logits : scale(tanh(scale(logits, 1 / softCap)), softCap);

/** `answers` [rows, 1], `labels` [rows] → [rows]. */
function squaredError(answers: Value, labels: Value): Value {
  const error = sub(reshape(answers, labels.type.shape), labels);
  return mul(error, error);
}

/**
 * The weight of the language-model head. A tied head follows the embedding when tensors of the base are trained themselves;
 * beside an adapter a trained embedding is a copy, as in PEFT, and the head stays the base's unless it is trained itself.
 */
export function headWeight(
  { weight, tiedTo }: NextTokenHead,
  plan: AdapterPlan | null,
  weights: WeightSource,
  base: WeightSource,
): Value {
  if (tiedTo === null || plan?.trained.some((t) => t.key === weight)) return weights.get(weight);
  return plan?.selection.base ? weights.get(tiedTo) : base.get(tiedTo);
}
