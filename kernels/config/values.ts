/** @file Plain values of a configuration as they come out of the YAML, before anything is known about them. */
import type { KeyPath } from './yamlSource';

export type Values = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a key path; `undefined` where the path leads nowhere. */
export function valueAt(values: unknown, path: KeyPath): unknown {
  let value = values;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[step];
  }
  return value;
}
