/**
 * @file Logits of this engine for token ids given from outside: the base model with a LoRA folder, read here by the
 * names and fields that PEFT documents and not by the engine's own reader, which is what the comparison is about.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { lora } from '../../../kernels/adapters/methods/lora';
import { planAdapter } from '../../../kernels/adapters/plan';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { Parameters } from '../../../kernels/trainer/parameters';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { withDefaults } from '../../../kernels/util/fields';

export interface LogitModel {
  /** Logits [tokens, vocabulary] at every position. */
  logits(ids: readonly number[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export async function openForLogits(base: string, adapter: string): Promise<LogitModel> {
  const model = openBaseModel(base);
  const config = JSON.parse(await readFile(join(adapter, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  const { r, lora_alpha, use_rslora, target_modules } = config;
  const plan = planAdapter(lora, withDefaults(lora.config, { r, lora_alpha, use_rslora, target_modules }), model);
  const parameters = new Parameters(plan);
  const file = openSafetensors(join(adapter, 'adapter_model.safetensors'));
  try {
    for (const { key, module, param } of plan.trained) {
      parameters.set(key, file.readF32(`base_model.model.${module}.${param}.weight`));
    }
  } finally {
    file.close();
  }
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
