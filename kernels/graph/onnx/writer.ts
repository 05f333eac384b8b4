/** @file Collects the nodes, initialisers and constants of one ONNX file while the operators emit themselves. */
import type { DType, WeightLocation } from '../graph';

/** What the file is made for: some fused operators exist on the CPU only. */
export type Target = 'cpu' | 'gpu';

export type AttributeValue =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly string: string };

export interface OnnxNode {
  readonly opType: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** Bytes are only stored: the graph's own values are never of these types. */
export type StoredDType = DType | 'u8' | 'i8';

export interface StoredType {
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
}

export type OnnxTensor =
  | { readonly kind: 'f32'; readonly name: string; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly kind: 'i32'; readonly name: string; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly kind: 'i64'; readonly name: string; readonly shape: readonly number[]; readonly data: readonly number[] }
  | { readonly kind: 'external'; readonly name: string; readonly type: StoredType; readonly location: WeightLocation };

export const MICROSOFT = 'com.microsoft';

/** Operators call `node` and the constant makers; they never choose names of tensors themselves. */
export class OnnxWriter {
  readonly nodes: OnnxNode[] = [];
  readonly tensors = new Map<string, OnnxTensor>();
  private readonly made = new Map<string, string>();
  private current = '';
  private count = 0;

  constructor(readonly target: Target) {}

  /** Names of what is emitted next begin with `name`; the last node of an operator is renamed to it by `finish`. */
  begin(name: string): void {
    this.current = name;
    this.count = 0;
  }

  /** Adds a node with one output and returns the output's name. */
  node(
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    domain: '' | typeof MICROSOFT = '',
  ): string {
    const output = `${this.current}.${this.count++}`;
    this.nodes.push({ opType, domain, name: output, inputs, outputs: [output], attributes });
    return output;
  }

  /** What several operators of one layer and direction read: made once for each key. */
  once(key: string, make: () => string): string {
    const known = this.made.get(key) ?? make();
    this.made.set(key, known);
    return known;
  }

  /** Another layer or direction: what was made `once` would stay in memory between them. */
  enterScope(): void {
    this.made.clear();
  }

  /** Gives the value that an operator returned its own stable name. */
  finish(output: string, name: string): void {
    const last = this.nodes.at(-1);
    if (last?.outputs[0] === output) {
      this.nodes[this.nodes.length - 1] = { ...last, name, outputs: [name] };
    } else {
      this.alias(output, name);
    }
  }

  /** A second name for a tensor. */
  alias(of: string, name: string): void {
    this.nodes.push({ opType: 'Identity', domain: '', name, inputs: [of], outputs: [name], attributes: {} });
  }

  /** Shape and axis arguments: equal ones are stored once. */
  i64(values: readonly number[]): string {
    const name = `i64[${values.join(',')}]`;
    if (!this.tensors.has(name)) this.tensors.set(name, { kind: 'i64', name, shape: [values.length], data: values });
    return name;
  }

  scalar(value: number): string {
    const name = `f32(${value})`;
    if (!this.tensors.has(name)) {
      this.tensors.set(name, { kind: 'f32', name, shape: [], data: Float32Array.of(value) });
    }
    return name;
  }

  tensor(tensor: OnnxTensor): string {
    this.tensors.set(tensor.name, tensor);
    return tensor.name;
  }
}
