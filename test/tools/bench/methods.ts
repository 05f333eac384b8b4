/**
 * @file `npm run bench -- methods`: the time of a training step and the peak memory of each method, against LoRA and, with
 * --python, against PEFT. Steps of all methods take turns in one process, so that whatever else the machine does falls on all
 * of them; the memory is that of a process of its own. Ratios are medians over the turns.
 */
import { loadavg } from 'node:os';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { physicalCores } from '../../../kernels/runtime/devices';
import { AdamW, clipFactor, globalNorm } from '../../../kernels/trainer/adamw';
import { Parameters } from '../../../kernels/trainer/parameters';
import { ModelRunner, type StepInput } from '../../../kernels/trainer/runner';
import { withDefaults } from '../../../kernels/util/fields';
import { runEngine } from '../shared/engineCli';
import { runPeer, type Peers } from '../shared/peers';
import { formatBytes, say } from '../shared/table';
import { writeTrainConfig } from '../shared/trainConfig';
import { LETTERS, wholeWords, writeSamples } from './fixedLengthText';
import { ALPHA, METHOD_CASES, type MethodCase } from './methodCases';
import { ensureRandomCheckpoint } from './randomCheckpoint';
import { SHAPES } from './shapes';
import { median, pairedRatio } from './statistics';
import { BATCH, SEQUENCE } from './trainWorkloads';
import type { BenchContext, BenchReport, Verdict } from './types';

/** Steps of each method in a turn; one more comes before the first turn and does not count. */
const STEPS = 3;
const PEER_STEPS = 3;

interface Contender {
  readonly method: MethodCase;
  readonly trained: number;
  step(): Promise<void>;
  dispose(): Promise<void>;
  /** Seconds and processor seconds of each counted step. */
  readonly wall: number[];
  readonly cpu: number[];
  peakBytes?: number | undefined;
  /** Seconds of each of PEFT's steps, and its peak. */
  readonly peft: number[];
  peftBytes?: number | undefined;
}

export async function benchMethods(context: BenchContext): Promise<BenchReport> {
  const known = METHOD_CASES.map(({ id }) => id);
  const unknown = context.cases?.find((id) => !known.includes(id));
  if (unknown !== undefined) throw new Error(`--cases has ${unknown}; known are ${known.join(', ')}`);
  const chosen = METHOD_CASES.filter(({ id }) => id === 'lora' || (context.cases?.includes(id) ?? true));
  const base = context.checkpoint ?? (await ensureRandomCheckpoint(join(context.cache, 'random-b-f32'), SHAPES.b));
  const contenders = chosen.map((method) => contender(method, base));
  const loads: number[] = [];
  for (let turn = -1; turn < context.turns; turn++) {
    for (let i = 0; i < (turn < 0 ? 1 : STEPS); i++) {
      for (const one of contenders) await timed(one, turn >= 0);
    }
    loads.push(loadavg()[0]!);
    say(`  turn ${turn + 1} of ${context.turns}, load average ${loads.at(-1)!.toFixed(1)}`);
  }
  for (const one of contenders) {
    await one.dispose();
    const [wall, cpu] = [pairedRatio(one.wall, contenders[0]!.wall), pairedRatio(one.cpu, contenders[0]!.cpu)];
    say(`  ${one.method.label}: ${wall.toFixed(3)} x LoRA's time, ${cpu.toFixed(3)} x its processor time`);
  }
  await measureMemory(contenders, base, context);
  if (context.peers) await measurePeers(contenders, base, context.peers, context);
  const [lora] = contenders;
  if (!lora) throw new Error('LoRA is what the others are compared with');
  return {
    rows: [HEAD, ...contenders.map((one) => row(one, lora))],
    verdicts: contenders.flatMap((one) => verdict(one, lora)),
    notes: [
      `${base}: batch ${BATCH} × ${SEQUENCE} tokens, all labels, adapters on all linear layers, float32`,
      `${context.turns} turns of ${STEPS} steps, one of each method by turns, in one process on ${physicalCores()} threads; a step is forward, backward, clipping and AdamW`,
      `load average after each turn: ${loads.map((load) => load.toFixed(1)).join(', ')}`,
    ],
    data: contenders.map(({ method, trained, wall, cpu, peakBytes, peft, peftBytes }) => ({
      ...{ id: method.id, adapter: method.adapter, trained, wall, cpu, peakBytes, peft, peftBytes },
    })),
  };
}

