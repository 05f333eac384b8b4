/**
 * @file One real fine-tune of each method, checked as its user would: the evaluation loss falls, the activity that the run
 * recorded is what the method's paper says, the merge proves itself, and PEFT gives the same logits where it has the format.
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActivityRecord, RunInfo } from '../../../kernels/protocol/types';
import { readMetrics, runEngine, runFolder } from '../shared/engineCli';
import type { Peers } from '../shared/peers';
import { writeTrainConfig } from '../shared/trainConfig';
import { atMost, type Checks, type Measured } from './checks';
import type { Amounts } from './engineChecks';
import type { MethodCase } from './methodCases';
import { worstLogitsInPeft } from './peftChecks';

/** Of the largest logit. A merge that is exact may differ by rounding; the others say how far off they are. */
const MERGE_LIMIT = 1e-3;
const LOSS_SHARE = 0.95;
const LOGIT_LIMIT = 1e-3;

export interface MethodRow {
  readonly name: string;
  readonly trained: number;
  readonly before: number;
  readonly after: number;
  /** Of the largest logit. */
  readonly mergeError: number;
  readonly isExact: boolean;
  readonly inPeft?: number;
}

export interface MethodTask {
  readonly base: string;
  readonly data: { readonly train: string; readonly eval: string };
  readonly work: string;
  readonly amounts: Amounts;
  /** Null: no Python with PEFT was given. */
  readonly peers: Peers | null;
}

/** Trains, judges and merges with one method. Undefined where it was to be refused, or could not be trained. */
export async function checkMethod(
  checks: Checks,
  method: MethodCase,
  task: MethodTask,
): Promise<MethodRow | undefined> {
  const { name, refusal } = method;
  const work = join(task.work, name.replace(/[^a-z0-9]+/gi, '-'));
  await mkdir(work);
  const config = await writeTrainConfig(join(work, 'method.adapter.yaml'), methodConfig(method, task, work));
  if (refusal) {
    await checks.run(`${name}: refused`, `says ${refusal.source}`, () => measureRefusal(config, refusal));
    return undefined;
  }
  try {
    return await checkTrained(checks, method, config, { ...task, work });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function checkTrained(
  checks: Checks,
  { name, isKnownToPeft }: MethodCase,
  config: string,
  { base, work, peers }: MethodTask,
): Promise<MethodRow | undefined> {
  let [run, before, after] = ['', NaN, NaN];
  const isTrained = await checks.run(`${name}: eval loss`, `last below ${LOSS_SHARE} x first`, async () => {
    run = runFolder(await runEngine('train', config));
    const losses = (await readMetrics(run)).filter((r) => r.kind === 'eval').map(({ loss }) => loss);
    [before = NaN, after = NaN] = [losses[0], losses.at(-1)];
    return { measured: `${before.toFixed(3)} to ${after.toFixed(3)}`, isPassed: after < LOSS_SHARE * before };
  });
  if (!isTrained) return undefined;
  const adapter = join(run, 'adapter');
  await checks.run(`${name}: activity`, 'every verdict green', () => judge(run));
  let [mergeError, isExact] = [NaN, true];
  await checks.run(
    `${name}: merge, of the largest logit`,
    `at most ${MERGE_LIMIT}, or said to be inexact`,
    async () => {
      const paths = ['--base', base, '--adapter', adapter, '--out', join(work, 'merged')];
      const report = (await runEngine('merge', ...paths, '--dtype', 'f32')).records.at(-1) ?? {};
      mergeError = Number(report['maxAbsLogitDifference']) / Number(report['maxAbsLogit']);
      isExact = report['approximation'] === undefined;
      return {
        ...atMost(mergeError, isExact ? MERGE_LIMIT : Infinity),
        isPassed: Number.isFinite(mergeError) && (!isExact || mergeError <= MERGE_LIMIT),
      };
    },
  );
  let inPeft: number | undefined;
  if (isKnownToPeft && peers) {
    await checks.run(`${name}: logits in PEFT, of their range`, `at most ${LOGIT_LIMIT}`, async () => {
      inPeft = await worstLogitsInPeft(peers, base, adapter, work);
      return atMost(inPeft, LOGIT_LIMIT);
    });
  }
  const trained = await trainedParameters(run);
  return { name, trained, before, after, mergeError, isExact, ...(inPeft !== undefined && { inPeft }) };
}

/** The verdict of a run with the figures that are not green, as `runs show` tells them. */
async function judge(run: string): Promise<Measured> {
  const { records } = await runEngine('runs', 'show', run);
  const activity = records.at(-1)?.['activity'] as ActivityRecord | null | undefined;
  if (!activity) throw new Error('the run has no record of activity');
  const { verdict, figures } = activity;
  const others = figures.filter((figure) => figure.verdict !== 'green');
  const measured = [`${figures.length} figures`, verdict, ...others.map(({ label, value }) => `${label} ${value}`)];
  return { measured: measured.join(', '), isPassed: verdict === 'green' };
}

async function measureRefusal(config: string, expected: RegExp): Promise<Measured> {
  const text = await runEngine('train', config).then(
    () => 'it was trained',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return { measured: text.split('\n').find((line) => expected.test(line)) ?? text, isPassed: expected.test(text) };
}

async function trainedParameters(run: string): Promise<number> {
  const { parameters } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8')) as Pick<RunInfo, 'parameters'>;
  return parameters.trainable;
}

function methodConfig({ adapter, training, sections }: MethodCase, { base, data, amounts }: MethodTask, work: string) {
  const { batch, steps } = amounts;
  return {
    model: base,
    data: { train: data.train, eval: data.eval, max_length: 128 },
    adapter,
    ...sections,
    training: {
      lr_scheduler_type: 'linear',
      warmup_steps: 2,
      max_steps: steps,
      per_device_train_batch_size: batch,
      gradient_accumulation_steps: 1,
      max_grad_norm: 1,
      weight_decay: 0,
      seed: 42,
      eval_steps: steps,
      save_steps: steps,
      ...training,
    },
    output: join(work, 'runs'),
  } as const;
}

/** The rows as a table in Markdown, as docs/methods.md has it. */
export function methodTable(rows: readonly MethodRow[]): string {
  const head = ['method', 'trained parameters', 'eval loss', 'merge error', 'logits in PEFT'];
  const body = rows.map(({ name, trained, before, after, mergeError, isExact, inPeft }) => [
    name,
    trained.toLocaleString('en'),
    `${before.toFixed(3)} to ${after.toFixed(3)}`,
    `${mergeError.toExponential(1)}${isExact ? '' : ' (inexact by nature)'}`,
    inPeft === undefined ? '' : inPeft.toExponential(1),
  ]);
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
