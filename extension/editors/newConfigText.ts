/** @file The text of a new configuration: short, commented, and complete enough to train. */
import { stringify } from 'yaml';

export interface NewConfig {
  /** Paths as they are written in the file, relative to it or absolute. */
  readonly model: string;
  readonly train: string;
  /** Tokens after which samples are cut. */
  readonly maxLength: number;
}

export function configText({ model, train, maxLength }: NewConfig): string {
  const scalar = (text: string) => stringify(text).trimEnd();
  return `# Configuration of one fine-tuning run. Paths are relative to this file; keys left out have their default.
version: 1
model: ${scalar(model)}
data:
  train: ${scalar(train)}
  eval_fraction: 0.1
  max_length: ${maxLength}
adapter:
  method: lora
  r: 16
  lora_alpha: 32
  target_modules: all-linear
training:
  learning_rate: 2.0e-4
  num_train_epochs: 3
  per_device_train_batch_size: 8
  eval_steps: 50
  save_steps: 100
output: runs
`;
}
