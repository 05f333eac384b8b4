/** @file What the members of a JSON object of ours must be, as a table, and the reader that holds a file against it. */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { readJsonObject } from './jsonFile';
import { describeJson, jsonValue, type JsonObjectNode } from './jsonTree';

export interface Rule {
  readonly isValid: (value: unknown) => boolean;
  /** `expected …`, in the language of the reader. */
  readonly expected: () => string;
}

/** One rule for each member; those that may be absent accept `undefined`. Members without a rule are let pass. */
export type Rules<T> = Readonly<Record<keyof T & string, Rule>>;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

export const count: Rule = { isValid: isCount, expected: () => l10n.t('expected a whole number of at least 0') };
export const finite: Rule = { isValid: Number.isFinite, expected: () => l10n.t('expected a finite number') };
export const finiteOrNull: Rule = {
  isValid: (value) => value === null || Number.isFinite(value),
  expected: () => l10n.t('expected a finite number or null'),
};
export const text: Rule = {
  isValid: (value) => typeof value === 'string',
  expected: () => l10n.t('expected a text'),
};
export const truth: Rule = {
  isValid: (value) => typeof value === 'boolean',
  expected: () => l10n.t('expected true or false'),
};
export const anyObject: Rule = { isValid: isObject, expected: () => l10n.t('expected an object') };

export const numbers: Rule = {
  isValid: (value) => Array.isArray(value) && value.every((item) => Number.isFinite(item)),
  expected: () => l10n.t('expected a list of finite numbers'),
};

export const exactly = (wanted: number | string): Rule => ({
  isValid: (value) => value === wanted,
  expected: () => l10n.t('expected {0}', wanted),
});

export const oneOf = (words: readonly string[]): Rule => ({
  isValid: (value) => words.some((word) => word === value),
  expected: () => l10n.t('expected one of {0}', words.join(', ')),
});

export const optional = (rule: Rule): Rule => ({
  isValid: (value) => value === undefined || rule.isValid(value),
  expected: rule.expected,
});

/** A list whose items all obey `rule`. */
export const listOf = (rule: Rule): Rule => ({
  isValid: (value) => Array.isArray(value) && value.every(rule.isValid),
  expected: () => l10n.t('expected a list, and for each item: {0}', rule.expected()),
});

/** An object whose members all obey `rule`. */
export const mapOf = (rule: Rule): Rule => ({
  isValid: (value) => isObject(value) && Object.values(value).every(rule.isValid),
  expected: () => l10n.t('{0} for each member of an object', rule.expected()),
});

/** An object with members of its own. */
export const objectOf = (rules: Readonly<Record<string, Rule>>): Rule => ({
  isValid: (value) => isObject(value) && Object.entries(rules).every(([key, { isValid }]) => isValid(value[key])),
  expected: () => l10n.t('expected an object of {0}', Object.keys(rules).join(', ')),
});

/** Every member that breaks its rule; the problems name the member. */
export function breachesOf(
  node: JsonObjectNode,
  rules: Readonly<Record<string, Rule>>,
  place: Pick<Problem, 'file' | 'line'>,
): readonly Problem[] {
  return Object.entries(rules).flatMap(([where, { isValid, expected }]): Problem[] => {
    const member = node.members.get(where);
    if (isValid(member && jsonValue(member))) return [];
    const found = member === undefined ? l10n.t('is missing') : l10n.t('is {0}', describeJson(member));
    return [{ ...place, where, severity: 'error', found, expected: expected() }];
  });
}

/** The object of a file, whose members obey `rules`. Throws `input/refused` without the file, else `format/invalid` with all that is wrong. */
export function readRuledJson<T>(file: string, expected: string, rules: Rules<T>): T {
  const { node } = readJsonObject(file, expected);
  const problems = breachesOf(node, rules, { file });
  if (problems.length > 0) throw KernelError.invalid(problems);
  return jsonValue(node) as T; // what the rules say
}
