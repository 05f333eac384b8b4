/** @file A whole estimate of a configuration: everything that can be known of a run before it runs. */
import * as l10n from '@vscode/l10n';
import type { ResolvedConfig } from '../config/loadConfig';
import { bucketLength } from '../data/batches';
import { isLabelled } from '../data/samples';
import { oddities } from '../models/oddities';
import type {
  DataEstimate,
  EstimateAdvice,
  EstimateGap,
  EstimateMeasurement,
  EstimateReport,
  MachineMemory,
  MemoryEstimate,
  Verdict,
} from '../protocol/calls/estimate';
import { formatProblem } from '../protocol/errors';
import type { Progress } from '../protocol/kernelApi';
import type { PreparedRun } from '../trainer/prepare';
import { prepareRun } from '../trainer/prepare';
import { RunSpectra } from '../trainer/spectra';
import type { BatchPlan } from './batchPlan';
import { planBatches } from './batchPlan';
import { machineMemory } from './machine';
import { runDisk } from './runDisk';
import { runMemory } from './runMemory';
import type { CountedRun, RunShape } from './runMemory';

export interface EstimateOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Hears of the counted batches before anything slow is done with them. */
  readonly onCounted?: (counted: CountedRun) => void;
  /** Runs a few steps elsewhere; left out: nothing is measured. */
  readonly measure?: (run: PreparedRun, batches: BatchPlan) => Promise<EstimateMeasurement>;
}

/** Throws what a run would be refused with, and `cancelled` when the signal fires. */
export async function estimateRun(
  file: string,
  config: ResolvedConfig,
  options: EstimateOptions = {},
): Promise<EstimateReport> {
  const { signal, onProgress = () => undefined, onCounted, measure } = options;
  const run = await prepareRun(file, config, {
    ...(signal && { signal }),
    onProgress: (message, fraction) => onProgress({ message, ...(fraction !== undefined && { fraction }) }),
  });
  try {
    onProgress({ message: l10n.t('Planning the graphs') });
    const batches = planBatches(run);
    onCounted?.({ shapes: batches.shapes, samples: samplesOf(run), totalSteps: run.totalSteps });
    const memory = await memoryFor(run, batches.shapes, signal);
    const machine = machineMemory();
    const verdict = verdictOf(memory, machine);
    const measurement = await measure?.(run, batches);
    const { note } = new RunSpectra(run);
    return {
      config: run.info.config_file,
      device: { device: run.device, threads: run.threads, reason: run.info.device.reason },
      parameters: run.info.parameters,
      memory,
      machine,
      verdict,
      advice: verdict === 'fits' ? [] : await adviceFor(run, batches, machine, signal),
      data: dataOf(run, batches),
      disk: runDisk(run),
      unknown: gapsOf(run, batches, measurement),
      // What is left out of the data is counted above; this is the rest.
      warnings: [...oddities(run.model).map(formatProblem), ...(note === undefined ? [] : [note])],
      ...(measurement && { measurement }),
    };
  } finally {
    run.close();
  }
}

function memoryFor(run: PreparedRun, shapes: readonly RunShape[], signal?: AbortSignal): Promise<MemoryEstimate> {
  return runMemory({ ...run, shapes, samples: samplesOf(run), ...(signal && { signal }) });
}

/** Samples whose columns are in memory. */
const samplesOf = ({ data: { train, evaluation } }: PreparedRun): number =>
  train.length + (evaluation === train ? 0 : evaluation.length);

/** Within this share of what is free, an estimate that is off by a tenth still fits. */
const COMFORTABLE = 0.9;

export function verdictOf({ neededBytes, droppableBytes }: MemoryEstimate, { freeBytes }: MachineMemory): Verdict {
  if (neededBytes <= COMFORTABLE * freeBytes) return 'fits';
  return neededBytes - droppableBytes <= freeBytes ? 'tight' : 'exceeds';
}

/** Halves the batch, or the samples, until it fits; each alone. */
async function adviceFor(
  run: PreparedRun,
  { shapes }: BatchPlan,
  machine: MachineMemory,
  signal?: AbortSignal,
): Promise<readonly EstimateAdvice[]> {
  const { training, data } = run.config;
  const halved = async (
    key: EstimateAdvice['key'],
    from: number,
    least: number,
    shrink: (shape: RunShape, to: number) => RunShape,
  ): Promise<EstimateAdvice[]> => {
    for (let to = Math.floor(from / 2); to >= least; to = Math.floor(to / 2)) {
      const memory = await memoryFor(
        run,
        shapes.map((shape) => shrink(shape, to)),
        signal,
      );
      if (verdictOf(memory, machine) === 'fits') return [{ key, from, to, neededBytes: memory.neededBytes }];
    }
    return [];
  };
  const batchSize = training.per_device_train_batch_size;
  return [
    ...(await halved('training.per_device_train_batch_size', batchSize, 1, (s, to) => {
      const batch = Math.min(s.batch, to);
      return { ...s, batch, rows: Math.ceil((s.rows * batch) / s.batch) };
    })),
    ...(await halved('data.max_length', data.max_length, 32, (s, to) => {
      const length = Math.min(s.length, bucketLength(to, to));
      return { ...s, length, rows: Math.min(s.rows, s.batch * length) };
    })),
  ];
}

function dataOf(run: PreparedRun, batches: BatchPlan): DataEstimate {
  const { data, stepsPerEpoch, totalSteps, config, evaluation } = run;
  const { train } = data;
  let longest = 0;
  for (let i = 1; i < train.length; i++) {
    if ((train.tokenLengths[i] ?? 0) > (train.tokenLengths[longest] ?? 0)) longest = i;
  }
  const { source } = train.read(longest);
  const evaluationSamples = countOf(evaluation);
  const isSplit = config.data.eval_fraction !== undefined;
  return {
    format: train.format,
    learnt: isLabelled(train.format) ? 'labels' : 'tokens',
    samples: train.length - (isSplit ? evaluationSamples : 0),
    evaluationSamples,
    skipped: train.skipped,
    cut: train.truncated,
    longest: { tokens: train.tokenLengths[longest] ?? 0, file: source.file, line: source.line },
    tokensPerStep: batches.tokens,
    padding: batches.padding,
    supervisedPerStep: batches.supervisedPerStep,
    stepsPerEpoch,
    totalSteps,
    epochs: totalSteps / stepsPerEpoch,
    evaluations: batches.evaluations,
    shapes: batches.shapes.map(({ kind, batch, length, rows, batches: count }) => ({
      kind,
      batch,
      length,
      rows,
      batches: count,
    })),
    compilations: batches.compilations,
    countedSteps: batches.countedSteps,
  };
}

function countOf(evaluation: PreparedRun['evaluation']): number {
  let samples = 0;
  for (let i = 0; evaluation && i < evaluation.count; i++) samples += evaluation.samplesOf(i).length;
  return samples;
}

function gapsOf(
  run: PreparedRun,
  { countedSteps }: BatchPlan,
  measurement: EstimateMeasurement | undefined,
): readonly EstimateGap[] {
  return [
    ...(run.device === 'cpu' ? [] : (['gpu-memory'] as const)),
    ...(measurement ? [] : (['time'] as const)),
    ...(process.platform === 'linux' ? [] : (['system'] as const)),
    ...(run.config.training.early_stopping_patience > 0 ? (['early-stopping'] as const) : []),
    ...(countedSteps < run.totalSteps ? (['counted-steps'] as const) : []),
  ];
}
