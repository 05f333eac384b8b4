/**
 * @file `npm run bench -- estimate [--cases a,b] [--checkpoint DIR]`: the peak memory that `adapter-studio estimate` says
 * beforehand, against the high-water mark of the process that then trains, over a grid of shapes. Each case is measured
 * once whatever `--turns` says: resident memory, unlike time, does not depend on what else the machine does.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runEngine } from '../shared/engineCli';
import { formatBytes, say } from '../shared/table';
import { checkpointCases, ESTIMATE_CASES, type EstimateCase } from './estimateCases';
import { writeEstimateCase } from './estimateConfig';
import { LETTERS, wholeWords } from './fixedLengthText';
import { median } from './statistics';
import type { BenchContext, BenchReport } from './types';

/** Largest share by which the estimate may be off in any case. */
const LIMIT = 0.15;

interface Result {
  readonly id: string;
  readonly estimated: number;
  readonly needed: number;
  readonly measured: number;
  /** Of the measured peak; negative: estimated too low. */
  readonly error: number;
}

export async function benchEstimate(context: BenchContext): Promise<BenchReport> {
  const known = [...ESTIMATE_CASES, ...(context.checkpoint === undefined ? [] : checkpointCases(context.checkpoint))];
  const unknown = context.cases?.find((id) => !known.some((item) => item.id === id));
  if (unknown !== undefined) {
    throw new Error(`--cases has ${unknown}; known are ${known.map(({ id }) => id).join(', ')}`);
  }
  const results: Result[] = [];
  for (const item of known) {
    if (context.cases && !context.cases.includes(item.id)) continue;
    const result = await compare(item, context);
    const { estimated, measured } = result;
    say(`  ${item.id}: ${percent(result.error)} (${formatBytes(estimated)} for ${formatBytes(measured)})`);
    results.push(result);
  }
  const errors = results.map(({ error }) => Math.abs(error));
  return {
    rows: [
      ['case', 'estimated peak', 'measured peak', 'error', 'of that really needed'],
      ...results.map(({ id, estimated, measured, error, needed }) => [
        id,
        formatBytes(estimated),
        formatBytes(measured),
        percent(error),
        formatBytes(needed),
      ]),
    ],
    verdicts: results.map(({ id, error }) => ({
      name: id,
      measured: percent(error),
      limit: `within ${percent(LIMIT)}`,
      isPassed: Math.abs(error) <= LIMIT,
    })),
    notes: [
      `error: median ${percent(median(errors))}, largest ${percent(Math.max(...errors))} over ${results.length} cases`,
      'measured: VmHWM of `train`, as system tools show it; pages that several graphs map are counted several times',
      'really needed: without those, but with the weights, which the system may drop and read again',
    ],
    data: results,
  };
}

async function compare(item: EstimateCase, { cache, work, checkpoint }: BenchContext): Promise<Result> {
  const folder = join(work, item.id);
  await mkdir(folder);
  const base = await item.prepare(cache);
  const units = base === checkpoint ? await wholeWords(base) : LETTERS;
  const config = await writeEstimateCase(folder, base, units, item);
  const { records } = await runEngine('estimate', config, '--no-measure');
  const memory = records[0]?.['memory'] as { readonly peakBytes: number; readonly neededBytes: number } | undefined;
  if (!memory) throw new Error(`estimate printed ${JSON.stringify(records[0])} and no memory`);
  const { peakBytes: measured } = await runEngine('train', config);
  if (measured === undefined) throw new Error('the peak of a process is measured on Linux only');
  await rm(folder, { recursive: true });
  const { peakBytes: estimated, neededBytes: needed } = memory;
  return { id: item.id, estimated, needed, measured, error: estimated / measured - 1 };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
