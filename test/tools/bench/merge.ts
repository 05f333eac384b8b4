/**
 * @file `npm run bench -- merge`: a LoRA (r = 16, all seven projections) is merged into a 538 MB float32 checkpoint of
 * random weights. Ours is the whole command, its proof included; PEFT is load + merge_and_unload + save_pretrained.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runEngine } from '../shared/engineCli';
import { runPeer } from '../shared/peers';
import { formatBytes, say } from '../shared/table';
import { writeRandomAdapter } from './randomAdapter';
import { ensureRandomCheckpoint } from './randomCheckpoint';
import { SHAPES } from './shapes';
import { median, pairedRatio } from './statistics';
import type { BenchContext, BenchReport } from './types';

const PEAK_LIMIT_BYTES = 0.6e9;

interface Measurement {
  /** From start to end of the process. */
  readonly totalSeconds: number;
  /** The merge alone: what the engine reports; for PEFT without Python's imports. */
  readonly mergeSeconds: number;
  readonly peakBytes: number | undefined;
}

export async function benchMerge({ cache, work, peers, turns, cases }: BenchContext): Promise<BenchReport> {
  if (cases) throw new Error('merge has one workload; leave --cases out');
  const base = await ensureRandomCheckpoint(join(cache, 'random-a-f32'), SHAPES.a);
  const adapter = await writeRandomAdapter(join(work, 'adapter'), SHAPES.a, base, 16, 32);
  const out = join(work, 'merged');
  const ours: Measurement[] = [];
  const peft: Measurement[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const run = await runEngine('merge', '--base', base, '--adapter', adapter, '--out', out);
    const seconds = Number(run.records.at(-1)?.['seconds']);
    ours.push({ totalSeconds: run.seconds, mergeSeconds: seconds, peakBytes: run.peakBytes });
    await rm(out, { recursive: true });
    say(`  ours ${run.seconds.toFixed(2)} s, peak ${formatBytes(run.peakBytes)}`);
    if (!peers) continue;
    const finished = await runPeer(peers, 'bench/peft_merge.py', '--base', base, '--adapter', adapter, '--out', out);
    const { merge_seconds } = JSON.parse(finished.stdout) as { readonly merge_seconds: number };
    peft.push({ totalSeconds: finished.seconds, mergeSeconds: merge_seconds, peakBytes: finished.peakBytes });
    await rm(out, { recursive: true });
    say(`  PEFT ${finished.seconds.toFixed(2)} s, peak ${formatBytes(finished.peakBytes)}`);
  }
  const peak = Math.max(...ours.map(({ peakBytes }) => peakBytes ?? NaN));
  return {
    rows: [
      ['program', 'whole process', 'merge alone', 'peak RSS', 'speed vs PEFT whole', 'alone', 'memory vs PEFT'],
      row('ours', ours, peft),
      ...(peft.length > 0 ? [row('PEFT', peft, peft)] : []),
    ],
    verdicts: [
      {
        name: 'peak memory of a 538 MB merge',
        measured: Number.isNaN(peak) ? 'not measured on this system' : formatBytes(peak),
        limit: `below ${formatBytes(PEAK_LIMIT_BYTES)}`,
        isPassed: peak < PEAK_LIMIT_BYTES,
      },
    ],
    notes: [
      `LoRA r=16 on all seven projections of a 538 MB f32 checkpoint, ${turns} turns, page cache warm`,
      '"merge alone": ours without the start of the process, proof included; PEFT without imports, and without a proof',
    ],
    data: { ours, peft },
  };
}

function row(name: string, own: readonly Measurement[], peft: readonly Measurement[]): string[] {
  const of = (list: readonly Measurement[], key: keyof Measurement) => list.map((entry) => entry[key] ?? NaN);
  const ratio = (value: number) => (peft.length > 0 ? `${value.toFixed(2)} x` : '');
  return [
    name,
    `${median(of(own, 'totalSeconds')).toFixed(2)} s`,
    `${median(of(own, 'mergeSeconds')).toFixed(2)} s`,
    formatBytes(own[0]?.peakBytes === undefined ? undefined : median(of(own, 'peakBytes'))),
    peft.length > 0 ? ratio(pairedRatio(of(peft, 'totalSeconds'), of(own, 'totalSeconds'))) : '',
    peft.length > 0 ? ratio(pairedRatio(of(peft, 'mergeSeconds'), of(own, 'mergeSeconds'))) : '',
    peft.length > 0 ? ratio(pairedRatio(of(own, 'peakBytes'), of(peft, 'peakBytes'))) : '',
  ];
}
