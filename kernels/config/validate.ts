/** @file Checks plain configuration values against the schema and says what is wrong in the words of the fields. */
import * as l10n from '@vscode/l10n';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Fix } from '../protocol/errors';
import type { Field } from '../util/fields';
import { describeValue } from './describe';
import { fieldAt, fieldTable, SECTIONS, type FieldTable } from './fieldTable';
import { moveFix, removeFix, renameFix, setFix, valueFixes } from './fixes';
import { placeOfKey, placeOfValue } from './knownWords';
import { likely } from './nearest';
import { buildConfigSchema, type ConfigurableMethod } from './schema';
import { isObject, valueAt, type Values } from './values';
import type { KeyPath } from './yamlSource';

/** One thing that is wrong, by key path; the caller knows line and file. */
export interface Finding {
  readonly path: KeyPath;
  /** Whether the key itself is wrong (unknown) and not its value. */
  readonly isKey?: boolean;
  /** Whether the key is required and not written. */
  readonly isMissing?: boolean;
  readonly found: string;
  readonly expected: string;
  readonly severity?: 'warning';
  readonly fixes?: readonly Fix[];
}

/** Everything in which `values` is not a configuration as the fields describe it. Empty: every value can be used. */
export function validateValues(values: unknown, methods: readonly ConfigurableMethod[]): Finding[] {
  if (!isObject(values)) {
    const found = l10n.t('found {0}', describeValue(values));
    return [{ path: [], found, expected: l10n.t('expected the keys version, model, data and adapter') }];
  }
  const validate = compiled(methods);
  if (validate(values)) return [];
  const known = fieldTable(values, methods);
  const errors = (validate.errors ?? []).filter((e) => e.keyword !== 'if');
  return mergeByPlace(errors, known).map((error) => finding(error, values, known, methods));
}

/**
 * One error for each value. A union reports the failure of every variant; of these the errors deepest inside a list or
 * mapping say most, and the others would only repeat them.
 */
function mergeByPlace(errors: readonly ErrorObject[], known: FieldTable): ErrorObject[] {
  const deepest = new Map<string, number>();
  const ownerOf = (error: ErrorObject) => {
    const at = fieldAt(keyPath(error), known);
    return at && !isAboutKeys(error) && hasUnion(at.top) ? at.owner : undefined;
  };
  for (const error of errors) {
    const owner = ownerOf(error);
    if (owner !== undefined) deepest.set(owner, Math.max(deepest.get(owner) ?? 0, keyPath(error).length));
  }
  const byPlace = new Map<string, ErrorObject>();
  for (const error of errors) {
    const owner = ownerOf(error);
    if (owner !== undefined && keyPath(error).length < (deepest.get(owner) ?? 0)) continue;
    const place = isAboutKeys(error) ? `${error.instancePath}?${JSON.stringify(error.params)}` : error.instancePath;
    if (!byPlace.has(place)) byPlace.set(place, error);
  }
  return [...byPlace.values()];
}

function isAboutKeys(error: ErrorObject): boolean {
  return error.keyword === 'additionalProperties' || error.keyword === 'required';
}

function hasUnion(field: Field<unknown>): boolean {
  return field.kind === 'union' || field.parts.some(hasUnion);
}

function finding(
  error: ErrorObject,
  values: Values,
  known: FieldTable,
  methods: readonly ConfigurableMethod[],
): Finding {
  const path = keyPath(error);
  if (error.keyword === 'additionalProperties') {
    const key = String((error.params as { additionalProperty: string }).additionalProperty);
    return { path: [...path, key], isKey: true, ...unknownKey(path, key, values, known, methods) };
  }
  if (error.keyword === 'required') {
    const key = String((error.params as { missingProperty: string }).missingProperty);
    const field = fieldAt([...path, key], known)?.field;
    return {
      path: [...path, key],
      isMissing: true,
      found: l10n.t('this key is missing'),
      expected: l10n.t('expected {0}', field?.expected ?? l10n.t('a section')),
      ...withFixes(missingFixes([...path, key], field, methods)),
    };
  }
  const value = valueAt(values, path);
  const field = fieldAt(path, known)?.field;
  const found = l10n.t('found {0}', describeValue(value));
  if (!field) return { path, found, expected: l10n.t('expected a section with keys') };
  if (Array.isArray(value) && value.length === 0) {
    const expected = l10n.t('expected at least one item, or no such key');
    return { path, found, expected, ...withFixes([removeFix(path)]) };
  }
  const place = placeOfValue(path, value, methods);
  if (place) {
    const expected = l10n.t('{0}; expected {1}', place.sentence, field.expected);
    return { path, found, expected, fixes: place.fixes };
  }
  const allowed = field.schema['enum'];
  const near = Array.isArray(allowed) && typeof value === 'string' ? likely(value, allowed.map(String)) : undefined;
  const isNear = near !== undefined && Array.isArray(allowed) && allowed.length > 1;
  const expected = isNear
    ? l10n.t('expected {0} (nearest: {1})', field.expected, near)
    : l10n.t('expected {0}', field.expected);
  return { path, found, expected, ...withFixes(valueFixes(path, value, field)) };
}

