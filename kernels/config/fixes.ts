/** @file Ways to put a refused value right: the nearest key, the nearest limit, the nearest of the allowed values. */
import * as l10n from '@vscode/l10n';
import type { Fix } from '../protocol/errors';
import type { Field } from '../util/fields';
import { editDistance, likely, nearest } from './nearest';
import type { KeyPath } from './yamlSource';

export const setFix = (path: KeyPath, value: unknown, title = l10n.t('Change to {0}', shown(value))): Fix => ({
  title,
  edits: [{ kind: 'set', path, value }],
});

export const removeFix = (path: KeyPath): Fix => ({
  title: l10n.t('Remove {0}', path.at(-1) ?? ''),
  edits: [{ kind: 'remove', path }],
});

export const renameFix = (path: KeyPath, key: string): Fix => ({
  title: l10n.t('Change to {0}', key),
  edits: [{ kind: 'rename', path, key }],
});

/** The key with its value somewhere else. */
export const moveFix = (path: KeyPath, to: KeyPath, value: unknown): Fix => ({
  title: to.length === 1 ? l10n.t('Move it to the top level') : l10n.t('Move it under {0}', to[0] ?? ''),
  edits: [
    { kind: 'remove', path },
    { kind: 'set', path: to, value },
  ],
});

/** What is nearest to `value` among what `field` accepts; none when nothing is near. */
export function valueFixes(path: KeyPath, value: unknown, field: Field<unknown>): Fix[] {
  const candidates = new Set(field.kind === 'union' ? field.parts.flatMap((p) => near(value, p)) : near(value, field));
  return [...candidates].map((candidate) => setFix(path, candidate));
}

function near(value: unknown, field: Field<unknown>): unknown[] {
  const { kind, schema } = field;
  const allowed = schema['enum'];
  if (Array.isArray(allowed)) return nearestOf(value, allowed as unknown[]);
  if (kind === 'integer' || kind === 'number') return nearestNumber(value, field);
  if (kind === 'flag') return flagOf(value);
  return [];
}

function nearestOf(value: unknown, allowed: readonly unknown[]): unknown[] {
  if (allowed.length === 1) return [...allowed];
  if (typeof value !== 'string') return [];
  const name = likely(value, allowed.map(String));
  return allowed.filter((candidate) => String(candidate) === name);
}

function nearestNumber(value: unknown, { kind, schema, default: standard }: Field<unknown>): unknown[] {
  // `'8'` in quotes, and numbers that YAML reads as text, such as 1e-4.5 or 1_000.
  const given = typeof value === 'string' ? Number(value.replaceAll('_', '').trim() || NaN) : value;
  if (typeof given !== 'number' || Number.isNaN(given)) return standard === undefined ? [] : [standard];
  const limit = (key: string) => (typeof schema[key] === 'number' ? schema[key] : undefined);
  const whole = kind === 'integer' ? Math.round(given) : given;
  const clamped = Math.min(limit('maximum') ?? Infinity, Math.max(limit('minimum') ?? -Infinity, whole));
  const [above, below] = [limit('exclusiveMinimum'), limit('exclusiveMaximum')];
  // A limit that is itself not allowed has no nearest value; the default is one that is.
  const isOpen = (above !== undefined && clamped <= above) || (below !== undefined && clamped >= below);
  if (!isOpen && Number.isFinite(clamped)) return [clamped];
  return standard === undefined ? [] : [standard];
}

function flagOf(value: unknown): boolean[] {
  const text = String(value).toLowerCase();
  if (['yes', 'on', 'true', '1', 'y', 't'].includes(text)) return [true];
  return ['no', 'off', 'false', '0', 'n', 'f'].includes(text) ? [false] : [];
}

/** Those of `known` that look like a mistyped `name`, the likeliest first. */
export function similar(name: string, known: readonly string[], most = 3): string[] {
  const best = nearest(name, known);
  const limit = Math.max(2, Math.floor(name.length / 2));
  const rest = known
    .filter((k) => k !== best)
    .map((k) => ({ k, distance: editDistance(name.toLowerCase(), k.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .map(({ k }) => k);
  return [...(best === undefined ? [] : [best]), ...rest].slice(0, most);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