function contender(method: MethodCase, base: string): Contender {
  const { method: id, ...fields } = method.adapter;
  const found = adapterMethods.find((m) => m.id === id);
  if (!found) throw new Error(`there is no method ${id}`);
  const model = openBaseModel(base);
  const plan = planAdapter(found, withDefaults(found.config, fields), model);
  const parameters = new Parameters(plan).initialise(model, 1);
  const runner = new ModelRunner(model, plan, parameters, { device: 'cpu', threads: physicalCores() });
  const adam = new AdamW(plan.trainedSize, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  const gradient = new Float32Array(plan.trainedSize);
  const ranges = [{ from: 0, to: plan.trainedSize, learningRate: 1e-4, weightDecay: 0 }];
  const input = stepInput(model.config.vocabularySize);
  return {
    method,
    trained: plan.trainedSize,
    wall: [],
    cpu: [],
    peft: [],
    step: async () => {
      gradient.fill(0);
      await runner.step(input, gradient, () => undefined);
      adam.update(parameters.trained, gradient, ranges, clipFactor(globalNorm(gradient), 1));
    },
    dispose: async () => {
      await runner.dispose();
      model.checkpoint.close();
    },
  };
}

/** A batch of spread ids, the next one of which is always the label. */
function stepInput(vocabulary: number): StepInput {
  const count = BATCH * SEQUENCE;
  const inputIds = Int32Array.from({ length: count }, (_, i) => (i * 48271) % vocabulary);
  const rows = Int32Array.from({ length: count }, (_, i) => i).filter((i) => (i + 1) % SEQUENCE > 0);
  const labels = rows.map((i) => inputIds[i + 1] ?? 0);
  const batch = { batch: BATCH, length: SEQUENCE, inputIds, rows, labels };
  return { batch, rowWeight: 1 / rows.length, dropoutSeed: 0 };
}

async function timed({ step, wall, cpu }: Contender, isCounted: boolean): Promise<void> {
  const [start, used] = [performance.now(), process.cpuUsage()];
  await step();
  const { user, system } = process.cpuUsage(used);
  if (!isCounted) return;
  wall.push((performance.now() - start) / 1000);
  cpu.push((user + system) / 1e6);
}

/** Each method in a process of its own, two steps through the command line. */
async function measureMemory(contenders: readonly Contender[], base: string, { work, checkpoint }: BenchContext) {
  const steps = 2;
  const data = join(work, 'train.jsonl');
  const units = checkpoint === undefined ? LETTERS : await wholeWords(base);
  await writeSamples(data, units, { tokens: SEQUENCE, supervised: SEQUENCE }, steps * BATCH);
  for (const one of contenders) {
    const folder = join(work, one.method.id);
    await mkdir(folder);
    const config = await writeTrainConfig(join(folder, 'bench.adapter.yaml'), {
      model: base,
      data: { train: data, max_length: SEQUENCE },
      adapter: one.method.adapter,
      training: {
        learning_rate: 1e-4,
        lr_scheduler_type: 'constant',
        warmup_steps: 0,
        max_steps: steps,
        per_device_train_batch_size: BATCH,
        gradient_accumulation_steps: 1,
        max_grad_norm: 1,
        weight_decay: 0,
        save_steps: steps + 1,
      },
      output: join(folder, 'runs'),
    });
    one.peakBytes = (await runEngine('train', config)).peakBytes;
    say(`  ${one.method.label}: peak ${formatBytes(one.peakBytes)}`);
  }
}

async function measurePeers(
  contenders: readonly Contender[],
  base: string,
  peers: Peers,
  { work, turns }: BenchContext,
) {
  const batches = join(work, 'batches.json');
  const samples = ['--base', base, '--data', join(work, 'train.jsonl')];
  const size = ['--batch-size', String(BATCH), '--max-length', String(SEQUENCE)];
  await runPeer(peers, 'interop/peft_batches.py', ...samples, ...size, '--out', batches);
  for (let turn = 0; turn < turns; turn++) {
    for (const one of contenders) {
      if (!one.method.peft) continue;
      const options = { base, batches, steps: PEER_STEPS + 1, dtype: 'f32', method: one.method.peft };
      const args = Object.entries({ ...options, r: one.method.adapter.r, alpha: ALPHA });
      const flags = args.flatMap(([key, value]) => [`--${key}`, String(value)]);
      const finished = await runPeer(peers, 'bench/peft_train.py', ...flags);
      const report = JSON.parse(finished.stdout) as { readonly step_seconds: readonly number[] };
      one.peft.push(...report.step_seconds.slice(1));
      one.peftBytes = Math.max(one.peftBytes ?? 0, finished.peakBytes ?? 0) || undefined;
      say(`  PEFT ${one.method.label}: ${(1000 * median(report.step_seconds.slice(1))).toFixed(0)} ms/step`);
    }
  }
}

const HEAD = [
  'method',
  'trained',
  'ms/step',
  'time vs LoRA',
  'processor time vs LoRA',
  'peak RSS',
  'memory vs LoRA',
  'PEFT ms/step',
  'speed vs PEFT',
  'memory vs PEFT',
] as const;

function row(one: Contender, lora: Contender): string[] {
  const share = (a: number | undefined, b: number | undefined) => (a && b ? `${(a / b).toFixed(2)} x` : '');
  const peft = one.peft.length > 0 ? median(one.peft) : undefined;
  return [
    one.method.label,
    one.trained.toLocaleString('en'),
    (1000 * median(one.wall)).toFixed(0),
    pairedRatio(one.wall, lora.wall).toFixed(3),
    pairedRatio(one.cpu, lora.cpu).toFixed(3),
    formatBytes(one.peakBytes),
    share(one.peakBytes, lora.peakBytes),
    peft === undefined ? '' : (1000 * peft).toFixed(0),
    share(peft, median(one.wall)),
    share(one.peakBytes, one.peftBytes),
  ];
}

function verdict(one: Contender, lora: Contender): Verdict[] {
  const { goal, label } = one.method;
  if (goal === undefined) return [];
  const ratio = pairedRatio(one.wall, lora.wall);
  const limit = `at most ${goal.toFixed(2)}`;
  return [{ name: `${label}: step time vs LoRA`, measured: ratio.toFixed(3), limit, isPassed: ratio <= goal }];
}
