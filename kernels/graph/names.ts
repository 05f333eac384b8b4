/** @file Owns every name of a value in an ONNX file: the same build gives the same names. */
import type { Value } from './graph';
import type { Program } from './program';

export function nameValues(program: Program): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>();
  const inputs = new Set(program.leaves.flatMap(({ leaf }) => (leaf?.kind === 'input' ? [leaf.name] : [])));
  for (const value of program.leaves) {
    const { leaf } = value;
    if (leaf?.kind === 'input') names.set(value, leaf.name);
    // A trained copy of a weight is an input under the weight's own name.
    else if (leaf?.kind === 'weight') names.set(value, inputs.has(leaf.name) ? `${leaf.name} (base)` : leaf.name);
    else names.set(value, `constant_${value.id}`);
  }
  for (const { op, output, scope } of program.nodes) {
    names.set(output, `${scope ? `${scope}/` : ''}${op.name}_${output.id}`);
  }
  return names;
}
