/**
 * @file `npm run bench -- inspect`: a sparse safetensors file of 20 GB with 10 000 tensors is opened by the interactive kernel as
 * the editor does it, one tensor of 1 GB is read for its statistics and its heat map, and the command line lists the file.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { encodeHeader, type TensorSpec } from '../../../kernels/formats/safetensorsHeader';
import { createClient } from '../../../kernels/protocol/channel';
import { PROTOCOL_VERSION, type KernelApi } from '../../../kernels/protocol/kernelApi';
import { runEngine } from '../shared/engineCli';
import { followPeak } from '../shared/processMemory';
import { projectRoot } from '../shared/projectRoot';
import { formatBytes, say } from '../shared/table';
import { median } from './statistics';
import type { BenchContext, BenchReport, Verdict } from './types';

const FILE_BYTES = 20e9;
const TENSORS = 10_000;
/** The embedding of a model with a large vocabulary: 1.05 GB in BF16. */
const LARGE: TensorSpec = { name: 'model.embed_tokens.weight', dtype: 'BF16', shape: [128_256, 4096] };

const OPEN_LIMIT_SECONDS = 1;
const PEAK_LIMIT_BYTES = 300e6;

interface Measurement {
  /** From the start of the process to its greeting. */
  readonly startSeconds: number;
  /** From asking for the file to its list of tensors. */
  readonly openSeconds: number;
  readonly openPeak: number;
  readonly statisticsSeconds: number;
  readonly mapSeconds: number;
  readonly wholePeak: number;
  readonly cliSeconds: number;
  readonly cliPeak: number;
}

export async function benchInspect({ work, turns, cases }: BenchContext): Promise<BenchReport> {
  if (cases) throw new Error('inspect has one workload; leave --cases out');
  const file = writeSparseFile(join(work, 'model.safetensors'));
  const measured: Measurement[] = [];
  for (let turn = 0; turn < turns; turn++) measured.push(await measure(file));
  const { size, blocks } = statSync(file);
  const of = (key: keyof Measurement): number => median(measured.map((m) => m[key]));
  const peakOf = (key: keyof Measurement): number => Math.max(...measured.map((m) => m[key]));
  const seconds = (key: keyof Measurement): string => `${of(key).toFixed(2)} s`;
  return {
    rows: [
      ['step', 'time', 'peak RSS of the process so far'],
      ['engine starts', seconds('startSeconds'), ''],
      ['file opened, 10 000 tensors listed', seconds('openSeconds'), formatBytes(peakOf('openPeak'))],
      ['statistics and histogram of 1.05 GB', seconds('statisticsSeconds'), ''],
      ['heat map of all of it', seconds('mapSeconds'), formatBytes(peakOf('wholePeak'))],
      ['command line, whole process', seconds('cliSeconds'), formatBytes(peakOf('cliPeak'))],
    ],
    verdicts: [
      below('time to open a 20 GB file', of('openSeconds'), OPEN_LIMIT_SECONDS, (s) => `${s.toFixed(2)} s`),
      below('peak memory after opening it', peakOf('openPeak'), PEAK_LIMIT_BYTES, formatBytes),
      below('peak memory after reading 1 GB of it', peakOf('wholePeak'), PEAK_LIMIT_BYTES, formatBytes),
      below('peak memory of `inspect` on it', peakOf('cliPeak'), PEAK_LIMIT_BYTES, formatBytes),
    ],
    notes: [
      `${(size / 1e9).toFixed(1)} GB with ${TENSORS} tensors, sparse: ${formatBytes(blocks * 512)} on disk, so that reading it measures the engine and not the disk`,
      `${turns} turns; times are medians, peaks are the largest`,
    ],
    data: measured,
  };
}

function below(name: string, value: number, limit: number, text: (value: number) => string): Verdict {
  const measured = Number.isNaN(value) ? 'not measured on this system' : text(value);
  return { name, measured, limit: `below ${text(limit)}`, isPassed: value < limit };
}

/** The header is real, the weights are a hole. */
function writeSparseFile(file: string): string {
  const large = 2 * LARGE.shape.reduce((n, d) => n * d, 1);
  const cols = 1024;
  const rows = Math.round((FILE_BYTES - large) / (TENSORS - 1) / 2 / cols);
  const others = Array.from({ length: TENSORS - 1 }, (_, i): TensorSpec => {
    const name = `model.layers.${Math.floor(i / 7)}.self_attn.part_${i % 7}.weight`;
    return { name, dtype: 'BF16', shape: [rows, cols] };
  });
  const { bytes, tensors } = encodeHeader(file, [LARGE, ...others], new Map([['format', 'pt']]));
  const last = tensors.at(-1);
  const fd = openSync(file, 'w');
  try {
    writeSync(fd, bytes);
    ftruncateSync(fd, last ? last.offset + last.byteLength : bytes.length);
  } finally {
    closeSync(fd);
  }
  return file;
}

async function measure(path: string): Promise<Measurement> {
  const kernel = join(projectRoot, 'dist', 'kernel.js');
  const timer = stopwatch();
  // As the editor starts it (extension/kernel/processTransport.ts).
  const child = spawn(process.execPath, [kernel, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const exited = once(child, 'exit');
  const memory = followPeak(child.pid ?? 0, 10);
  const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  const client = createClient<KernelApi>(connection);
  connection.listen();
  try {
    await client.call('hello', { version: PROTOCOL_VERSION });
    const startSeconds = timer();
    const contents = await client.call('inspect/open', { path });
    const openSeconds = timer();
    const found = contents.kind === 'adapter' ? 0 : contents.tensors.length;
    if (found !== TENSORS) throw new Error(`${found} tensors were listed, ${TENSORS} are in the file`);
    const openPeak = peakNow(child.pid);
    timer();
    await client.call('inspect/statistics', { path, tensor: LARGE.name, bins: 80 });
    const statisticsSeconds = timer();
    const [rows = 0, cols = 0] = LARGE.shape;
    const whole = { rows: [0, rows], cols: [0, cols], height: 400, width: 400, pool: 'extreme' } as const;
    await client.call('inspect/tile', { path, of: { tensor: LARGE.name }, ...whole });
    const mapSeconds = timer();
    const wholePeak = memory.stop() ?? NaN;
    const cli = await runEngine('inspect', path);
    say(
      `  opened in ${openSeconds.toFixed(2)} s, peak ${formatBytes(openPeak)}; 1 GB read, peak ${formatBytes(wholePeak)}`,
    );
    const cliSide = { cliSeconds: cli.seconds, cliPeak: cli.peakBytes ?? NaN };
    return { startSeconds, openSeconds, openPeak, statisticsSeconds, mapSeconds, wholePeak, ...cliSide };
  } finally {
    memory.stop();
    connection.dispose();
    child.kill();
    await exited;
  }
}

/** The high-water mark so far, exact where the system tells it. */
const peakNow = (pid: number | undefined): number => followPeak(pid ?? 0).stop() ?? NaN;

/** Seconds since it was asked last. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const seconds = (performance.now() - last) / 1000;
    last = performance.now();
    return seconds;
  };
}
