/** @file What PEFT and transformers must agree on with this engine: logits of our files, losses of a common start. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { readMetrics, runEngine, runFolder } from '../shared/engineCli';
import { runPeer, type Peers } from '../shared/peers';
import { writeTrainConfig, type TrainingSettings } from '../shared/trainConfig';
import { atMost, type Checks } from './checks';
import { openForLogits } from './engineLogits';
import type { Trained } from './engineChecks';

const LOGIT_LIMIT = 1e-3;
const LOSS_LIMIT = 1e-3;

const PROMPTS = [
  'The capital of France is',
  'Define the word "lighthouse".',
  '<|im_start|>user\nDefine the word "harbour".<|im_end|>\n<|im_start|>assistant\n',
];

const LOGITS = 'PEFT loads the adapter: logits against ours, of their range';
const MERGED_LOGITS = 'transformers loads the merged folder: logits against PEFT, of their range';
const LOSSES = 'losses of a common start against PEFT, f32, relative';

/** For a Python without PEFT: names what was not looked at. */
export function skipPeft(checks: Checks, reason: string): void {
  for (const name of [LOGITS, MERGED_LOGITS]) checks.notRun(name, `at most ${LOGIT_LIMIT}`, reason);
  checks.notRun(LOSSES, `at most ${LOSS_LIMIT}`, reason);
}

export async function checkLogits(
  checks: Checks,
  peers: Peers,
  { base, work, adapter, merged }: Trained & { readonly base: string; readonly work: string },
): Promise<void> {
  if (adapter === undefined || merged === undefined) {
    for (const name of [LOGITS, MERGED_LOGITS])
      checks.notRun(name, `at most ${LOGIT_LIMIT}`, 'there is no merged adapter');
    return;
  }
  const out = join(work, 'peftLogits.safetensors');
  await checks.run(LOGITS, `at most ${LOGIT_LIMIT}`, async () => {
    await writePeftLogits(peers, { base, adapter, merged, out }, work);
    return atMost(await worstAgainstOurs(out, base, adapter), LOGIT_LIMIT);
  });
  await checks.run(MERGED_LOGITS, `at most ${LOGIT_LIMIT}`, () => {
    const file = openSafetensors(out);
    const differences = PROMPTS.map((_, i) =>
      relativeDifference(file.readF32(`merged.${i}`), file.readF32(`adapter.${i}`)),
    );
    file.close();
    return Promise.resolve(atMost(Math.max(...differences), LOGIT_LIMIT));
  });
}

/**
 * Largest difference between the logits of an adapter in PEFT and ours on fixed prompts, of their range. `work`: a folder
 * for files between the two.
 */
export async function worstLogitsInPeft(peers: Peers, base: string, adapter: string, work: string): Promise<number> {
  const out = join(work, 'peftLogits.safetensors');
  await writePeftLogits(peers, { base, adapter, out }, work);
  return worstAgainstOurs(out, base, adapter);
}

async function writePeftLogits(
  peers: Peers,
  paths: Readonly<Record<'base' | 'adapter' | 'out', string>> & { readonly merged?: string },
  work: string,
): Promise<void> {
  const prompts = join(work, 'prompts.json');
  await writeFile(prompts, JSON.stringify(PROMPTS));
  const options = Object.entries({ ...paths, prompts }).flatMap(([key, path]) => [`--${key}`, path]);
  await runPeer(peers, 'interop/peft_logits.py', ...options);
}

/** The engine is given PEFT's token ids, so that only the model is compared. */
async function worstAgainstOurs(peftLogits: string, base: string, adapter: string): Promise<number> {
  const file = openSafetensors(peftLogits);
  const model = openForLogits(base, adapter);
  try {
    let worst = 0;
    for (let i = 0; i < PROMPTS.length; i++) {
      const bytes = file.readBytes(`ids.${i}`);
      const ids = Array.from({ length: bytes.length / 8 }, (_, at) =>
        Number(Buffer.from(bytes).readBigInt64LE(8 * at)),
      );
      worst = Math.max(worst, relativeDifference(await model.logits(ids), file.readF32(`adapter.${i}`)));
    }
    return worst;
  } finally {
    await model.dispose();
    file.close();
  }
}

