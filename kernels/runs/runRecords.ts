/**
 * @file The files of records in a run folder, line by line: what each line must hold and in which order. The one reader of
 * `check` and of a resume.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { decodeUtf8 } from '../formats/jsonFile';
import {
  breachesOf,
  count,
  exactly,
  finite,
  finiteOrNull,
  listOf,
  mapOf,
  numbers,
  objectOf,
  oneOf,
  optional,
  text,
  truth,
} from '../formats/jsonRules';
import type { Rule, Rules } from '../formats/jsonRules';
import { parseJsonObject } from '../formats/jsonTree';
import { readPlainFile } from '../formats/plainFile';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type {
  ActivityFigure,
  ActivityRecord,
  EvalRecord,
  RestartRecord,
  RunEvent,
  SampleRecord,
  SpectrumRecord,
  TrainRecord,
  WatchKind,
} from '../protocol/types';

/** Of the longest runs there are a few hundred megabytes; above this a string has no room for it. */
const MAX_BYTES = 2e9;
const NEWLINE = 0x0a;

/** The least that all records have. */
interface AnyRecord {
  readonly step: number;
}

interface RecordFile {
  /** What a line must hold; a union is told by its first member. */
  readonly rules: (record: Readonly<Record<string, unknown>>) => Readonly<Record<string, Rule>>;
  /** Lines of one series have steps that rise; undefined: any order is right. */
  readonly series?: (record: Readonly<Record<string, unknown>>) => string;
  /** Whether a resume keeps lines of steps that it does again. */
  readonly isHistory?: true;
}

const trainRules: Rules<TrainRecord> = {
  kind: exactly('train'),
  step: count,
  time: finite,
  epoch: finite,
  tokens: count,
  loss: finite,
  learning_rate: mapOf(finite),
  grad_norm: finite,
  step_seconds: finite,
  rss: count,
};
const evalRules: Rules<EvalRecord> = {
  kind: exactly('eval'),
  step: count,
  time: finite,
  loss: finite,
  tokens: count,
  metrics: optional(mapOf(finiteOrNull)),
};
const metricRules = { kind: oneOf(['train', 'eval']), step: count };
const spectrumRules: Rules<SpectrumRecord> = {
  step: count,
  module: text,
  of: optional(oneOf(['direction'])),
  singular_values: numbers,
  stable_rank: finite,
  effective_rank: finite,
  'above_0.1': count,
  above_relative: count,
};
const sampleRules: Rules<SampleRecord> = {
  step: count,
  time: finite,
  index: count,
  prompt: text,
  text,
  tokens: count,
  cut: truth,
};
const EVENTS: Readonly<Record<RunEvent['event'], true>> = {
  queued: true,
  started: true,
  resumed: true,
  checkpoint: true,
  eval: true,
  restart: true,
  warning: true,
  stopped: true,
  finished: true,
  failed: true,
};
const WATCHES: Readonly<Record<WatchKind, true>> = {
  'non-finite': true,
  'loss-spike': true,
  diverged: true,
  'no-gain': true,
  stall: true,
  'disk-low': true,
  inactive: true,
};
const eventRules: Rules<RunEvent> = {
  event: oneOf(Object.keys(EVENTS)),
  time: finite,
  step: count,
  reason: optional(text),
  watch: optional(oneOf(Object.keys(WATCHES))),
  action: optional(text),
  cycle: optional(count),
};

const restartRules: Rules<RestartRecord> = {
  step: count,
  time: finite,
  cycle: count,
  optimizer_reset: oneOf(['reset', 'zero', 'magnitude', 'keep']),
  expected_share: finite,
  reset_share: mapOf(finite),
  counts_anew: truth,
  rank: optional(objectOf({ before: finite, after: finite })),
  learning_rate: objectOf({ before: mapOf(finite), at: mapOf(finite), after: mapOf(finite) }),
  mora_type: optional(objectOf({ before: text, after: text })),
};

const verdict = oneOf(['green', 'red', 'pending']);
const placeValues = listOf({
  isValid: (value) => finite.isValid(value) || text.isValid(value),
  expected: () => l10n.t('expected a number or a text'),
});
const figureRules: Rules<ActivityFigure> = {
  id: text,
  label: text,
  unit: oneOf(['number', 'share', 'count']),
  value: { isValid: (value) => value === null || finite.isValid(value), expected: finite.expected },
  verdict,
  rule: text,
  rule_values: placeValues,
  where: optional(text),
};
const activityRules: Rules<ActivityRecord> = {
  step: count,
  verdict,
  figures: listOf(objectOf(figureRules)),
  note: optional(text),
  note_values: optional(placeValues),
};

