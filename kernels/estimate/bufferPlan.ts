/**
 * @file Which buffers an execution allocates, and from when to when they live. Follows onnxruntime's planner
 * (core/framework/allocation_planner.cc, 1.30): a result lies in its input where the kernel may work in place and reads it
 * last; else in a buffer that is already dead and has the very same shape (which keeps that buffer alive in between);
 * else it is allocated. A buffer is freed after its last reader. Results of the graph are handed out and stay.
 *
 * Which CPU kernels work in place was measured on onnxruntime-node 1.30 (peak resident memory of one node between an
 * Expand and a ReduceSum): Sigmoid, Tanh, Softmax and Cast between equal sizes do; Add, Mul, Sub, Div, Neg, Sqrt,
 * Reciprocal, Log, Exp, Erf, QuickGelu, FastGelu, Gemm (also with c) and the normalisations do not. Where holds two more tensors of its result's size.
 */
import { sameShape } from '../graph/graph';
import type { OnnxNode } from '../graph/onnx/writer';
import { KernelError } from '../protocol/errors';
import type { RawType } from './onnxShapes';
import { bytesOfType } from './onnxShapes';

export interface PlannedBuffer {
  /** The value it was allocated for. */
  readonly name: string;
  /** All values that lie in it, one after the other; the first is `name`. */
  readonly values: readonly string[];
  readonly bytes: number;
  /** Positions of the first and the last node that it is alive at, both included. */
  readonly from: number;
  readonly to: number;
}

const ALIAS = new Set(['Reshape', 'Identity']);
const IN_PLACE = new Set(['Sigmoid', 'Tanh', 'Softmax', 'Cast']);
/** Scratch memory of a kernel beside its result. */
function scratchBytes({ opType, attributes }: OnnxNode, result: RawType): number {
  if (opType === 'Where') return 2 * bytesOfType(result);
  const int = (name: string): number => {
    const value = attributes[name];
    return value && 'int' in value ? value.int : 0;
  };
  // The whole weight in float32.
  return opType === 'MatMulBnb4' ? 4 * int('K') * int('N') : 0;
}

/** `results`: names that are handed out. Names of `types` that no node makes are given from outside. */
export function planBuffers(
  order: readonly OnnxNode[],
  types: ReadonlyMap<string, RawType>,
  results: ReadonlySet<string>,
): readonly PlannedBuffer[] {
  const typeOf = (name: string): RawType => {
    const type = types.get(name);
    if (!type) throw new KernelError('internal', `the type of ${name} is not known`);
    return type;
  };
  const made = new Set(order.flatMap((n) => n.outputs));
  const uses = new Map<string, number>();
  const count = (name: string, by: number): number => {
    const left = (uses.get(name) ?? 0) + by;
    uses.set(name, left);
    return left;
  };
  for (const node of order) {
    for (const name of node.inputs) count(name, 1);
    for (const name of node.outputs) count(name, results.has(name) ? 2 : 1);
  }
  for (const name of types.keys()) if (!made.has(name)) count(name, 1); // the caller's, never free

  const rootOf = new Map<string, string>();
  const within = new Map<string, string[]>();
  const root = (name: string): string => rootOf.get(name) ?? name;
  const free: string[] = []; // freed last comes first
  const from = new Map<string, number>();
  const to = new Map<string, number>();
  const scratch: PlannedBuffer[] = [];
  order.forEach((node, i) => {
    const [output = ''] = node.outputs;
    const type = typeOf(output);
    const reused = results.has(output) ? undefined : (reusableInput(node, type) ?? reusableBuffer(type));
    if (reused === undefined) {
      from.set(output, i);
      within.set(output, [output]);
    } else {
      rootOf.set(output, root(reused));
      within.get(root(reused))?.push(output);
      count(root(reused), uses.get(output) ?? 0);
    }
    const bytes = scratchBytes(node, type);
    if (bytes > 0) {
      const name = `${output} (scratch)`;
      scratch.push({ name, values: [name], bytes, from: i, to: i });
    }
    for (const name of [...node.inputs, ...node.outputs]) {
      const buffer = root(name);
      to.set(buffer, i);
      if (count(buffer, -1) === 0) free.unshift(buffer);
    }
  });
  const last = order.length - 1;
  return [
    ...[...from].map(([name, start]) => ({
      name,
      values: within.get(name) ?? [],
      bytes: bytesOfType(typeOf(name)),
      from: start,
      to: results.has(name) ? last : (to.get(name) ?? start),
    })),
    ...scratch,
  ];

  function reusableInput(node: OnnxNode, type: RawType): string | undefined {
    const [input = ''] = node.inputs;
    if (ALIAS.has(node.opType)) return input;
    if (!IN_PLACE.has(node.opType) || uses.get(root(input)) !== 1) return undefined;
    return sameSize(typeOf(input), type) ? input : undefined;
  }

  function reusableBuffer(type: RawType): string | undefined {
    if (type.shape.length === 0) return undefined;
    const at = free.findIndex((name) => sameSize(typeOf(name), type));
    return at < 0 ? undefined : free.splice(at, 1)[0];
  }
}

const sameSize = (a: RawType, b: RawType): boolean => a.elementBytes === b.elementBytes && sameShape(a.shape, b.shape);

export interface Peak {
  /** Position of the node at which most is alive. */
  readonly at: number;
  readonly bytes: number;
}

/** The most bytes alive at one node; the first such node. */
export function peakOf(buffers: readonly PlannedBuffer[]): Peak {
  const change: number[] = [];
  for (const { from, to, bytes } of buffers) {
    change[from] = (change[from] ?? 0) + bytes;
    change[to + 1] = (change[to + 1] ?? 0) - bytes;
  }
  let [alive, best, at] = [0, 0, 0];
  for (let i = 0; i < change.length; i++) {
    alive += change[i] ?? 0;
    if (alive > best) [best, at] = [alive, i];
  }
  return { at, bytes: best };
}
