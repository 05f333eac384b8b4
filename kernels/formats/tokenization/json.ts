/** @file Reading the parts of tokenizer.json: plain JSON whose shape is checked where it is used. */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../../protocol/errors';

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asJson(value: unknown, what: string): Json {
  if (isJson(value)) return value;
  throw new KernelError(
    'format/invalid',
    l10n.t('tokenizer.json: {0} is {1}; expected an object', what, describe(value)),
  );
}

export function asList(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new KernelError('format/invalid', l10n.t('tokenizer.json: {0} is {1}; expected a list', what, describe(value)));
}

export function asText(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new KernelError('format/invalid', l10n.t('tokenizer.json: {0} is {1}; expected text', what, describe(value)));
}

/** Larger ids would be no token of any model, but an array with room for all of them. */
const MOST_TOKENS = 10_000_000;

export function asId(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < MOST_TOKENS) return value;
  const message = l10n.t(
    'tokenizer.json: {0} is {1}; expected a whole number from 0, below {2}',
    what,
    describe(value),
    MOST_TOKENS,
  );
  throw new KernelError('format/invalid', message);
}

/** The builder of a part by its type; a type such as `constructor` is none. */
export function builderOf<T>(builders: Readonly<Record<string, T>>, kind: string, type: unknown): T {
  const builder = typeof type === 'string' && Object.hasOwn(builders, type) ? builders[type] : undefined;
  if (builder !== undefined) return builder;
  throw unsupported(kind, type, Object.keys(builders));
}

function describe(value: unknown): string {
  if (value === undefined) return l10n.t('missing');
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** `kind`: normalizer, pre_tokenizer … ; `known`: the types that can be read. */
export function unsupported(kind: string, type: unknown, known: readonly string[]): KernelError {
  return new KernelError(
    'format/invalid',
    l10n.t(
      'tokenizer.json: {0} of type {1} is not supported; supported: {2}',
      kind,
      typeof type === 'string' ? type : describe(type),
      known.join(', '),
    ),
  );
}