/** By name. A further file of records is one entry here. */
const RECORD_FILES = {
  'metrics.jsonl': {
    rules: ({ kind }) => (kind === 'train' ? trainRules : kind === 'eval' ? evalRules : metricRules),
    series: ({ kind }) => String(kind),
  },
  'spectra.jsonl': {
    rules: () => spectrumRules,
    series: ({ module, of }) => `${String(module)} ${typeof of === 'string' ? of : ''}`,
  },
  'activity.jsonl': { rules: () => activityRules, series: () => '' },
  'samples.jsonl': { rules: () => sampleRules, series: ({ index }) => String(index) },
  'restarts.jsonl': { rules: () => restartRules, series: () => '' },
  'events.jsonl': { rules: () => eventRules, isHistory: true },
} as const satisfies Readonly<Record<string, RecordFile>>;

export type RecordFileName = keyof typeof RECORD_FILES;
export const recordFileNames = Object.keys(RECORD_FILES) as readonly RecordFileName[];

export const recordsOf = (name: RecordFileName): RecordFile => RECORD_FILES[name];

export interface ScannedLine {
  /** From 1. */
  readonly line: number;
  /** As in the file, without the line end. */
  readonly bytes: Buffer;
  /** Absent for a line that cannot be used. */
  readonly record?: AnyRecord & Readonly<Record<string, unknown>>;
  /** What is wrong with it. None for half a line at the end, which is what a process leaves that died while writing. */
  readonly problem?: Problem;
}

/** All lines of a file of records but blank ones; none when there is no such file. Throws when it cannot be read. */
export function* scanRecords(dir: string, name: RecordFileName): Generator<ScannedLine> {
  const file = path.join(dir, name);
  if (!existsSync(file)) return;
  const bytes = readPlainFile(file, l10n.t('expected the records of a run'), MAX_BYTES);
  const kind = recordsOf(name);
  const last = new Map<string, { readonly step: number; readonly line: number }>();
  let line = 0;
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    const own = bytes.subarray(start, end);
    start = end + 1;
    line++;
    const scanned = scanLine(own, line, file, kind);
    if (!scanned) continue;
    const { record } = scanned;
    if (!record) {
      const isHalf = found < 0;
      yield isHalf ? { line, bytes: own } : scanned;
      continue;
    }
    const series = kind.series?.(record);
    const before = series === undefined ? undefined : last.get(series);
    if (before && record.step <= before.step) {
      const isTwice = record.step === before.step;
      const what = isTwice ? l10n.t('step {0} for the second time', record.step) : l10n.t('step {0}', record.step);
      const expected = l10n.t('expected a step after {0}, which line {1} has', before.step, before.line);
      yield { line, bytes: own, problem: { file, line, where: 'step', severity: 'error', found: what, expected } };
      continue;
    }
    if (series !== undefined) last.set(series, { step: record.step, line });
    yield scanned;
  }
}

function scanLine(bytes: Buffer, line: number, file: string, kind: RecordFile): ScannedLine | undefined {
  const refused = (problem: Omit<Problem, 'file' | 'line' | 'severity'>): ScannedLine => ({
    line,
    bytes,
    problem: { ...problem, file, line, severity: 'error' },
  });
  const written = decodeUtf8(bytes);
  if (written === undefined) {
    return refused({ found: l10n.t('this is not UTF-8'), expected: l10n.t('expected one JSON object on each line') });
  }
  if (written.trim() === '') return undefined;
  const record = parsed(written);
  if (record && Object.entries(kind.rules(record)).every(([key, { isValid }]) => isValid(record[key]))) {
    return { line, bytes, record };
  }
  try {
    const node = parseJsonObject(written, file); // the strict reader says what the fast one does not
    const problem = breachesOf(node, kind.rules(record ?? {}), { file, line })[0];
    if (problem) return refused(problem);
  } catch (error) {
    if (!KernelError.is(error)) throw error;
    const problem = error.problems[0];
    if (problem) return refused({ found: l10n.t('not valid JSON: {0}', problem.found), expected: problem.expected });
  }
  return refused({ found: l10n.t('it cannot be read'), expected: l10n.t('expected one JSON object on each line') });
}

function parsed(written: string): (AnyRecord & Readonly<Record<string, unknown>>) | undefined {
  try {
    const value = JSON.parse(written) as unknown;
    // That it has a step is what the rules of every kind say.
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as AnyRecord & object & Readonly<Record<string, unknown>>;
  } catch {
    // Not JSON: the strict reader says why.
  }
  return undefined;
}
