/**
 * @file The graph: typed immutable values, nodes that made them, and leaves (inputs, constants, weights in files).
 * Values are numbered in the order of their making, so the numbering is a topological order.
 */
import { KernelError } from '../protocol/errors';
import type { FourBitForm } from '../util/fourBitLevels';
import type { AnyOp, Named } from './op';

export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'bool';

/** Shapes are static: one graph belongs to one batch shape. A scalar has shape []. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Where a frozen weight lies: the runtime maps it from there, nothing is copied. Offsets and lengths in bytes. */
export interface WeightLocation {
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
}

/**
 * A weight that lies in its files quantised, each location a part of it; its value in the graph is float32. What the parts
 * mean stands in formats/quantizedWeight.ts.
 */
export interface QuantizedStorage {
  /** Of the stored matrix, [out, in]; the weight has its transpose's where it is turned. */
  readonly shape: readonly [number, number];
  readonly isTransposed: boolean;
  readonly storage: FourBitStorage | EightBitStorage;
}

export interface FourBitStorage {
  readonly bits: 4;
  readonly form: FourBitForm;
  readonly levels: WeightLocation;
  readonly blockSize: number;
  readonly absmax: WeightLocation;
  /** The absmax are codes of one byte as well. */
  readonly nested?: NestedStorage;
}

export interface NestedStorage {
  readonly levels: WeightLocation;
  readonly blockSize: number;
  readonly absmax: WeightLocation;
  readonly offset: number;
}

export interface EightBitStorage {
  readonly bits: 8;
  readonly rowMax: WeightLocation;
}

export type ConstantData = Float32Array | Int32Array;

export type Leaf =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly data: ConstantData }
  | {
      readonly kind: 'weight';
      readonly name: string;
      /** Of the codes, where it is quantised. */
      readonly location: WeightLocation;
      readonly quantized?: QuantizedStorage;
    };

export interface Node {
  readonly op: AnyOp;
  readonly inputs: Named<string, Value>;
  readonly attrs: unknown;
  readonly output: Value;
  /** Path of the scope it was made in, e.g. `layers.0.self_attn`; only for names and profiles. */
  readonly scope: string;
}

export interface Value {
  readonly graph: Graph;
  readonly id: number;
  readonly type: TensorType;
  readonly producer: Node | null;
  readonly leaf: Leaf | null;
}

export const f32 = (...shape: number[]): TensorType => ({ dtype: 'f32', shape });
export const i32 = (...shape: number[]): TensorType => ({ dtype: 'i32', shape });
export const bool = (...shape: number[]): TensorType => ({ dtype: 'bool', shape });

export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);
export const showType = (t: TensorType): string => `${t.dtype}[${t.shape.join(', ')}]`;

export class Graph {
  private readonly values: Value[] = [];
  private readonly inputNames = new Set<string>();
  private readonly weights = new Map<string, Value>();
  private readonly madeOnce = new Map<string, Value>();
  private readonly scopes: string[] = [];

  /** A tensor given anew at each run. */
  input(name: string, type: TensorType): Value {
    if (this.inputNames.has(name)) throw new KernelError('internal', `the graph already has an input named ${name}`);
    this.inputNames.add(name);
    return this.leaf(type, { kind: 'input', name });
  }

  constant(data: ConstantData, shape: readonly number[]): Value {
    if (data.length !== sizeOf(shape)) {
      throw new KernelError(
        'internal',
        `a constant of ${data.length} elements cannot have shape [${shape.join(', ')}]`,
      );
    }
    return this.leaf({ dtype: data instanceof Int32Array ? 'i32' : 'f32', shape }, { kind: 'constant', data });
  }

  /** A value that several parts of the graph make alike: made once for each key. */
  once(key: string, make: () => Value): Value {
    const known = this.madeOnce.get(key) ?? make();
    this.madeOnce.set(key, known);
    return known;
  }

  /** A frozen weight that stays in its file; asked for twice, it is the same value. */
  weight(name: string, type: TensorType, location: WeightLocation, quantized?: QuantizedStorage): Value {
    const known = this.weights.get(name);
    if (known) return known;
    const value = this.leaf(type, { kind: 'weight', name, location, ...(quantized && { quantized }) });
    this.weights.set(name, value);
    return value;
  }

  /** Appends a node; called by `apply` only, after its types were inferred. */
  append(op: AnyOp, inputs: Named<string, Value>, attrs: unknown, type: TensorType): Value {
    const scope = this.scopes.join('.');
    const node = { op, inputs, attrs, scope } as { -readonly [K in keyof Node]: Node[K] };
    const value: Value = { graph: this, id: this.values.length, type, producer: node, leaf: null };
    node.output = value;
    this.values.push(value);
    return value;
  }

  /** Everything made inside `make` carries `name` in the names of the ONNX file. */
  scoped<T>(name: string, make: () => T): T {
    this.scopes.push(name);
    try {
      return make();
    } finally {
      this.scopes.pop();
    }
  }

  private leaf(type: TensorType, leaf: Leaf): Value {
    const value: Value = { graph: this, id: this.values.length, type, producer: null, leaf };
    this.values.push(value);
    return value;
  }
}
