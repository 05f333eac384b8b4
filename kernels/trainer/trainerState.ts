/** @file The trainer's counters as a checkpoint keeps them, and their reader, which names the file and what is wrong in it. */
import path from 'node:path';
import { readJsonObject } from '../formats/jsonFile';
import { describeJson, jsonNode, jsonValue } from '../formats/jsonTree';
import type { Problem } from '../protocol/errors';
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
  readonly best: { readonly step: number; readonly loss: number } | null;
  /** Evaluations since the best one. */
  readonly evaluationsWithoutGain: number;
  /** What the method measured in the latest batches, by tensor. */
  readonly measured?: Readonly<Record<string, readonly number[]>>;
}

/** Throws `input/refused` when there is no such file and `format/invalid` with all that is wrong in it. */
export function readTrainerState(dir: string): TrainerState {
  const file = path.join(dir, STATE_FILE);
  const { node } = readJsonObject(file, 'expected the state of the trainer');
  const values = jsonValue(node) as Readonly<Record<string, unknown>>;
  const folderStep = /^step-(\d+)$/.exec(path.basename(dir))?.[1];
  const problems = Object.entries(RULES).flatMap(([where, { isValid, expected }]): Problem[] => {
    const value = values[where];
    if (isValid(value)) return [];
    const found = value === undefined ? 'is missing' : `is ${describeJson(jsonNode(value))}`;
    return [{ file, where, severity: 'error', found, expected }];
  });
  if (problems.length === 0 && folderStep !== undefined && values['step'] !== Number(folderStep)) {
    const expected = `expected ${Number(folderStep)}, the step in the name of the folder`;
    problems.push({ file, where: 'step', severity: 'error', found: `is ${String(values['step'])}`, expected });
  }
  if (problems.length > 0) throw KernelError.invalid(problems);
  return values as unknown as TrainerState; // what the rules say
}

interface Rule {
  readonly isValid: (value: unknown) => boolean;
  readonly expected: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isNumber = (value: unknown): boolean => Number.isFinite(value);

const count: Rule = { isValid: isCount, expected: 'expected a whole number of at least 0' };

const RULES: Readonly<Record<keyof TrainerState, Rule>> = {
  version: { isValid: (value) => value === 1, expected: 'expected 1' },
  step: count,
  completed: { isValid: (value) => value === -1 || isCount(value), expected: 'expected a whole number of at least -1' },
  tokens: count,
  optimiserStep: count,
  best: {
    isValid: (value) => value === null || (isObject(value) && isCount(value['step']) && isNumber(value['loss'])),
    expected: 'expected null or an object of step and loss',
  },
  evaluationsWithoutGain: count,
  measured: {
    isValid: (value) =>
      value === undefined ||
      (isObject(value) && Object.values(value).every((list) => Array.isArray(list) && list.every(isNumber))),
    expected: 'expected lists of numbers by tensor',
  },
};
