/**
 * @file withGradient: a value whose gradient is stated and not derived, for a result that backward would rather compute in
 * another way than forward did. Its inputs are the value and, by any names, what the stated gradients belong to.
 */
import type { Value } from '../graph';
import { f32 } from '../graph';
import type { Op } from '../op';
import { apply, defineOp, typeError } from '../op';
import { scale } from './scale';

/** By the name of an input: from the cotangent of the value to that of the input, made only where it is wanted. */
type Rules = Readonly<Record<string, (g: Value) => Value>>;

export const withGradientOp: Op<string, Rules> = defineOp<string, Rules>({
  name: 'withGradient',
  inputs: [],
  infer: (types) => {
    if (!types.value) throw typeError('withGradient', types, 'needs a value');
    return types.value;
  },
  emit: (_, { value = '' }) => value,
  // Nothing flows into the value: what it was made of gets its gradient by the rules.
  vjp: ({ g, attrs }) => Object.fromEntries(Object.entries(attrs).map(([name, rule]) => [name, () => rule(g)])),
  evaluate: ({ value }) => value?.data.slice() ?? new Float64Array(),
  samples: [{ types: { value: f32(2, 3) }, attrs: { value: (g) => scale(g, 1) } }],
});

/** `value` with the gradients of `parts`: each a value it was made of, and the rule from the cotangent to its own. */
export function withGradient(
  value: Value,
  parts: Readonly<Record<string, readonly [part: Value, rule: (g: Value) => Value]>>,
): Value {
  const entries = Object.entries(parts);
  const inputs = Object.fromEntries(entries.map(([name, [part]]) => [name, part]));
  const rules = Object.fromEntries(entries.map(([name, [, rule]]) => [name, rule]));
  return apply(withGradientOp, { value, ...inputs }, rules);
}
