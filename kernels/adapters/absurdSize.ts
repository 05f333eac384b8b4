/** @file Ranks with zeros too many: an adapter that no one can mean is refused before anything of its size is allocated. */
import * as l10n from '@vscode/l10n';
import type { ParamSpec } from './types';

/** An adapter larger than this many times its base model is a slip of the rank. */
const MOST_TIMES_BASE = 4;
/** Elements that are allowed whatever the base model: 64 MiB, more than any rank that helps a tiny model. */
const ALWAYS_ALLOWED = 2 ** 24;

interface SizedLayer {
  readonly config: Readonly<Record<string, unknown>>;
  readonly params: Readonly<Record<string, Pick<ParamSpec, 'shape'>>>;
}

/** How many values a tensor of this shape holds. */
export const elements = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/**
 * What is wrong with an adapter of `size` elements on a base model with tensors of the shapes `base`, and the key of its
 * configuration that asks for so many; undefined: nothing is.
 */
export function absurdSize(
  size: number,
  base: Iterable<readonly number[]>,
  layers: readonly SizedLayer[],
  config: Readonly<Record<string, unknown>>,
): { readonly key: string; readonly found: string; readonly expected: string } | undefined {
  const parameters = sum([...base].map(elements));
  const most = Math.max(MOST_TIMES_BASE * parameters, ALWAYS_ALLOWED);
  if (size <= most) return undefined;
  const [largest] = [...layers].sort((a, b) => sizeOf(b) - sizeOf(a));
  const rank = largest?.config['r'] ?? config['r'];
  const key = rank === undefined ? 'target_modules' : rank === config['r'] ? 'r' : 'rank_pattern';
  const found =
    rank === undefined
      ? l10n.t('makes an adapter of {0} parameters', text(size))
      : l10n.t('{0} makes an adapter of {1} parameters', text(rank), text(size));
  const expected = l10n.t(
    'expected at most {0} for a base model of {1}; choose a smaller rank',
    text(most),
    text(parameters),
  );
  return { key, found, expected };
}

const sizeOf = ({ params }: SizedLayer): number => sum(Object.values(params).map(({ shape }) => elements(shape)));

const sum = (sizes: readonly number[]): number => sizes.reduce((n, size) => n + size, 0);

const text = (value: unknown): string => (typeof value === 'number' ? value.toLocaleString('en') : String(value));