/** Largest absolute difference over the range (largest minus smallest) of the expected values. */
export function relativeDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) throw new Error(`${found.length} logits found, ${expected.length} expected`);
  let [worst, least, most] = [0, Infinity, -Infinity];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i]! - expected[i]!);
    // A NaN on either side must not pass.
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    least = Math.min(least, expected[i]!);
    most = Math.max(most, expected[i]!);
  }
  return worst / (most - least);
}

/** Both sides start from factors that PEFT drew, and take the samples in the file's order. */
export async function checkLosses(
  checks: Checks,
  peers: Peers,
  task: { readonly base: string; readonly data: string; readonly work: string; readonly steps: number },
): Promise<void> {
  await checks.run(`${LOSSES}, ${task.steps} steps`, `at most ${LOSS_LIMIT}`, async () => {
    const folder = join(task.work, 'losses');
    await mkdir(folder);
    const settings = lossSettings(task.steps);
    const start = join(folder, 'start');
    await runPeer(peers, 'interop/peft_adapter.py', '--base', task.base, '--out', start, '--r', '8', '--alpha', '16');
    const theirs = await peftLosses(peers, { ...task, folder, start, settings });
    const ours = await ourLosses({ ...task, folder, start, settings });
    if (ours.tokens.join() !== theirs.tokens.join()) {
      throw new Error(`tokens read after each step: ${ours.tokens.join(' ')}; PEFT read ${theirs.tokens.join(' ')}`);
    }
    return atMost(
      Math.max(...theirs.losses.map((loss, i) => Math.abs((ours.losses[i] ?? NaN) / loss - 1))),
      LOSS_LIMIT,
    );
  });
}

interface LossTask {
  readonly base: string;
  readonly data: string;
  readonly folder: string;
  readonly start: string;
  readonly settings: TrainingSettings;
}

/** Loss of each step, and tokens read up to and including it. */
interface Losses {
  readonly losses: readonly number[];
  readonly tokens: readonly number[];
}

const MAX_LENGTH = 128;

/** Warm-up, decay, clipping and accumulation all take part, so that an error in any of them shows. */
function lossSettings(steps: number): TrainingSettings {
  return {
    learning_rate: 5e-4,
    lr_scheduler_type: 'linear',
    warmup_steps: 2,
    max_steps: steps,
    per_device_train_batch_size: 2,
    gradient_accumulation_steps: 2,
    max_grad_norm: 1,
    weight_decay: 0.01,
  };
}

async function peftLosses(peers: Peers, { base, data, folder, start, settings }: LossTask): Promise<Losses> {
  const [batches, settingsFile, out] = ['batches.json', 'settings.json', 'losses.json'].map((name) =>
    join(folder, name),
  );
  const size = ['--batch-size', String(settings.per_device_train_batch_size), '--max-length', String(MAX_LENGTH)];
  await runPeer(peers, 'interop/peft_batches.py', '--base', base, '--data', data, ...size, '--out', batches!);
  await writeFile(settingsFile!, JSON.stringify(settings));
  const files = ['--batches', batches!, '--settings', settingsFile!, '--out', out!];
  await runPeer(peers, 'interop/peft_losses.py', '--base', base, '--adapter', start, ...files);
  return JSON.parse(await readFile(out!, 'utf8')) as Losses;
}

async function ourLosses({ base, data, folder, start, settings }: LossTask): Promise<Losses> {
  const config = await writeTrainConfig(join(folder, 'losses.adapter.yaml'), {
    model: base,
    data: { train: data, max_length: MAX_LENGTH },
    adapter: {
      method: 'lora',
      r: 8,
      lora_alpha: 16,
      lora_dropout: 0,
      target_modules: 'all-linear',
      init_from: start,
    },
    training: { ...settings, shuffle: false, group_by_length: false, save_steps: settings.max_steps },
    output: join(folder, 'runs'),
  });
  const metrics = await readMetrics(runFolder(await runEngine('train', config)));
  const steps = metrics.filter((record) => record.kind === 'train');
  return { losses: steps.map(({ loss }) => loss), tokens: steps.map(({ tokens }) => tokens) };
}
