/** @file Checks plain configuration values against the schema and says what is wrong in the words of the fields. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { fieldInside, type Field, type Fields } from '../util/fields';
import { describeValue } from './describe';
import { nearest } from './nearest';
import { adapterSection, buildConfigSchema, type ConfigurableMethod } from './schema';
import { dataFields, rootFields, runtimeFields, trainingFields } from './sections';
import type { KeyPath } from './yamlSource';

/** One thing that is wrong, by key path; the caller knows line and file. */
export interface Finding {
  readonly path: KeyPath;
  /** Whether the key itself is wrong (unknown) and not its value. */
  readonly isKey?: boolean;
  readonly found: string;
  readonly expected: string;
  readonly severity?: 'warning';
}

type Values = Readonly<Record<string, unknown>>;
const SECTIONS = ['data', 'adapter', 'training', 'runtime'] as const;

/** Everything in which `values` is not a configuration as the fields describe it. Empty: every value can be used. */
export function validateValues(values: unknown, methods: readonly ConfigurableMethod[]): Finding[] {
  if (!isObject(values)) {
    const found = `found ${describeValue(values)}`;
    return [{ path: [], found, expected: 'expected the keys version, model, data and adapter' }];
  }
  const validate = compiled(methods);
  if (validate(values)) return [];
  const known = knownKeys(values, methods);
  const errors = (validate.errors ?? []).filter((e) => e.keyword !== 'if');
  return mergeByPlace(errors, known).map((error) => finding(error, values, known, methods));
}

/** Fields of each section for the method the file names; without a usable method only the keys all methods share. */
function knownKeys(values: Values, methods: readonly ConfigurableMethod[]): Readonly<Record<string, Fields>> {
  const section = values['adapter'];
  const method = methods.find((m) => isObject(section) && m.id === section['method']);
  const adapter = method ? adapterSection(method, methods) : adapterSection({ id: '', label: '', config: {} }, methods);
  return { '': rootFields, data: dataFields, adapter, training: trainingFields, runtime: runtimeFields };
}

/**
 * One error for each value. A union reports the failure of every variant; of these the errors deepest inside a list or
 * mapping say most, and the others would only repeat them.
 */
function mergeByPlace(errors: readonly ErrorObject[], known: Readonly<Record<string, Fields>>): ErrorObject[] {
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
  known: Readonly<Record<string, Fields>>,
  methods: readonly ConfigurableMethod[],
): Finding {
  const path = keyPath(error);
  if (error.keyword === 'additionalProperties') {
    const key = String((error.params as { additionalProperty: string }).additionalProperty);
    return { path: [...path, key], isKey: true, ...unknownKey(path, key, known, methods) };
  }
  if (error.keyword === 'required') {
    const key = String((error.params as { missingProperty: string }).missingProperty);
    const field = fieldAt([...path, key], known)?.field;
    return {
      path: [...path, key],
      found: 'this key is missing',
      expected: `expected ${field?.expected ?? 'a section'}`,
    };
  }
  const value = valueAt(values, path);
  const field = fieldAt(path, known)?.field;
  const found = `found ${describeValue(value)}`;
  if (!field) return { path, found, expected: 'expected a section with keys' };
  const allowed = field.schema['enum'];
  const near = Array.isArray(allowed) && typeof value === 'string' ? nearest(value, allowed.map(String)) : undefined;
  const hint = near !== undefined && Array.isArray(allowed) && allowed.length > 1 ? ` (nearest: ${near})` : '';
  return { path, found, expected: `expected ${field.expected}${hint}` };
}

function unknownKey(
  at: KeyPath,
  key: string,
  known: Readonly<Record<string, Fields>>,
  methods: readonly ConfigurableMethod[],
): { found: string; expected: string } {
  const section = String(at[0] ?? '');
  const found = `found the unknown key "${key}"`;
  const home = Object.keys(known).find((name) => known[name]?.[key]);
  if (home !== undefined && home !== section) {
    return { found, expected: `expected it ${home === '' ? 'at the top level' : `under "${home}"`}` };
  }
  const owners = methods.filter((m) => section === 'adapter' && m.config[key]);
  if (owners.length > 0) return { found, expected: `this key belongs to method ${owners.map((m) => m.id).join(', ')}` };
  const here = [...Object.keys(known[section] ?? {}), ...(section === '' ? SECTIONS : [])];
  return { found, expected: `the nearest known key is "${nearest(key, here) ?? ''}"` };
}

interface FieldPlace {
  /** The field of the section's key, and that key's path as text. */
  readonly top: Field<unknown>;
  readonly owner: string;
  /** The field that describes the value itself: `top`, or an item inside it. */
  readonly field: Field<unknown>;
}

function fieldAt(path: KeyPath, known: Readonly<Record<string, Fields>>): FieldPlace | undefined {
  const section = SECTIONS.find((s) => s === path[0]);
  const length = section ? 2 : 1;
  const key = path[length - 1];
  const top = key === undefined ? undefined : known[section ?? '']?.[key];
  if (!top) return undefined;
  return { top, owner: path.slice(0, length).join('.'), field: fieldInside(top, path.slice(length)) };
}

function keyPath(error: ErrorObject): KeyPath {
  return error.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function valueAt(values: unknown, path: KeyPath): unknown {
  let value = values;
  for (const step of path) value = (value as Readonly<Record<string | number, unknown>> | undefined)?.[step];
  return value;
}

export function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
