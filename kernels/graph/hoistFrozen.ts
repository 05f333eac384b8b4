/**
 * @file Pass: what depends on frozen weights alone, and is much smaller than they are, becomes an input that is computed once
 * and not at every step. Row norms of the base weight are the case it is for.
 */
import type { Node, Value } from './graph';
import { f32, sizeOf } from './graph';
import { mapNamed } from './op';
import type { Program } from './program';
import { collect } from './program';

export interface HoistedProgram {
  readonly program: Program;
  /** What each new input stands for, by its name: equal names in programs of one model are equal values. */
  readonly frozen: ReadonlyMap<string, Value>;
}

/** Elements of weights that are read, at least, for each element that is kept. */
const LEAST_SHARE = 8;

/** A value that depends on weights alone: operators, attributes and weights as text, and those weights. */
interface Frozen {
  readonly expression: string;
  readonly weights: ReadonlySet<Value>;
}

export function hoistFrozen(program: Program): HoistedProgram {
  const known = new Map<Value, Frozen>();
  for (const value of program.leaves) {
    if (value.leaf?.kind === 'weight') known.set(value, { expression: value.leaf.name, weights: new Set([value]) });
  }
  for (const { op, inputs, attrs, output } of program.nodes) {
    const parts = Object.entries(inputs).flatMap(([name, value]) => {
      const part = known.get(value);
      return part ? [{ ...part, name }] : [];
    });
    if (parts.length < Object.keys(inputs).length) continue;
    const text = parts.map(({ name, expression }) => `${name} ${expression}`).join(', ');
    const settings = attrs === undefined ? '' : JSON.stringify(attrs);
    const weights = new Set(parts.flatMap((part) => [...part.weights]));
    known.set(output, { expression: `${op.name}${settings}(${text})`, weights });
  }
  const nameOf = (value: Value): string | undefined => {
    const { expression, weights = [] } = known.get(value) ?? {};
    const read = [...weights].reduce((n, { type }) => n + sizeOf(type.shape), 0);
    const isWorth =
      value.producer !== null && value.type.dtype === 'f32' && read >= LEAST_SHARE * sizeOf(value.type.shape);
    return isWorth ? `once:${expression}` : undefined;
  };

  const frozen = new Map<string, Value>();
  const inputs = new Map<string, Value>();
  const replaced = new Map<Value, Node>();
  for (const node of program.nodes) {
    // Only where a value that changes reads one that does not: what lies behind is computed with it.
    if (known.has(node.output)) continue;
    const named = Object.values(node.inputs).filter((value) => nameOf(value) !== undefined);
    if (named.length === 0) continue;
    const stand = (value: Value): Value => {
      const name = nameOf(value);
      if (name === undefined) return value;
      const input = inputs.get(name) ?? value.graph.input(name, f32(...value.type.shape));
      inputs.set(name, input);
      frozen.set(name, frozen.get(name) ?? value);
      return input;
    };
    replaced.set(node.output, { ...node, inputs: mapNamed(node.inputs, stand) });
  }
  const nodeOf = new Map(program.nodes.map((node) => [node.output, node]));
  const hoisted = collect(program.outputs, (value) => replaced.get(value) ?? nodeOf.get(value) ?? null);
  return { program: hoisted, frozen };
}
