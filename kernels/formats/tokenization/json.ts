/** @file Reading the parts of tokenizer.json: plain JSON whose shape is checked where it is used. */
import { KernelError } from '../../protocol/errors';

export type Json = Readonly<Record<string, unknown>>;

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asJson(value: unknown, what: string): Json {
  if (isJson(value)) return value;
  throw new KernelError('format/invalid', `tokenizer.json: ${what} is not an object`);
}

export function asList(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw new KernelError('format/invalid', `tokenizer.json: ${what} is not a list`);
}

export function asText(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new KernelError('format/invalid', `tokenizer.json: ${what} is not text`);
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** `kind`: normalizer, pre_tokenizer … ; `known`: the types that can be read. */
export function unsupported(kind: string, type: unknown, known: readonly string[]): KernelError {
  return new KernelError(
    'format/invalid',
    `tokenizer.json: ${kind} of type ${String(type)} is not supported; supported: ${known.join(', ')}`,
  );
}
