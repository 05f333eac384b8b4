/** @file What the person chose in a page (never what is true about a run): kept by VS Code while the page is hidden or reloaded. */
import { effect, signal, type Signal } from '@preact/signals-core';
import type { VsCodeApi } from './host';

/**
 * Signals for a set of choices (text, numbers, booleans, null), read from and written to the page's state. What has another
 * type than its default is ignored.
 */
export function keptChoices<T extends Readonly<Record<string, unknown>>>(
  api: Pick<VsCodeApi, 'getState' | 'setState'>,
  defaults: T,
): { readonly [K in keyof T]: Signal<T[K]> } {
  const kept = (api.getState() ?? {}) as Record<string, unknown>;
  const names = Object.keys(defaults) as (keyof T & string)[];
  const signals = Object.fromEntries(
    names.map((name) => [name, signal(isLike(kept[name], defaults[name]) ? kept[name] : defaults[name])]),
  ) as { [K in keyof T]: Signal<T[K]> };
  effect(() => api.setState(Object.fromEntries(names.map((name) => [name, signals[name].value]))));
  return signals;
}

/** A default of null stands for "nothing chosen yet" and takes text. */
function isLike(value: unknown, standard: unknown): value is never {
  return standard === null ? value === null || typeof value === 'string' : typeof value === typeof standard;
}
