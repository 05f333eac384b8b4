/** @file What an engine that executes graphs looks like to the rest: bytes in, a session, named tensors through it. */
import type { DType } from '../graph/graph';
import type { QuantizedForm } from '../util/fourBitLevels';

export type Device = 'cpu' | 'webgpu' | 'cuda' | 'dml' | 'coreml';

/** Dtypes of frozen weights that graphs read. */
export type WeightDtype = Extract<DType, 'f32' | 'f16' | 'bf16'> | QuantizedForm;

export type TensorData = Float32Array | Int32Array | Uint8Array;

/** bool tensors are Uint8Array of 0 and 1. */
export interface HostTensor {
  readonly dtype: Extract<DType, 'f32' | 'i32' | 'bool'>;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type Feeds = Readonly<Record<string, HostTensor>>;

export interface CompileOptions {
  readonly device: Device;
  readonly threads: number;
  /** Folder that external weight locations are relative to. */
  readonly weightsFolder: string;
  /** Where the runtime writes a profile of each node; for benchmarks. */
  readonly profilePrefix?: string;
}

export interface Session {
  run(feeds: Feeds): Promise<Readonly<Record<string, Float32Array>>>;
  dispose(): Promise<void>;
}

export interface Runtime {
  readonly name: string;
  compile(model: Uint8Array, options: CompileOptions): Promise<Session>;
}
