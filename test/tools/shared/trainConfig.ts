/** @file Writes `*.adapter.yaml` for a comparison, and the same settings for the Python side. */
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';

/** The keys of `training:` that both sides understand. */
export interface TrainingSettings {
  readonly learning_rate: number;
  readonly lr_scheduler_type: 'linear' | 'cosine' | 'constant';
  readonly warmup_steps: number;
  readonly max_steps: number;
  readonly per_device_train_batch_size: number;
  readonly gradient_accumulation_steps: number;
  readonly max_grad_norm: number;
  readonly weight_decay: number;
}

export interface TrainConfig {
  readonly model: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly train: string; readonly max_length: number };
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly training: TrainingSettings & Readonly<Record<string, unknown>>;
  readonly relora?: Readonly<Record<string, unknown>>;
  readonly output: string;
}

/** On the CPU in float32, on as many threads as the engine chooses. Paths should be absolute. Returns `path`. */
export async function writeTrainConfig(path: string, config: TrainConfig): Promise<string> {
  const runtime = { device: 'cpu', precision: 'f32', threads: 'auto' };
  await writeFile(path, stringify({ version: 1, ...config, runtime }));
  return path;
}
