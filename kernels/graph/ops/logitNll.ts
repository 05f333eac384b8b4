/**
 * @file logitNll: the negative log likelihood of one label per row of logits, nll_i = logsumexp(l_i) − l_i[label_i], for
 * logits that are more than a product with the head; and subtractOneHot, from which its gradient is made.
 */
import type { Value } from '../graph';
import { f32, i32 } from '../graph';
import type { RefTensor } from '../op';
import { apply, defineOp, typeError } from '../op';
import type { OnnxWriter } from '../onnx/writer';
import { mul } from './mul';
import { reshape } from './reshape';
import { softmax } from './softmax';

type Name = 'labels' | 'logits' | 'probabilities';

export const logitNllOp = defineOp<Name, undefined>({
  name: 'logitNll',
  inputs: ['logits', 'labels', 'probabilities'],
  infer: (types) => {
    const { labels, logits } = types;
    const [rows] = logits.shape;
    if (logits.shape.length !== 2 || labels.shape[0] !== rows || labels.dtype !== 'i32') {
      throw typeError('logitNll', types, 'needs logits [n, v] and labels i32[n]');
    }
    return { dtype: 'f32', shape: [rows ?? 0] };
  },
  emit: (out, names, _, types) => emitNll(out, names, types.logits.shape[0] ?? 0),
  // dlogits = g_i·(p − onehot)
  vjp: ({ inputs: { labels, probabilities }, g }) => ({
    logits: () => mul(reshape(g, [g.type.shape[0] ?? 0, 1]), subtractOneHot(probabilities, labels)),
  }),
  evaluate: evaluateNll,
  // Its residual could be anything in a sample; `logitNll` is what the suite differentiates.
  samples: [],
});

export const subtractOneHotOp = defineOp<'x' | 'labels', undefined>({
  name: 'subtractOneHot',
  inputs: ['x', 'labels'],
  infer: (types) => {
    const { x, labels } = types;
    if (x.shape.length !== 2 || labels.shape[0] !== x.shape[0] || labels.dtype !== 'i32') {
      throw typeError('subtractOneHot', types, 'needs x [n, v] and labels i32[n]');
    }
    return { dtype: 'f32', shape: x.shape };
  },
  emit: (out, { x, labels }, _, types) => {
    const [rows = 0] = types.x.shape;
    const column = out.node('Reshape', [labels, out.i64([rows, 1])]);
    const minusOnes = out.node('Expand', [out.scalar(-1), out.i64([rows, 1])]);
    const attrs = { axis: { int: 1 }, reduction: { string: 'add' } };
    return out.node('ScatterElements', [x, column, minusOnes], attrs);
  },
  vjp: ({ g }) => ({ x: () => g }),
  evaluate: ({ x, labels }, _, { shape }) => {
    const result = x.data.slice();
    labels.data.forEach((label, i) => (result[i * (shape[1] ?? 0) + label]! -= 1));
    return result;
  },
  samples: [{ types: { x: f32(3, 4), labels: i32(3) }, attrs: undefined, values: { labels: [3, 0, 2] } }],
});

/** Loss of each row: `logits` [n, v], `labels` i32[n] → [n] in nats. */
export const logitNll = (logits: Value, labels: Value): Value =>
  apply(logitNllOp, { logits, labels, probabilities: softmax(logits) }, undefined);

/** x − onehot(labels): [n, v]. */
const subtractOneHot = (x: Value, labels: Value): Value => apply(subtractOneHotOp, { x, labels }, undefined);

/** logsumexp = max(logits) − log(max(softmax)), because the softmax at the largest logit is 1/Σ e^(x − max). */
export function emitNll(out: OnnxWriter, names: Readonly<Record<Name, string>>, rows: number): string {
  const { labels, logits, probabilities } = names;
  const column = out.node('Reshape', [labels, out.i64([rows, 1])]);
  const picked = out.node('GatherElements', [logits, column], { axis: { int: 1 } });
  const keep = { keepdims: { int: 1 } };
  const largest = out.node('ReduceMax', [logits, out.i64([1])], keep);
  const peak = out.node('Log', [out.node('ReduceMax', [probabilities, out.i64([1])], keep)]);
  const nll = out.node('Sub', [out.node('Sub', [largest, peak]), picked]);
  return out.node('Reshape', [nll, out.i64([rows])]);
}

export function evaluateNll({ labels, logits }: Readonly<Record<'labels' | 'logits', RefTensor>>): Float64Array {
  const width = logits.shape[1] ?? 0;
  return labels.data.map((label, i) => {
    const row = logits.data.subarray(i * width, (i + 1) * width);
    const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
    return max + Math.log(row.reduce((n, v) => n + Math.exp(v - max), 0)) - (row[label] ?? NaN);
  });
}
