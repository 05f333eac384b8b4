/**
 * @file The order in which onnxruntime executes nodes, on one thread of nodes without optimisation: post-order of a
 * depth-first search that starts at the last node without readers and enters, of a node's inputs, the one made last first
 * (`GraphViewer`, `Graph::ReverseDFSFrom` with `NodeCompare`; onnxruntime 1.30).
 */
import type { OnnxNode } from '../graph/onnx/writer';

export function executionOrder(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  const producer = new Map(nodes.flatMap((node, i) => node.outputs.map((name) => [name, i] as const)));
  const inputsOf = (i: number): readonly number[] => [
    ...new Set((nodes[i]?.inputs ?? []).flatMap((name) => producer.get(name) ?? [])),
  ];
  const isRead = new Set(nodes.flatMap((_, i) => inputsOf(i)));
  const order: OnnxNode[] = [];
  const visited = new Uint8Array(nodes.length);
  const stack = nodes.flatMap((_, i) => (isRead.has(i) ? [] : [{ at: i, isLeaving: false }]));
  for (let top = stack.pop(); top; top = stack.pop()) {
    const node = nodes[top.at];
    if (!node) continue;
    if (top.isLeaving) {
      order.push(node);
    } else if (visited[top.at] === 0) {
      visited[top.at] = 1;
      stack.push({ at: top.at, isLeaving: true });
      for (const input of [...inputsOf(top.at)].sort((a, b) => a - b)) {
        if (visited[input] === 0) stack.push({ at: input, isLeaving: false });
      }
    }
  }
  return order;
}