/** What can be written without asking: the only version, a method with which most begin. Paths are for who knows the disk. */
function missingFixes(path: KeyPath, field: Field<unknown> | undefined, methods: readonly ConfigurableMethod[]): Fix[] {
  const [section, key] = path;
  const [first] = methods;
  if (section === 'adapter' && first) {
    const at = key === undefined ? ['adapter', 'method'] : path;
    return methods.map(({ id }) => setFix(at, id, l10n.t('Insert {0}', `method: ${id}`)));
  }
  const allowed = field?.schema['enum'];
  if (!Array.isArray(allowed)) return [];
  return (allowed as unknown[]).map((value) =>
    setFix(path, value, l10n.t('Insert {0}', `${path.at(-1) ?? ''}: ${String(value)}`)),
  );
}

const withFixes = (fixes: readonly Fix[]): { fixes?: readonly Fix[] } => (fixes.length > 0 ? { fixes } : {});

function unknownKey(
  at: KeyPath,
  key: string,
  values: Values,
  known: FieldTable,
  methods: readonly ConfigurableMethod[],
): Pick<Finding, 'found' | 'expected' | 'fixes'> {
  const section = String(at[0] ?? '');
  const path = [...at, key];
  const found = l10n.t('found the unknown key "{0}"', key);
  const remove = removeFix(path);
  const written = valueAt(values, at);
  const isFree = (name: string) => !isObject(written) || written[name] === undefined;
  // A section counts as a key of the top level.
  const isSection = SECTIONS.some((name) => name === key);
  const home = isSection ? '' : Object.keys(known).find((name) => known[name] && Object.hasOwn(known[name], key));
  if (home !== undefined && home !== section) {
    const to = home === '' ? [key] : [home, key];
    const isTaken = valueAt(values, to) !== undefined;
    const move = moveFix(path, to, valueAt(values, path));
    const expected = home === '' ? l10n.t('expected it at the top level') : l10n.t('expected it under "{0}"', home);
    return { found, expected, fixes: isTaken ? [remove] : [move, remove] };
  }
  const owners = methods.filter((m) => section === 'adapter' && Object.hasOwn(m.config, key));
  if (owners.length > 0) {
    const choose = owners.map(({ id }) => setFix(['adapter', 'method'], id, l10n.t('Change the method to {0}', id)));
    const expected = l10n.t('this key belongs to method {0}', owners.map((m) => m.id).join(', '));
    return { found, expected, fixes: [remove, ...choose] };
  }
  const place = placeOfKey(path, methods);
  if (place) return { found, expected: place.sentence, fixes: place.fixes };
  const here = [...Object.keys(known[section] ?? {}), ...(section === '' ? SECTIONS : [])];
  const best = likely(key, here);
  if (best === undefined) return { found, expected: l10n.t('expected one of {0}', here.join(', ')), fixes: [remove] };
  const expected = l10n.t('the nearest known key is "{0}"', best);
  return { found, expected, fixes: isFree(best) ? [renameFix(path, best), remove] : [remove] };
}

function keyPath(error: ErrorObject): KeyPath {
  return error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** Compiling takes tens of milliseconds and an editor validates on every key press. */
const cache = new WeakMap<readonly ConfigurableMethod[], ValidateFunction>();
function compiled(methods: readonly ConfigurableMethod[]): ValidateFunction {
  let validate = cache.get(methods);
  if (!validate) {
    // The `x-` hints are ours, and a union of types is meant: both are refused by the strict mode.
    const ajv = new Ajv({ allErrors: true, strict: false });
    validate = ajv.compile(buildConfigSchema(methods));
    cache.set(methods, validate);
  }
  return validate;
}
