/** @file Runs after each pass: names the first node that is illegal, instead of a runtime error far away. */
import { KernelError } from '../protocol/errors';
import type { Value } from './graph';
import { sameShape, showType } from './graph';
import { mapNamed } from './op';
import type { Program } from './program';

export function verify(program: Program, after: string): void {
  const known = new Set<Value>(program.leaves);
  for (const leaf of program.leaves) {
    if (leaf.producer) throw illegal(after, `the leaf ${leaf.id} has a producer`);
  }
  for (const node of program.nodes) {
    const name = `${node.scope}/${node.op.name}_${node.output.id}`;
    for (const [key, value] of Object.entries(node.inputs)) {
      if (!known.has(value)) throw illegal(after, `${name} uses its input ${key} before it is made`);
    }
    if (known.has(node.output)) throw illegal(after, `${name} is made twice`);
    const type = node.op.infer(
      mapNamed(node.inputs, (v) => v.type),
      node.attrs,
    );
    if (type.dtype !== node.output.type.dtype || !sameShape(type.shape, node.output.type.shape)) {
      throw illegal(after, `${name} is declared ${showType(node.output.type)} but computes ${showType(type)}`);
    }
    known.add(node.output);
  }
  for (const [name, value] of program.outputs) {
    if (!known.has(value)) throw illegal(after, `the output ${name} is never made`);
  }
}

const illegal = (after: string, what: string): KernelError =>
  new KernelError('internal', `illegal graph after ${after}: ${what}`);
