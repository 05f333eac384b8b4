/**
 * @file The fast estimate for a hint: no tokenising, no device, one graph. A full batch of samples of max_length is an upper
 * bound; once the data of a configuration was counted (`rememberShapes`), its real largest batches are taken.
 */
import { statSync } from 'node:fs';
import { bucketLength } from '../data/batches';
import type { ResolvedConfig } from '../config/loadConfig';
import { loadConfig } from '../config/loadConfig';
import { adapterMethods } from '../adapters/registry';
import { openBaseModel } from '../models/baseModel';
import type { QuickEstimate } from '../protocol/calls/estimate';
import { KernelError } from '../protocol/errors';
import { planFor, refuseLongSamples } from '../trainer/prepare';
import { graphShape } from '../trainer/runner';
import type { CountedRun, RunShape } from './runMemory';
import { largestShapes, runMemory } from './runMemory';

/** Answers that are kept; a configuration that is being typed has a new one for each change that matters. */
const MOST_ANSWERS = 32;

export class QuickEstimates {
  private readonly answers = new Map<string, Promise<QuickEstimate>>();
  private readonly counted = new Map<string, CountedRun>();

  /** What a full estimate counted, for later hints about the same data. */
  rememberShapes(config: ResolvedConfig, counted: CountedRun): void {
    keep(this.counted, dataKey(config), { ...counted, shapes: largestShapes(counted.shapes) });
  }

  /** `text`: the unsaved text in place of the file's. Throws `input/refused` with the problems of a wrong configuration. */
  async estimate(file: string, text: string | undefined, signal?: AbortSignal): Promise<QuickEstimate> {
    const { config, problems } = loadConfig(file, { methods: adapterMethods, ...(text !== undefined && { text }) });
    if (!config) throw KernelError.refused(problems.filter((p) => p.severity === 'error'));
    const counted = this.counted.get(dataKey(config));
    const key = JSON.stringify([
      config.model,
      config.adapter,
      config.relora,
      config.training.max_steps,
      modelStamp(config),
      counted ? dataKey(config) : shapeKey(config),
    ]);
    const known = this.answers.get(key);
    if (known) return known;
    const answer = compute(file, config, counted, signal);
    keep(this.answers, key, answer);
    // A cancelled or failed answer is not one.
    answer.catch(() => this.answers.delete(key));
    return answer;
  }
}

async function compute(
  file: string,
  config: ResolvedConfig,
  counted: CountedRun | undefined,
  signal: AbortSignal | undefined,
): Promise<QuickEstimate> {
  const model = openBaseModel(config.model);
  try {
    refuseLongSamples(config, model, file);
    const plan = planFor(config, model, file);
    const shapes = counted?.shapes ?? [fullBatch(config)];
    const memory = await runMemory({
      model,
      plan,
      config,
      totalSteps: counted?.totalSteps ?? config.training.max_steps,
      device: 'cpu',
      shapes,
      samples: counted?.samples ?? 0,
      ...(signal && { signal }),
    });
    const largest = shapes.reduce((n, { batch, length }) => Math.max(n, batch * length), 0);
    return {
      peakBytes: memory.peakBytes,
      neededBytes: memory.neededBytes,
      basis: counted ? 'tokens' : 'max_length',
      tokensPerBatch: largest,
    };
  } finally {
    model.checkpoint.close();
  }
}

function fullBatch({ training, data }: ResolvedConfig): RunShape {
  const batch = training.per_device_train_batch_size;
  const length = bucketLength(data.max_length, data.max_length);
  return { kind: 'train', ...graphShape(batch, length, batch * length), held: 1 };
}

const shapeKey = ({ training, data }: ResolvedConfig): readonly unknown[] => [
  training.per_device_train_batch_size,
  data.max_length,
];

/** Everything that the counted batches depend on. */
function dataKey({ model, data, training }: ResolvedConfig): string {
  const { num_train_epochs, max_steps, per_device_train_batch_size, gradient_accumulation_steps } = training;
  const { seed, shuffle, group_by_length, eval_steps } = training;
  const files = [...data.train, ...(data.eval ?? [])].map(stampOf);
  const length = [num_train_epochs, max_steps, per_device_train_batch_size, gradient_accumulation_steps];
  return JSON.stringify([model, data, files, length, seed, shuffle, group_by_length, eval_steps]);
}

const modelStamp = ({ model }: ResolvedConfig): string => `${stampOf(`${model}/config.json`)} ${stampOf(model)}`;

function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.size} ${stat.mtimeMs}` : 'missing';
}

function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_ANSWERS && oldest !== undefined) map.delete(oldest);
}
