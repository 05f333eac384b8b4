/** @file What one graph needs while it runs, by kind: intermediate results, results handed out, constants, weights it reads. */
import { emitProgram } from '../graph/onnx/encode';
import type { Value } from '../graph/graph';
import type { Target } from '../graph/onnx/writer';
import type { Program } from '../graph/program';
import { executionOrder } from './executionOrder';
import { peakOf, planBuffers } from './bufferPlan';
import { bytesOfType, typesOf } from './onnxShapes';

export interface GraphMemory {
  /** Results of the forward pass that are kept for the backward pass, alive at the peak. */
  readonly activationBytes: number;
  /** Everything else alive at the peak: gradients on their way, logits, widened weights, scratch. */
  readonly workspaceBytes: number;
  /** What the graph hands out: the gradients of the trained tensors and the loss, or the logits. */
  readonly resultBytes: number;
  /** Constants that are stored in the graph: rotary tables, causal masks. */
  readonly constantBytes: number;
  /** Frozen weights that are read whole from their files. */
  readonly weightBytes: number;
  /** Tables of which only some rows are read. */
  readonly tableBytes: number;
  /** The largest part of those tables that can be read. */
  readonly tableRowBytes: number;
  /** What is fed with each batch: ids, labels, dropout masks; adapter tensors are not counted. */
  readonly inputBytes: number;
  /** ONNX nodes: the runtime's own bookkeeping grows with them. */
  readonly nodes: number;
}

export function graphMemory(program: Program, target: Target): GraphMemory {
  const emitted = emitProgram(program, target);
  const { out } = emitted;
  const types = typesOf(program, emitted);
  const order = executionOrder(out.nodes);
  const results = new Set(program.outputs.keys());
  const buffers = planBuffers(order, types, results);
  const peak = peakOf(buffers);
  const firstBackward = order.findIndex((n) => isBackward(n.name));
  let [activationBytes, workspaceBytes, resultBytes] = [0, 0, 0];
  for (const { name, from, to, bytes } of buffers) {
    if (results.has(name)) resultBytes += bytes;
    if (from > peak.at || to < peak.at) continue;
    if (results.has(name)) continue;
    const isKept = firstBackward >= 0 && from < firstBackward && to >= firstBackward;
    if (isKept) activationBytes += bytes;
    else workspaceBytes += bytes;
  }
  const readWhole = new Set<string>();
  const gathered = new Map<string, number>();
  for (const { opType, inputs, outputs } of out.nodes) {
    inputs.forEach((name, i) => {
      if (out.tensors.get(name)?.kind !== 'external') return;
      if (opType === 'Gather' && i === 0) {
        const type = types.get(outputs[0] ?? '');
        gathered.set(name, Math.max(gathered.get(name) ?? 0, type ? bytesOfType(type) : 0));
      } else readWhole.add(name);
    });
  }
  let [constantBytes, weightBytes, tableBytes, tableRowBytes] = [0, 0, 0, 0];
  for (const tensor of out.tensors.values()) {
    const type = types.get(tensor.name);
    const bytes = type ? bytesOfType(type) : 0;
    if (tensor.kind !== 'external') constantBytes += bytes;
    else if (readWhole.has(tensor.name)) weightBytes += bytes;
    else {
      tableBytes += bytes;
      tableRowBytes += Math.min(bytes, gathered.get(tensor.name) ?? 0);
    }
  }
  const inputBytes = program.leaves.reduce((n, v) => n + (isFed(v) ? bytesOfLeaf(v) : 0), 0);
  const nodes = out.nodes.length;
  return {
    activationBytes,
    workspaceBytes,
    resultBytes,
    constantBytes,
    weightBytes,
    tableBytes,
    tableRowBytes,
    inputBytes,
    nodes,
  };
}

/** Of the inputs, those that change with the batch: whole numbers and masks. Tensors of the adapter are float32. */
const isFed = ({ leaf, type }: Value): boolean => leaf?.kind === 'input' && type.dtype !== 'f32';
const bytesOfLeaf = ({ type }: Value): number => bytesOfType({ elementBytes: type.dtype === 'bool' ? 1 : 4, ...type });

/** Scopes of the backward pass begin so; see graph/grad.ts. */
const isBackward = (name: string): boolean => name.startsWith('grad.');
