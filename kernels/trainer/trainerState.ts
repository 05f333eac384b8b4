/** @file The trainer's counters as a checkpoint keeps them, and their reader, which names the file and what is wrong in it. */
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { Rules } from '../formats/jsonRules';
import { count, exactly, finite, mapOf, numbers, objectOf, optional, readRuledJson } from '../formats/jsonRules';
import { KernelError } from '../protocol/errors';

export const STATE_FILE = 'trainer_state.json';

/** Counters of a run after `step`; everything else follows from the configuration and the seed. */
export interface TrainerState {
  readonly version: 1;
  readonly step: number;
  /** Last step whose evaluation and spectra are recorded: that of `step`, but for a run that was stopped while evaluating. */
  readonly completed: number;
  /** All tokens read so far, padding not counted. */
  readonly tokens: number;
  readonly optimiserStep: number;
  /** Of all evaluations, that of step 0 among them. */
  readonly best: { readonly step: number; readonly loss: number } | null;
  /** Evaluations since the best one. */
  readonly evaluationsWithoutGain: number;
  /** What the method measured in the latest batches, by tensor. */
  readonly measured?: Readonly<Record<string, readonly number[]>>;
}

/** Throws `input/refused` when there is no such file and `format/invalid` with all that is wrong in it. */
export function readTrainerState(dir: string): TrainerState {
  const file = path.join(dir, STATE_FILE);
  const state = readRuledJson<TrainerState>(file, l10n.t('expected the state of the trainer'), RULES);
  const folderStep = /^step-(\d+)$/.exec(path.basename(dir))?.[1];
  if (folderStep === undefined || state.step === Number(folderStep)) return state;
  const found = l10n.t('is {0}', state.step);
  const expected = l10n.t('expected {0}, the step in the name of the folder', Number(folderStep));
  throw KernelError.invalid([{ file, where: 'step', severity: 'error', found, expected }]);
}

const RULES: Rules<TrainerState> = {
  version: exactly(1),
  step: count,
  completed: {
    isValid: (value) => value === -1 || count.isValid(value),
    expected: () => l10n.t('expected a whole number of at least -1'),
  },
  tokens: count,
  optimiserStep: count,
  best: {
    isValid: (value) => value === null || BEST.isValid(value),
    expected: () => l10n.t('expected null or an object of step and loss'),
  },
  evaluationsWithoutGain: count,
  measured: {
    isValid: optional(mapOf(numbers)).isValid,
    expected: () => l10n.t('expected lists of numbers by tensor'),
  },
};
const BEST = objectOf({ step: count, loss: finite });
