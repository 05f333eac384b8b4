/**
 * @file What the records of a run must hold by its configuration and state: a file that is missing, or that ends too early, is not
 * the same as nothing to record.
 */
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { valueAt } from '../config/values';
import type { Problem } from '../protocol/errors';
import type { RunInfo, RunState } from '../protocol/types';
import { effectiveStatus, isLive } from '../runs/runFolder';
import type { RecordFileName } from '../runs/runRecords';
import { scanRecords } from '../runs/runRecords';

type Line = Readonly<Record<string, unknown>> & { readonly step: number };

interface Expectation {
  readonly name: RecordFileName;
  /** What is missing of these lines, if something is. */
  readonly lacks: (lines: readonly Line[], run: Known) => readonly [found: string, expected: string] | undefined;
}

interface Known {
  readonly config: Readonly<Record<string, unknown>>;
  readonly step: number;
  readonly isFinished: boolean;
}

const endsAt = (lines: readonly Line[], step: number): boolean => lines.some((line) => line.step === step);
const lastStep = (lines: readonly Line[]): string =>
  lines.length === 0 ? l10n.t('holds no record') : l10n.t('ends with step {0}', lines.at(-1)?.step ?? 0);
const untilEnd = (step: number): string => l10n.t('expected records up to step {0}, where the run finished', step);

const EXPECTATIONS: readonly Expectation[] = [
  {
    name: 'activity.jsonl',
    lacks: (lines, { step, isFinished }) =>
      isFinished && !endsAt(lines, step) ? [lastStep(lines), untilEnd(step)] : undefined,
  },
  {
    // Which layers have a spectrum depends on the method; those that had one before have one at the end.
    name: 'spectra.jsonl',
    lacks: (lines, { step, isFinished }) =>
      isFinished && lines.length > 0 && !endsAt(lines, step) ? [lastStep(lines), untilEnd(step)] : undefined,
  },
  {
    name: 'metrics.jsonl',
    lacks: (lines, { config, step, isFinished }) => {
      const evaluates =
        valueAt(config, ['data', 'eval']) !== undefined || valueAt(config, ['data', 'eval_fraction']) !== undefined;
      const evaluations = lines.filter(({ kind }) => kind === 'eval');
      if (!isFinished || !evaluates || endsAt(evaluations, step)) return undefined;
      const found = l10n.t('holds no evaluation after step {0}', step);
      return [found, l10n.t('expected the one with which the run finished')];
    },
  },
  {
    name: 'samples.jsonl',
    lacks: (lines, { config, step, isFinished }) => {
      const prompts = valueAt(config, ['samples', 'prompts']);
      const count = Array.isArray(prompts) ? prompts.length : 0;
      const answered = lines.filter((line) => line.step === step).length;
      if (!isFinished || answered >= count) return undefined;
      const found = l10n.t('holds {0} answers after step {1}', answered, step);
      return [found, l10n.t('expected {0}, one for each prompt', count)];
    },
  },
  {
    name: 'restarts.jsonl',
    lacks: (lines, { config, step }) => {
      const every = valueAt(config, ['relora', 'every']);
      // One that is due after the very last step may not have come.
      const due = typeof every === 'number' ? Math.max(0, Math.floor((step - 1) / every)) : 0;
      if (lines.length >= due) return undefined;
      const found = lines.length === 1 ? l10n.t('holds 1 restart') : l10n.t('holds {0} restarts', lines.length);
      return [found, l10n.t('expected at least {0} by step {1}, one after every {2} steps', due, step, Number(every))];
    },
  },
  {
    name: 'events.jsonl',
    lacks: (lines, { isFinished }) =>
      isFinished && !lines.some(({ event }) => event === 'finished')
        ? [l10n.t('holds no end of the run'), l10n.t('expected the event "finished"')]
        : undefined,
  },
];

/**
 * What the record files of a run lack, as warnings; nothing while it lives, for its process writes. Lines that cannot be used
 * count as absent. Throws when a file cannot be read.
 */
export function missingRecords(dir: string, info: RunInfo, state: RunState): readonly Problem[] {
  const status = effectiveStatus(state);
  if (isLive(status)) return [];
  const run: Known = { config: info.config, step: state.step, isFinished: status === 'finished' };
  return EXPECTATIONS.flatMap(({ name, lacks }): Problem[] => {
    const lines = [...scanRecords(dir, name)].flatMap(({ record }) => (record ? [record] : []));
    const [found, expected] = lacks(lines, run) ?? [];
    if (found === undefined || expected === undefined) return [];
    return [{ file: path.join(dir, name), severity: 'warning', found, expected }];
  });
}
