/**
 * @file tokenNll: the negative log likelihood of one label per row under a language-model head,
 * nll_i = logsumexp(E·h_i) − (E·h_i)[label_i]. The logits and their softmax are computed once and kept as residuals;
 * the gradient p·E − E[label] needs neither a one-hot matrix nor a second array of the size of the logits.
 */
import type { Value } from '../graph';
import { f32, i32 } from '../graph';
import { apply, defineOp, typeError } from '../op';
import { gatherRows, scatterAddRows } from './gatherRows';
import { gemm } from './gemm';
import { mul } from './mul';
import { reshape } from './reshape';
import { emitNll, evaluateNll, logitNll } from './logitNll';
import { scale } from './scale';
import { softmax } from './softmax';
import { sub } from './sub';
import { tanh } from './tanh';

export const tokenNllOp = defineOp<'hidden' | 'head' | 'labels' | 'logits' | 'probabilities', undefined>({
  name: 'tokenNll',
  inputs: ['hidden', 'head', 'labels', 'logits', 'probabilities'],
  infer: (types) => {
    const { hidden, head, labels, logits } = types;
    const [rows, vocabulary] = logits.shape;
    const fits = hidden.shape[0] === rows && head.shape[0] === vocabulary && hidden.shape[1] === head.shape[1];
    if (!fits || labels.shape[0] !== rows || labels.dtype !== 'i32') {
      throw typeError('tokenNll', types, 'needs hidden [n, d], head [v, d], labels i32[n], logits [n, v]');
    }
    return { dtype: 'f32', shape: [rows ?? 0] };
  },
  // The head weight is read by gemm and by the gradient; this node itself does not touch it.
  acceptsHalf: true,
  emit: (out, names, _, types) => emitNll(out, names, types.logits.shape[0] ?? 0),
  // dlogits = g_i·(p − onehot).  dh = g_i·(p·E − E[label]);  dE = (g ⊙ p)ᵀ·h − Σ_i g_i h_i at row label_i.
  vjp: ({ inputs: { hidden, head, labels, probabilities }, g }) => {
    const column = (): Value => reshape(g, [g.type.shape[0] ?? 0, 1]);
    return {
      hidden: () => mul(column(), sub(gemm(probabilities, head), gatherRows(head, labels))),
      head: () => {
        const weighted = mul(column(), hidden);
        return sub(
          gemm(probabilities, weighted, { transA: true }),
          scatterAddRows(weighted, labels, head.type.shape[0] ?? 0),
        );
      },
    };
  },
  evaluate: evaluateNll,
  // As an operator alone its residuals could be anything; `headLoss` is what the suite differentiates.
  samples: [],
});

/** Logits of each row: `hidden` [n, d], `head` [v, d] → [n, v]; bent into (−softCap, softCap) by tanh unless it is null. */
export function headLogits(hidden: Value, head: Value, softCap: number | null): Value {
  if (softCap === null) return gemm(hidden, head, { transB: true });
  return scale(tanh(gemm(hidden, head, { transB: true, alpha: 1 / softCap })), softCap);
}

/** Loss of each row: `hidden` [n, d], `head` [v, d], `labels` i32[n] → [n] in nats. Gradients reach hidden and head. */
export function headLoss(hidden: Value, head: Value, labels: Value, softCap: number | null): Value {
  if (softCap !== null) return logitNll(headLogits(hidden, head, softCap), labels);
  const logits = gemm(hidden, head, { transB: true });
  const probabilities = softmax(logits);
  return apply(tokenNllOp, { hidden, head, labels, logits, probabilities }, undefined);
}

/** A worked case of `headLoss` for the operator suite. */
export const headLossSample = {
  types: { hidden: f32(3, 4), head: f32(5, 4), labels: i32(3) },
  values: { labels: [4, 0, 2] },
};
