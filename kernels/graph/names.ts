/** @file Owns every name of a value in an ONNX file: the same build gives the same names. */
import type { Value } from './graph';
import type { Program } from './program';

export function nameValues(program: Program): ReadonlyMap<Value, string> {
  const names = new Map<Value, string>();
  for (const value of program.leaves) {
    const { leaf } = value;
    const name = leaf?.kind === 'input' || leaf?.kind === 'weight' ? leaf.name : `constant_${value.id}`;
    names.set(value, name);
  }
  for (const { op, output, scope } of program.nodes) {
    names.set(output, `${scope ? `${scope}/` : ''}${op.name}_${output.id}`);
  }
  return names;
}
