/** @file From what the guards of a page are made: a message from a page is input from a browser, so it is checked at the door. */
import type { KeyPath } from '../../webview/protocol/configForm';

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === 'string';
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isFinite: Check = (value) => Number.isFinite(value);
export const isOneOf =
  (...allowed: readonly string[]): Check =>
  (value) =>
    allowed.includes(value as string);
export const isPath: Check = (value): value is KeyPath =>
  Array.isArray(value) && value.length > 0 && value.every((key) => isText(key) || Number.isInteger(key));
export const isRange: Check = (value) => Array.isArray(value) && value.length === 2 && value.every(isFinite);
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

/** The params have these fields of their own with these values; further fields are ignored. */
export function fields<P>(checks: Readonly<Record<string, Check>>) {
  return (params: unknown): params is P =>
    typeof params === 'object' &&
    params !== null &&
    !Array.isArray(params) &&
    Object.entries(checks).every(([name, check]) =>
      check(Object.hasOwn(params, name) ? (params as Record<string, unknown>)[name] : undefined),
    );
}

/** Anything that JSON and YAML can hold; the schema says what is allowed where. */
export const isPlain: Check = (value) =>
  value === null || ['string', 'number', 'boolean', 'object'].includes(typeof value);
