/** @file `--set training.max_steps=10`: values given on the command line, in place of those of the file. */
import * as l10n from '@vscode/l10n';
import { parseDocument } from 'yaml';
import type { Problem } from '../protocol/errors';
import { ALTERNATIVES } from './rules';
import { isObject, valueAt } from './values';
import type { KeyPath } from './yamlSource';

export interface Override {
  readonly path: KeyPath;
  readonly value: unknown;
}

/** `section.key=value` or `key=value`, the value in YAML, null to remove the key. Further dots belong to a name inside a mapping (`rank_pattern`). */
export function parseOverride(option: string, file: string): Override | Problem {
  const equals = option.indexOf('=');
  const key = equals < 0 ? option : option.slice(0, equals);
  const refuse = (found: string, expected: string): Problem => ({
    file,
    where: `--set ${key}`,
    severity: 'error',
    found,
    expected,
  });
  // An empty value would be YAML's null, which removes the key: a variable of the shell that is not set must not do that.
  if (equals < 1 || option.slice(equals + 1).trim() === '')
    return refuse(l10n.t('found no value'), l10n.t('expected section.key=value, such as training.max_steps=10'));
  // No key of the configuration; assigned, it would change what an object is instead of what it holds.
  if (key.split('.').includes('__proto__')) {
    return refuse(l10n.t('found the unknown key "__proto__"'), l10n.t('expected a key of the configuration'));
  }
  const document = parseDocument(option.slice(equals + 1), { prettyErrors: false });
  if (document.errors.length > 0)
    return refuse(l10n.t('found a value that is not YAML'), l10n.t('expected a value as in the file'));
  const [section, name, ...rest] = key.split('.');
  const path = [section, name, ...(rest.length > 0 ? [rest.join('.')] : [])].filter((step) => step !== undefined);
  return { path, value: document.toJS() as unknown };
}

/**
 * `values` with the overrides in place. A key that replaces another of the file (`max_steps` for `num_train_epochs`)
 * removes it: who says it on the command line means it instead. The value null removes the key, so that its default holds; one
 * that is neither there nor `isKnown` stays as null, so that it is refused as an unknown one.
 */
export function applyOverrides(
  values: unknown,
  overrides: readonly Override[],
  isKnown: (path: KeyPath) => boolean,
): unknown {
  if (overrides.length === 0 || !isObject(values)) return values;
  const result: Record<string, unknown> = { ...values };
  const isOverridden = (section: string, key: string) =>
    overrides.some((o) => o.value !== null && o.path[0] === section && o.path[1] === key);
  for (const [section, a, b] of ALTERNATIVES) {
    if (isOverridden(section, a) && !isOverridden(section, b)) result[section] = without(result[section], b);
    if (isOverridden(section, b) && !isOverridden(section, a)) result[section] = without(result[section], a);
  }
  for (const { path, value } of overrides) {
    if (value === null && (isKnown(path) || valueAt(result, path) !== undefined)) removeAt(result, path);
    else setAt(result, path, value);
  }
  return result;
}

/** A section that would be left empty goes too; one that a configuration must have stays, so that what it lacks is named. */
const REQUIRED_SECTIONS: readonly unknown[] = ['data', 'adapter'];

function removeAt(target: Record<string, unknown>, [step, ...rest]: KeyPath): void {
  if (step === undefined || !Object.hasOwn(target, step)) return;
  const child = target[step];
  if (rest.length > 0 && isObject(child)) {
    const copy: Record<string, unknown> = { ...child };
    removeAt(copy, rest);
    target[step] = copy;
    if (Object.keys(copy).length > 0 || REQUIRED_SECTIONS.includes(step)) return;
  } else if (rest.length > 0) return;
  delete target[step];
}

function setAt(target: Record<string, unknown>, path: KeyPath, value: unknown): void {
  const [step, ...rest] = path;
  if (step === undefined) return;
  if (rest.length === 0) {
    target[step] = value;
    return;
  }
  const child = target[step];
  const copy: Record<string, unknown> = isObject(child) ? { ...child } : {};
  target[step] = copy;
  setAt(copy, rest, value);
}

function without(section: unknown, key: string): unknown {
  if (!isObject(section)) return section;
  return Object.fromEntries(Object.entries(section).filter(([name]) => name !== key));
}
