/** @file What was measured by `bench train`, as rows of a table and as verdicts. */
import { formatBytes } from '../shared/table';
import { median, pairedRatio } from './statistics';
import { flopsOf, TOKENS, type Workload } from './trainWorkloads';
import type { Verdict } from './types';

export type Engine = 'ours f32' | 'PEFT f32' | 'PEFT bf16';

/** One process: the median of its timed steps, and its peak. */
export interface Measurement {
  readonly stepSeconds: number;
  readonly peakBytes: number | undefined;
}

export interface WorkloadResult {
  readonly workload: Workload;
  /** Best sgemm rate of all turns, FLOP/s. */
  readonly sgemm: number;
  /** One measurement a turn, in order. */
  readonly engines: ReadonlyMap<Engine, readonly Measurement[]>;
}

export const RESULT_HEAD = [
  'workload',
  'engine',
  'ms/step',
  'tokens/s',
  'of sgemm peak',
  'peak RSS',
  'speed vs PEFT f32',
  'memory vs PEFT f32',
] as const;

/** The rows of one workload, below `RESULT_HEAD`. */
export function resultRows({ workload, sgemm, engines }: WorkloadResult): string[][] {
  const peft = engines.get('PEFT f32');
  return [...engines].map(([engine, measurements], i) => {
    const seconds = median(measurements.map(({ stepSeconds }) => stepSeconds));
    const ratios = peft ? compare(measurements, peft) : null;
    return [
      i === 0 ? workload.label : '',
      engine,
      (1000 * seconds).toFixed(0),
      (TOKENS / seconds).toFixed(0),
      engine === 'ours f32' ? `${((100 * flopsOf(workload)) / seconds / sgemm).toFixed(0)} %` : '',
      formatBytes(peakOf(measurements)),
      ratios ? `${ratios.speed.toFixed(2)} x` : '',
      ratios?.memory === undefined ? '' : `${ratios.memory.toFixed(2)} x`,
    ];
  });
}

/** How much faster than PEFT in float32, and with what share of its peak memory. */
function compare(measurements: readonly Measurement[], peft: readonly Measurement[]) {
  const seconds = (list: readonly Measurement[]) => list.map(({ stepSeconds }) => stepSeconds);
  const [own, theirs] = [peakOf(measurements), peakOf(peft)];
  return {
    speed: pairedRatio(seconds(peft), seconds(measurements)),
    memory: own === undefined || theirs === undefined ? undefined : own / theirs,
  };
}

/** Against the floor of the workload, where it has one and PEFT was measured. */
export function floorVerdicts({ workload, engines }: WorkloadResult): Verdict[] {
  const [ours, peft] = [engines.get('ours f32'), engines.get('PEFT f32')];
  if (!workload.floor || !ours || !peft) return [];
  const { speed, memory } = compare(ours, peft);
  const { floor } = workload;
  const verdicts = [
    {
      name: `${workload.label}: speed against PEFT f32`,
      measured: `${speed.toFixed(2)} x`,
      limit: `at least ${floor.speed} x`,
      isPassed: speed >= floor.speed,
    },
  ];
  if (memory === undefined) return verdicts;
  return [
    ...verdicts,
    {
      name: `${workload.label}: peak memory against PEFT f32`,
      measured: `${memory.toFixed(2)} x`,
      limit: `at most ${floor.memory} x`,
      isPassed: memory <= floor.memory,
    },
  ];
}

function peakOf(measurements: readonly Measurement[]): number | undefined {
  const peaks = measurements.map(({ peakBytes }) => peakBytes);
  return peaks.some((peak) => peak === undefined) ? undefined : median(peaks.map((peak) => peak!));
}
