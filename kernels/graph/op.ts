/**
 * @file What an operator is: one object that states its type rule, its ONNX form, its gradient and its reference
 * arithmetic, so that every test over operators comes from the list of operators.
 */
import { KernelError } from '../protocol/errors';
import type { Graph, TensorType, Value } from './graph';
import { showType } from './graph';
import type { PackedWeight } from './onnx/dequantize';
import type { OnnxWriter } from './onnx/writer';

export type Named<K extends string, V> = Readonly<Record<K, V>>;

/** A tensor of the reference runtime: float64 whatever the dtype, so that central differences are sharp. */
export interface RefTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface VjpContext<I extends string, A> {
  readonly inputs: Named<I, Value>;
  readonly output: Value;
  /** Cotangent of the output, of the output's type. */
  readonly g: Value;
  readonly attrs: A;
}

export interface Sample<I extends string, A> {
  readonly types: Partial<Named<I, TensorType>>;
  readonly attrs: A;
  /** Values for inputs that cannot be any number (row indices, masks, positive numbers). */
  readonly values?: Partial<Named<I, readonly number[]>>;
}

export interface Op<I extends string = string, A = unknown> {
  readonly name: string;
  /** Names of the inputs in order; those that may be left out are listed in `optional`. Empty for a variadic operator. */
  readonly inputs: readonly I[];
  readonly optional?: readonly I[];
  /** True when half-precision weights may be given as they lie; otherwise they are widened to f32 at each use. */
  readonly acceptsHalf?: boolean;
  /** Throws with the shapes in the text when they do not fit. */
  infer(types: Named<I, TensorType>, attrs: A): TensorType;
  /** How it becomes ONNX; returns the name of the output. */
  emit(out: OnnxWriter, names: Named<I, string>, attrs: A, types: Named<I, TensorType>, type: TensorType): string;
  /**
   * The same from quantised weights as they lie: those in `packed`, whose names are not in `names`. `undefined` where it cannot;
   * then, as without it, the operator is given their values.
   */
  readonly emitPacked?: (
    out: OnnxWriter,
    names: Partial<Named<I, string>>,
    packed: Partial<Named<I, PackedWeight>>,
    attrs: A,
  ) => string | undefined;
  /** One thunk per differentiable input, called only if wanted. `null`: no gradient, on purpose. */
  readonly vjp: ((ctx: VjpContext<I, A>) => { readonly [K in I]?: () => Value }) | null;
  /** Slow float64 arithmetic of the same definition, written independently of `emit`. */
  evaluate(inputs: Named<I, RefTensor>, attrs: A, type: TensorType): Float64Array;
  readonly samples: readonly Sample<I, A>[];
}

/** What nodes and the list of operators hold: the one place where the operator's own types are forgotten. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- erased on purpose, see above
export type AnyOp = Op<any, any>;

export function defineOp<const I extends string, A = undefined>(op: Op<I, A>): Op<I, A> {
  return op;
}

/** Makes a node: infers the type, appends to the graph of the inputs, returns the new value. */
export function apply<I extends string, A>(op: Op<I, A>, inputs: Partial<Named<I, Value>>, attrs: A): Value {
  const given = Object.fromEntries(Object.entries(inputs).filter(([, v]) => v !== undefined)) as Named<I, Value>;
  const values = Object.values<Value>(given);
  const graph: Graph | undefined = values[0]?.graph;
  if (!graph) throw new KernelError('internal', `${op.name} has no inputs`);
  for (const name of op.inputs) {
    if (!(name in given) && !op.optional?.includes(name)) {
      throw new KernelError('internal', `${op.name} needs the input ${name}`);
    }
  }
  if (values.some((v) => v.graph !== graph)) {
    throw new KernelError('internal', `${op.name} was given values of two graphs`);
  }
  const types = mapNamed(given, (v) => v.type);
  return graph.append(op, given, attrs, op.infer(types, attrs));
}

export function mapNamed<K extends string, V, W>(named: Named<K, V>, map: (value: V, key: K) => W): Named<K, W> {
  return Object.fromEntries(Object.entries<V>(named).map(([k, v]) => [k, map(v, k as K)])) as Named<K, W>;
}

/** The error of every type rule: which operator, what was given, what was expected. */
export function typeError(op: string, types: Readonly<Record<string, TensorType>>, expected: string): KernelError {
  const given = Object.entries(types).map(([k, t]) => `${k} ${showType(t)}`);
  return new KernelError('internal', `${op}(${given.join(', ')}): ${expected}`);
}
