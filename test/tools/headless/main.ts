/**
 * @file `npm start -- --headless`: the sample run in the terminal. Asks the base model held-out questions, trains the
 * adapter with the command line (progress, live loss), asks again, merges, asks the merged model, checks, and exits 0 only
 * if everything held.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MergeReport, MetricRecord, SpectrumRecord, TrainRecord } from '../../../kernels/protocol/types';
import { projectRoot } from '../shared/projectRoot';
import { exactMatch, type Answers } from './exactMatch';

const CONFIG = 'questions.adapter.yaml';
/** What the sample promises, and what a merge into 16-bit weights may change: their rounding. */
const LIMITS = { before: 0.05, after: 0.9, logitShare: 0.02 };

async function main(): Promise<number> {
  const started = performance.now();
  const folder = mkdtempSync(path.join(tmpdir(), 'adapter-studio-sample-'));
  cpSync(path.join(projectRoot, 'media', 'sample'), folder, { recursive: true });
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  say(`the sample run, in ${folder}`);

  say('\nasking the base model held-out questions …');
  const before = await exactMatch(at('base'), null, at('eval.jsonl'));
  showAnswers(before);

  say(`\ntraining ${CONFIG}`);
  const { run, metrics } = await train(at(CONFIG));
  const evals = metrics.filter((r) => r.kind === 'eval');

  say('\nasking again, with the adapter …');
  const after = await exactMatch(at('base'), path.join(run, 'adapter'), at('eval.jsonl'));
  showAnswers(after);

  say('\nmerging the adapter into the base …');
  const args = ['merge', '--base', at('base'), '--adapter', path.join(run, 'adapter'), '--out', at('merged')];
  const proof = (await engine(args)) as unknown as MergeReport;
  const merged = await exactMatch(at('merged'), null, at('eval.jsonl'));

  const logitShare = proof.maxAbsLogitDifference / proof.maxAbsLogit;
  const seconds = (performance.now() - started) / 1000;
  say('');
  say(`                    base    adapter  merged`);
  say(`evaluation loss     ${cell(evals[0]?.loss)}${cell(evals.at(-1)?.loss)}`);
  say(`exact match         ${percent(before)}${percent(after)}${percent(merged)}`);
  say(`rank of the update  ${rankLine(run)}`);
  say(
    `merge               largest logit difference ${proof.maxAbsLogitDifference.toExponential(1)} of ${proof.maxAbsLogit.toFixed(1)} (${proof.dtype} weights)`,
  );
  say(`time                ${seconds.toFixed(0)} s`);

  const failed = [
    share(before) > LIMITS.before && `the base model already answers ${percent(before).trim()}`,
    share(after) < LIMITS.after &&
      `the adapter answers only ${percent(after).trim()}, expected ${LIMITS.after * 100} %`,
    share(merged) < LIMITS.after && `the merged model answers only ${percent(merged).trim()}`,
    !(logitShare < LIMITS.logitShare) && `the merge changes logits by ${logitShare.toExponential(1)} of the largest`,
  ].filter((f) => f !== false);
  for (const failure of failed) say(`FAILED: ${failure}`);
  if (failed.length === 0) say('\nall checks passed');
  return failed.length === 0 ? 0 : 1;
}

/** Runs `train --json` and shows its records as they come. */
async function train(config: string): Promise<{ readonly run: string; readonly metrics: readonly MetricRecord[] }> {
  let run = '';
  const metrics: MetricRecord[] = [];
  await engine(['train', config], (record) => {
    if (typeof record.run === 'string') run = record.run;
    if (record.kind !== 'train' && record.kind !== 'eval') return;
    const metric = record as unknown as MetricRecord;
    metrics.push(metric);
    if (metric.kind === 'eval')
      say(`step ${String(metric.step).padStart(4)}  evaluation loss ${metric.loss.toFixed(4)}`);
    else progress(metric, run);
  });
  clear();
  return { run, metrics };
}

let totalSteps = 0;
function progress({ step, loss, step_seconds: seconds }: TrainRecord, run: string): void {
  totalSteps ||= (JSON.parse(readFileSync(path.join(run, 'run.json'), 'utf8')) as { total_steps: number }).total_steps;
  if (!process.stdout.isTTY) {
    if (step % 20 === 0) say(`step ${String(step).padStart(4)}  loss ${loss.toFixed(4)}`);
    return;
  }
  const filled = Math.round((step / totalSteps) * 28);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(28 - filled)}`;
  process.stdout.write(`\r${bar} ${step}/${totalSteps}  loss ${loss.toFixed(4)}  ${seconds.toFixed(2)} s/step   `);
}

const clear = (): void => void (process.stdout.isTTY && process.stdout.write(`\r${' '.repeat(76)}\r`));

/** The command line as a child process; resolves with its last record. */
async function engine(
  args: readonly string[],
  onRecord: (record: Readonly<Record<string, unknown>>) => void = () => undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const program = path.join(projectRoot, 'dist', 'kernel.js');
  const child = spawn(process.execPath, [program, ...args, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let rest = '';
  let last: Readonly<Record<string, unknown>> = {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines.filter(Boolean)) {
      last = JSON.parse(line) as Readonly<Record<string, unknown>>;
      onRecord(last);
    }
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new Error(`adapter-studio ${args.join(' ')} ended with status ${code}`);
  return last;
}

/** Mean over the adapted layers at the end of the run. */
function rankLine(run: string): string {
  const records = readFileSync(path.join(run, 'spectra.jsonl'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as SpectrumRecord);
  const lastStep = records.at(-1)?.step;
  const last = records.filter((r) => r.step === lastStep);
  const mean = (f: (r: SpectrumRecord) => number): string =>
    (last.reduce((n, r) => n + f(r), 0) / last.length).toFixed(1);
  return `stable ${mean((r) => r.stable_rank)}, effective ${mean((r) => r.effective_rank)} (mean over ${last.length} layers)`;
}

function showAnswers({ examples, right, count }: Answers): void {
  for (const { question, answer, expected } of examples) {
    say(
      `  ${question}\n    → ${JSON.stringify(answer)}${answer === expected ? '' : `   expected ${JSON.stringify(expected)}`}`,
    );
  }
  say(`  ${right} of ${count} right`);
}

const share = ({ right, count }: Answers): number => right / count;
const percent = (a: Answers): string => `${(100 * share(a)).toFixed(0)} %`.padEnd(9);
const cell = (loss: number | undefined): string => (loss === undefined ? '–' : loss.toFixed(3)).padEnd(9);
const say = (text: string): void => {
  clear();
  process.stdout.write(`${text}\n`);
};

void main().then((status) => (process.exitCode = status));
