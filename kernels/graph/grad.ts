/**
 * @file Reverse-mode differentiation: one reversed walk over the nodes between `wrt` and the loss. Cotangents of a
 * value that is used several times are added up here and only here.
 */
import { KernelError } from '../protocol/errors';
import type { Value } from './graph';
import { sameShape, showType } from './graph';
import { add } from './ops/add';
import { programOf } from './program';

/**
 * Appends the backward pass of a scalar loss to its graph; gradients come back in the order of `wrt`, each with the
 * shape of its value. A value that the loss does not depend on is an error: it would train nothing and say nothing.
 */
export function grad(loss: Value, wrt: readonly Value[]): readonly Value[] {
  if (loss.type.shape.length !== 0) {
    throw new KernelError('internal', `the loss must be a scalar, not ${showType(loss.type)}`);
  }
  const { nodes } = programOf({ loss });
  const wanted = new Set<Value>(wrt);
  for (const { inputs, output } of nodes) {
    if (Object.values(inputs).some((v) => wanted.has(v))) wanted.add(output);
  }
  const cotangents = new Map<Value, Value>([[loss, loss.graph.constant(Float32Array.of(1), [])]]);
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i];
    if (!node) continue;
    const { op, inputs, attrs, output, scope } = node;
    const g = cotangents.get(output);
    if (!g || !op.vjp) continue;
    loss.graph.scoped(`grad.${scope}`, () => {
      const rules = op.vjp?.({ inputs, output, g, attrs }) ?? {};
      for (const [name, thunk] of Object.entries(rules)) {
        const input = inputs[name];
        if (!input || !wanted.has(input) || !thunk) continue;
        const contribution = thunk();
        if (!sameShape(contribution.type.shape, input.type.shape)) {
          throw new KernelError(
            'internal',
            `the gradient rule of ${op.name} gives ${showType(contribution.type)} for its input ${name} ${showType(input.type)}`,
          );
        }
        const sum = cotangents.get(input);
        cotangents.set(input, sum ? add(sum, contribution) : contribution);
      }
    });
  }
  return wrt.map((value) => {
    const g = cotangents.get(value);
    if (!g) {
      const name = value.leaf?.kind === 'input' ? value.leaf.name : `value ${value.id}`;
      throw new KernelError('internal', `the loss does not depend on ${name}; nothing would be trained`);
    }
    return g;
  });
}
