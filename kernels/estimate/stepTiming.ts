/**
 * @file What the measuring process does: real batches of the run on the graphs of its most typical and its largest shape,
 * a few times each, the update of the optimiser, and one checkpoint. Nothing of the run's folders is touched.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { MeasuredShape, ShapeUse } from '../protocol/calls/estimate';
import { AdamW, globalNorm } from '../trainer/adamw';
import type { TrainBatch } from '../trainer/batchStream';
import { saveCheckpoint } from '../trainer/checkpointState';
import type { PreparedRun } from '../trainer/prepare';
import { graphShape, ModelRunner } from '../trainer/runner';
import { RunSpectra } from '../trainer/spectra';
import { writeSamples } from '../trainer/trainingSamples';
import { planBatches, workOf } from './batchPlan';

/** After the first run of a graph: at least this many, and until this much time was spent on the shape. */
const FEWEST_RUNS = 2;
const MOST_RUNS = 5;
const SECONDS_PER_SHAPE = 6;
/** Steps that are searched for a batch of the wanted shape. */
const MOST_STEPS = 20_000;

export interface StepTimings {
  readonly shapes: readonly MeasuredShape[];
  /** Norm, clipping and update of one optimiser step. */
  readonly updateSeconds: number;
  readonly checkpointSeconds: number;
  readonly spectraSeconds: number;
  /** Answering the fixed prompts once; 0 without any. */
  readonly samplesSeconds: number;
  readonly peakBytes?: number;
}

export interface TimingOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string, fraction: number) => void;
}

export async function timeSteps(run: PreparedRun, { signal, onProgress }: TimingOptions): Promise<StepTimings> {
  const { model, plan, parameters, device, threads, saveOptions } = run;
  const { adam_beta1: beta1, adam_beta2: beta2, adam_epsilon: epsilon } = run.config.training;
  const runner = new ModelRunner(model, plan, parameters, { device, threads });
  const optimiser = new AdamW(plan.trainedSize, { beta1, beta2, epsilon });
  const gradient = new Float32Array(plan.trainedSize);
  const wanted = shapesToTime(planBatches(run).shapes);
  const shapes: MeasuredShape[] = [];
  try {
    for (const [i, shape] of wanted.entries()) {
      const name =
        shape.kind === 'train'
          ? l10n.t('{0} × {1} tokens', shape.batch, shape.length)
          : l10n.t('{0} × {1} tokens, evaluation', shape.batch, shape.length);
      const batch = batchOfShape(run, shape);
      const times: number[] = [];
      for (let n = 0; n < 1 + FEWEST_RUNS || (n < 1 + MOST_RUNS && sum(times) < SECONDS_PER_SHAPE); n++) {
        signal.throwIfAborted();
        onProgress(l10n.t('Measuring batches of {0}', name), (i + Math.min(1, n / (1 + FEWEST_RUNS))) / wanted.length);
        const start = performance.now();
        if (shape.kind === 'train') {
          await runner.step({ batch, rowWeight: 1 / Math.max(1, batch.rows.length), dropoutSeed: n }, gradient);
        } else {
          await runner.loss(batch);
        }
        times.push((performance.now() - start) / 1000);
        await new Promise((resume) => setImmediate(resume));
      }
      const [first = 0, ...rest] = times;
      const seconds = median(rest);
      shapes.push({ ...withoutHeld(shape), seconds, compileSeconds: Math.max(0, first - seconds) });
    }
    const samplesSeconds = await timeSamples(run, runner, signal);
    const updateSeconds = secondsOf(() => {
      globalNorm(gradient);
      const range = { from: 0, to: plan.trainedSize, learningRate: 0, weightDecay: 0 };
      optimiser.update(parameters.trained, gradient, [range], 1);
    });
    // As after some training: what has not changed at all has no spectrum that takes time.
    parameters.trained.forEach((value, i) => (parameters.trained[i] = 1.001 * value + 1e-6));
    const spectraSeconds = secondsOf(() => new RunSpectra(run).at(0));
    const dir = mkdtempSync(path.join(os.tmpdir(), 'adapter-studio-'));
    try {
      const state = {
        version: 1,
        step: 0,
        completed: 0,
        tokens: 0,
        optimiserStep: 0,
        best: null,
        evaluationsWithoutGain: 0,
      } as const;
      const checkpointSeconds = secondsOf(() =>
        saveCheckpoint(path.join(dir, 'step-0'), parameters, optimiser, state, saveOptions),
      );
      const peakBytes = peakOfThisProcess();
      return {
        shapes,
        updateSeconds,
        checkpointSeconds,
        spectraSeconds,
        samplesSeconds,
        ...(peakBytes !== undefined && { peakBytes }),
      };
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  } finally {
    await runner.dispose();
  }
}

/** The second time: the first one compiles. */
async function timeSamples({ samples }: PreparedRun, runner: ModelRunner, signal: AbortSignal): Promise<number> {
  if (!samples) return 0;
  const write = () =>
    writeSamples(runner, samples, { step: 0, now: () => 0, signal, onToken: () => signal.throwIfAborted() });
  await write();
  const start = performance.now();
  await write();
  return (performance.now() - start) / 1000;
}

/** The training shape with most work, the largest one, and the evaluation shape with most work. */
export function shapesToTime<S extends ShapeUse>(shapes: readonly S[]): readonly S[] {
  const byWork = [...shapes].sort((a, b) => workOf(b) - workOf(a));
  const training = byWork.filter((s) => s.kind === 'train');
  const largest = [...training].sort((a, b) => sizeOf(b) - sizeOf(a))[0];
  const chosen = [training[0], largest, byWork.find((s) => s.kind === 'evaluation')];
  return [...new Set(chosen.filter((s): s is S => s !== undefined))];
}

const sizeOf = ({ batch, length, rows }: ShapeUse): number => batch * length + rows;

/** The first batch of the run that has this shape. */
function batchOfShape(run: PreparedRun, shape: ShapeUse): TrainBatch {
  const fits = ({ batch, length, rows }: TrainBatch): boolean => {
    const own = graphShape(batch, length, rows.length);
    return own.batch === shape.batch && own.length === shape.length && own.rows === shape.rows;
  };
  const { evaluation, train, totalSteps } = run;
  if (shape.kind === 'evaluation') {
    for (let i = 0; evaluation && i < evaluation.count; i++) {
      const batch = evaluation.batch(i);
      if (fits(batch)) return batch;
    }
  }
  for (let step = 1; step <= Math.min(totalSteps, MOST_STEPS); step++) {
    const found = train.batchesOf(step).find(fits);
    if (found) return found;
  }
  throw new RangeError('the run has no batch of a shape that was counted');
}

function withoutHeld({ kind, batch, length, rows, batches }: ShapeUse): ShapeUse {
  return { kind, batch, length, rows, batches };
}

function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The high-water mark of resident memory, where the system tells it of this process alone (Linux). */
function peakOfThisProcess(): number | undefined {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
