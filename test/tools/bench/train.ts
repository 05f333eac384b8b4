/**
 * @file `npm run bench -- train`: tokens per second of a LoRA step (r = 16 on all seven projections) through the command
 * line, as a share of the sgemm peak and against PEFT. The programs run one after the other in turn (A B C A B C), each
 * in a process of its own; ratios are medians over the turns.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readMetrics, runEngine, runFolder } from '../shared/engineCli';
import { runPeer, type Peers } from '../shared/peers';
import { formatBytes, say } from '../shared/table';
import { writeTrainConfig } from '../shared/trainConfig';
import { writeSamples } from './fixedLengthText';
import { measureSgemm } from './sgemm';
import { median } from './statistics';
import {
  floorVerdicts,
  resultRows,
  RESULT_HEAD,
  type Engine,
  type Measurement,
  type WorkloadResult,
} from './trainReport';
import { BATCH, flopsOf, SEQUENCE, TOKENS, WORKLOADS, type Workload } from './trainWorkloads';
import type { BenchContext, BenchReport } from './types';

const RANK = 16;
const ALPHA = 32;

export async function benchTrain(context: BenchContext): Promise<BenchReport> {
  const known = WORKLOADS.map(({ id }) => id).join(', ');
  const unknown = context.cases?.find((id) => !WORKLOADS.some((workload) => workload.id === id));
  if (unknown !== undefined) throw new Error(`--cases has ${unknown}; known are ${known}`);
  const chosen = WORKLOADS.filter(({ id, isDefault }) => context.cases?.includes(id) ?? isDefault);
  const results: WorkloadResult[] = [];
  for (const workload of chosen) results.push(await measureWorkload(workload, context));
  return {
    rows: [RESULT_HEAD, ...results.flatMap(resultRows)],
    verdicts: results.flatMap(floorVerdicts),
    notes: [
      `LoRA r=${RANK} on all seven projections, batch ${BATCH} × ${SEQUENCE} tokens, ${context.turns} turns`,
      `sgemm peak: ${results.map(({ workload, sgemm }) => `${(sgemm / 1e9).toFixed(0)} GFLOP/s (${workload.id})`).join(', ')}`,
      'share of the peak: products with frozen weights only (head at supervised rows only), so a lower bound',
    ],
    data: results.map(({ workload, sgemm, engines }) => ({
      workload: workload.id,
      tokensPerStep: TOKENS,
      supervisedPerSample: workload.supervised,
      sgemmFlopsPerSecond: sgemm,
      flopsPerStep: flopsOf(workload),
      engines: Object.fromEntries(engines),
    })),
  };
}

async function measureWorkload(workload: Workload, context: BenchContext): Promise<WorkloadResult> {
  const folder = join(context.work, workload.id);
  await mkdir(folder);
  const base = await workload.prepare(context.cache);
  const steps = workload.warmup + workload.timed;
  const data = join(folder, 'train.jsonl');
  const sample = { tokens: SEQUENCE, supervised: workload.supervised };
  await writeSamples(data, await workload.units(base), sample, steps * BATCH);
  const ours = await prepareOurs(folder, base, data, steps);
  const batches = context.peers ? await prepareBatches(context.peers, folder, base, data) : null;

  let sgemm = 0;
  const engines = new Map<Engine, Measurement[]>();
  const add = (engine: Engine, measurement: Measurement) => {
    engines.set(engine, [...(engines.get(engine) ?? []), measurement]);
    const ms = (1000 * measurement.stepSeconds).toFixed(0);
    say(`  ${workload.label}: ${engine} ${ms} ms/step, peak ${formatBytes(measurement.peakBytes)}`);
  };
  for (let turn = 0; turn < context.turns; turn++) {
    sgemm = Math.max(sgemm, await measureSgemm(1));
    add('ours f32', await measureOurs(ours, workload));
    if (!context.peers || !batches) continue;
    for (const dtype of ['f32', 'bf16'] as const) {
      add(`PEFT ${dtype}`, await measurePeft(context.peers, { base, batches, steps, dtype }, workload));
    }
  }
  await rm(folder, { recursive: true });
  return { workload, sgemm, engines };
}

function prepareOurs(folder: string, base: string, data: string, steps: number): Promise<string> {
  const never = steps + 1;
  return writeTrainConfig(join(folder, 'bench.adapter.yaml'), {
    model: base,
    data: { train: data, max_length: SEQUENCE },
    adapter: { method: 'lora', r: RANK, lora_alpha: ALPHA, lora_dropout: 0, target_modules: 'all-linear' },
    training: {
      learning_rate: 2e-4,
      lr_scheduler_type: 'linear',
      warmup_steps: 0,
      max_steps: steps,
      per_device_train_batch_size: BATCH,
      gradient_accumulation_steps: 1,
      max_grad_norm: 1,
      weight_decay: 0,
      shuffle: false,
      group_by_length: false,
      save_steps: never,
    },
    output: join(folder, 'runs'),
  });
}

async function prepareBatches(peers: Peers, folder: string, base: string, data: string): Promise<string> {
  const out = join(folder, 'batches.json');
  const size = ['--batch-size', String(BATCH), '--max-length', String(SEQUENCE)];
  await runPeer(peers, 'interop/peft_batches.py', '--base', base, '--data', data, ...size, '--out', out);
  return out;
}

/** Step time is the time between two records of the run, so that whatever happens between two steps counts. */
async function measureOurs(config: string, { warmup }: Workload): Promise<Measurement> {
  const run = await runEngine('train', config);
  const records = (await readMetrics(runFolder(run))).filter((record) => record.kind === 'train');
  const read = records.at(-1)?.tokens;
  if (read !== TOKENS * records.length) {
    throw new Error(`the engine read ${read} tokens in ${records.length} steps; ${TOKENS} a step were expected`);
  }
  const gaps = records.slice(1).map((record, i) => record.time - records[i]!.time);
  return { stepSeconds: median(gaps.slice(warmup - 1)), peakBytes: run.peakBytes };
}

async function measurePeft(
  peers: Peers,
  task: { base: string; batches: string; steps: number; dtype: 'f32' | 'bf16' },
  { warmup }: Workload,
): Promise<Measurement> {
  const args = Object.entries({ ...task, r: RANK, alpha: ALPHA }).flatMap(([key, value]) => [
    `--${key}`,
    String(value),
  ]);
  const finished = await runPeer(peers, 'bench/peft_train.py', ...args);
  const report = JSON.parse(finished.stdout) as { readonly step_seconds: readonly number[] };
  return { stepSeconds: median(report.step_seconds.slice(warmup)), peakBytes: finished.peakBytes };
}
