/**
 * @file Cuts a program into pieces that use few weight bytes each, so that a model larger than the memory to spare can be
 * run piece by piece. What one piece computes and a later one reads leaves the one as an output and enters the other as
 * an input of the same name.
 */
import type { Node, Value } from './graph';
import { sizeOf } from './graph';
import { mapNamed } from './op';
import { gatherRowsOp } from './ops/gatherRows';
import type { Program } from './program';

/**
 * Pieces in the order in which they must run. A piece holds at most `maxWeightBytes` of weights, or one node that needs
 * more by itself.
 */
export function splitProgram(program: Program, maxWeightBytes: number): readonly Program[] {
  const groups = groupNodes(program.nodes, maxWeightBytes);
  const groupOf = new Map(groups.flatMap((nodes, g) => nodes.map((node) => [node.output, g] as const)));
  const results = new Set(program.outputs.values());
  const crossing = new Set<Value>();
  for (const node of program.nodes) {
    for (const input of Object.values(node.inputs)) {
      const from = groupOf.get(input);
      if (from !== undefined && from !== groupOf.get(node.output)) crossing.add(input);
    }
  }
  const namesOf = (value: Value): readonly string[] => {
    const names = [...program.outputs].filter(([, v]) => v === value).map(([name]) => name);
    return names.length > 0 ? names : [`cut_${value.id}`];
  };

  const cut = (value: Value): Value => {
    const [name = ''] = namesOf(value);
    return { ...value, producer: null, leaf: { kind: 'input', name } };
  };

  return groups.map((nodes, g): Program => {
    const leaves = new Map<Value, Value>();
    const enter = (value: Value): Value => {
      if (groupOf.get(value) === g) return value;
      const known = leaves.get(value) ?? (groupOf.has(value) ? cut(value) : value);
      leaves.set(value, known);
      return known;
    };
    const rewired = nodes.map((node): Node => ({ ...node, inputs: mapNamed(node.inputs, enter) }));
    const made = nodes.map((node) => node.output).filter((value) => crossing.has(value) || results.has(value));
    return {
      leaves: [...leaves.values()].sort((a, b) => a.id - b.id),
      nodes: rewired,
      outputs: new Map(made.flatMap((value) => namesOf(value).map((name) => [name, value] as const))),
    };
  });
}

function groupNodes(nodes: readonly Node[], maxWeightBytes: number): readonly (readonly Node[])[] {
  const groups: Node[][] = [];
  let bytes = Infinity;
  let held = new Set<Value>();
  for (const node of nodes) {
    const weights = Object.values(node.inputs).filter((v) => v.leaf?.kind === 'weight' && !held.has(v));
    const cost = weights.reduce((sum, weight) => sum + touchedBytes(node, weight), 0);
    if (bytes + cost > maxWeightBytes && (cost > 0 || groups.length === 0)) {
      groups.push([]);
      bytes = 0;
      held = new Set();
    }
    groups.at(-1)?.push(node);
    bytes += cost;
    if (node.op !== gatherRowsOp) weights.forEach((weight) => held.add(weight));
  }
  return groups;
}

/** A mapped weight costs the memory of the pages that are read: of a table, only the rows that are gathered. */
function touchedBytes({ op, output }: Node, { leaf, type }: Value): number {
  const all = leaf?.kind === 'weight' ? leaf.location.byteLength : 0;
  return op === gatherRowsOp ? Math.ceil((all / sizeOf(type.shape)) * sizeOf(output.type.shape)) : all;
}
