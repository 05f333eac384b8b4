/** @file A run's records as CSV, every point of them, with the names they have on disk. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { MetricRecord, SpectrumRecord } from '../../kernels/protocol/types';
import { parseMetric, parseSpectrum } from './records';
import { runFiles } from './runFolder';

type Cell = string | number | null | undefined;

/**
 * `kind, step, time, epoch, tokens, loss, learning_rate.<group>…, grad_norm, step_seconds, rss`, one row a record; behind them
 * the metrics of evaluations, where there are any, under their own names.
 */
export async function metricsCsv(folder: string): Promise<string> {
  const records = await readRecords(join(folder, runFiles.metrics), parseMetric);
  const groups = [...new Set(records.flatMap((r) => (r.kind === 'train' ? Object.keys(r.learning_rate) : [])))];
  const head = ['kind', 'step', 'time', 'epoch', 'tokens', 'loss', ...groups.map((g) => `learning_rate.${g}`)];
  const metrics = [...new Set(records.flatMap((r) => (r.kind === 'eval' ? Object.keys(r.metrics ?? {}) : [])))];
  const row = (record: MetricRecord): Cell[] => {
    const { kind, step, time, tokens, loss } = record;
    if (kind === 'eval') {
      const own = record.metrics as Readonly<Record<string, number | null>> | undefined;
      const before = [kind, step, time, null, tokens, loss, ...groups.map(() => null), null, null, null];
      return [...before, ...metrics.map((name) => own?.[name])];
    }
    const rates = groups.map((group) => record.learning_rate[group]);
    const after = [record.grad_norm, record.step_seconds, record.rss, ...metrics.map(() => null)];
    return [kind, step, time, record.epoch, tokens, loss, ...rates, ...after];
  };
  return csv([[...head, 'grad_norm', 'step_seconds', 'rss', ...metrics], ...records.map(row)]);
}

/** `step, module, matrix, stable_rank, effective_rank, above_0.1, above_relative, singular_value_1…`, one row a module and step. */
export async function spectraCsv(folder: string): Promise<string> {
  const records = await readRecords(join(folder, runFiles.spectra), parseSpectrum);
  const count = records.reduce((most, record) => Math.max(most, record.singular_values.length), 0);
  const names = Array.from({ length: count }, (_, i) => `singular_value_${i + 1}`);
  const row = (r: SpectrumRecord): Cell[] => [
    ...[r.step, r.module, r.of ?? 'delta', r.stable_rank, r.effective_rank, r['above_0.1'], r.above_relative],
    ...names.map((_, i) => r.singular_values[i]),
  ];
  const head = ['step', 'module', 'matrix', 'stable_rank', 'effective_rank', 'above_0.1', 'above_relative', ...names];
  return csv([head, ...records.map(row)]);
}

function csv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('');
}

function cell(value: Cell): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Complete lines only; a last line that is still being written is left out. Throws on a line that is no record. */
async function readRecords<T>(file: string, parse: (value: unknown) => T): Promise<T[]> {
  const records: T[] = [];
  let line: string | undefined;
  const take = (complete: string) => {
    if (complete.trim() !== '') records.push(parse(JSON.parse(complete)));
  };
  for await (const next of createInterface({ input: createReadStream(file, 'utf8') })) {
    if (line !== undefined) take(line);
    line = next;
  }
  if (line === undefined) return records;
  try {
    take(line);
  } catch {
    // Half a line: the run is writing it now.
  }
  return records;
}
