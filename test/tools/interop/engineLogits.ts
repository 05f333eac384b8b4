/** @file Logits of this engine for token ids given from outside: a base model with an adapter folder. */
import { availableParallelism } from 'node:os';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { ModelRunner } from '../../../kernels/trainer/runner';

export interface LogitModel {
  /** Logits [tokens, vocabulary] at every position. */
  logits(ids: readonly number[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export function openForLogits(base: string, adapter: string): LogitModel {
  const model = openBaseModel(base);
  const { plan, parameters } = loadAdapter(adapter, model);
  const runner = new ModelRunner(model, plan, parameters, { device: 'cpu', threads: availableParallelism() });
  return {
    logits: (ids) =>
      runner.logits({
        batch: 1,
        length: ids.length,
        inputIds: Int32Array.from(ids),
        rows: Int32Array.from(ids.keys()),
      }),
    dispose: () => runner.dispose(),
  };
}
