/**
 * @file A program: the part of a graph that named outputs need, in an order that can be executed. Passes map programs
 * to programs; the verifier, the printer, the encoder and the reference runtime read them.
 */
import type { Node, Value } from './graph';

export interface Program {
  readonly leaves: readonly Value[];
  readonly nodes: readonly Node[];
  readonly outputs: ReadonlyMap<string, Value>;
}

/** Keeps what the outputs depend on. Inputs that nothing needs are left out: a session refuses unknown feeds. */
export function programOf(outputs: Readonly<Record<string, Value>>): Program {
  return collect(new Map(Object.entries(outputs)), (value) => value.producer);
}

/** Gathers a program from its outputs, where `nodeOf` says which node makes a value (a pass may have replaced it). */
export function collect(outputs: ReadonlyMap<string, Value>, nodeOf: (value: Value) => Node | null): Program {
  const leaves = new Set<Value>();
  const nodes: Node[] = [];
  const done = new Set<Value>();
  const stack: { value: Value; isReady: boolean }[] = [...outputs.values()]
    .reverse()
    .map((value) => ({ value, isReady: false }));
  // Depth first without recursion: graphs of deep models have paths of many thousands of nodes.
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { value, isReady } = top;
    if (done.has(value)) continue;
    const node = nodeOf(value);
    if (!node) {
      leaves.add(value);
      done.add(value);
    } else if (isReady) {
      nodes.push(node);
      done.add(value);
    } else {
      stack.push({ value, isReady: true });
      for (const input of Object.values(node.inputs))
        if (!done.has(input)) stack.push({ value: input, isReady: false });
    }
  }
  nodes.sort((a, b) => a.output.id - b.output.id);
  return { leaves: [...leaves].sort((a, b) => a.id - b.id), nodes, outputs };
}
