/** @file A tiny model with a tokenizer, data and configurations: everything a run of a few seconds needs, in any folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { createRandom } from '../../kernels/util/random';
import { writeTinyCheckpoint } from './tinyCheckpoint';
import { TINY_VOCABULARY, tinyTokenizerFiles } from './tinyTokenizer';

type Section = Readonly<Record<string, unknown>>;

export interface ConfigChanges {
  readonly data?: Section;
  readonly adapter?: Section;
  readonly training?: Section;
  readonly relora?: Section;
  readonly runtime?: Section;
  readonly samples?: Section;
  readonly watchdog?: Section;
  readonly model?: string;
  readonly output?: string;
}

export interface TrainingFixture {
  readonly folder: string;
  readonly model: string;
  readonly trainFile: string;
  readonly evalFile: string;
  /** Writes `<name>.adapter.yaml` and returns its path. */
  config(name: string, changes?: ConfigChanges): string;
}

export const TRAIN_SAMPLES = 41;

/**
 * Uses everything that has state: dropout, accumulation, shuffling, groups of similar length, evaluation, several epochs.
 * A step takes about ten milliseconds.
 */
export function writeTinyTraining(folder: string, model = path.join(folder, 'model')): TrainingFixture {
  const config = { vocab_size: TINY_VOCABULARY, max_position_embeddings: 96, eos_token_id: 256 };
  mkdirSync(model, { recursive: true });
  writeTinyCheckpoint(model, { config, files: tinyTokenizerFiles() });
  const [trainFile, evalFile] = [path.join(folder, 'train.jsonl'), path.join(folder, 'eval.jsonl')];
  writeFileSync(trainFile, samples(TRAIN_SAMPLES, 1));
  writeFileSync(evalFile, samples(6, 2));
  return {
    folder,
    model,
    trainFile,
    evalFile,
    config: (name, changes = {}) => {
      const file = path.join(folder, `${name}.adapter.yaml`);
      const text = stringify({
        version: 1,
        model: changes.model ?? model,
        data: { train: 'train.jsonl', eval: 'eval.jsonl', max_length: 64, ...changes.data },
        adapter: { method: 'lora', r: 3, lora_alpha: 6, lora_dropout: 0.1, ...changes.adapter },
        training: {
          learning_rate: 0.01,
          lr_scheduler_type: 'cosine',
          warmup_steps: 3,
          max_steps: 24,
          per_device_train_batch_size: 3,
          gradient_accumulation_steps: 2,
          weight_decay: 0.01,
          seed: 7,
          eval_steps: 8,
          save_steps: 5,
          ...changes.training,
        },
        ...(changes.relora && { relora: changes.relora }),
        runtime: { device: 'cpu', threads: 1, ...changes.runtime },
        ...(changes.samples && { samples: changes.samples }),
        ...(changes.watchdog && { watchdog: changes.watchdog }),
        output: changes.output ?? 'runs',
      });
      writeFileSync(file, text);
      return file;
    },
  };
}

/** Prompts and completions of 6 to 40 letters. */
function samples(count: number, seed: number): string {
  const random = createRandom(seed);
  const words = (length: number): string =>
    Array.from({ length }, () => 'abcdefgh '[random.below(9)])
      .join('')
      .trim() || 'a';
  const lines = Array.from({ length: count }, () =>
    JSON.stringify({ prompt: words(4 + random.below(20)), completion: words(3 + random.below(20)) }),
  );
  return `${lines.join('\n')}\n`;
}

/** The records of a `.jsonl` file. */
export function readRecords<T>(file: string): T[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}
