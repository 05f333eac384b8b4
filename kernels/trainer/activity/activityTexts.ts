/** @file Every text of the figures of activity, in English: what a translation has to know. */
import type { AnyAdapterMethod } from '../../adapters/types';
import { generalFigures } from './generalFigures';
import { loraPlusFigures } from './loraPlusFigures';

/** Labels and rules, each once. */
export function activityTexts(methods: readonly AnyAdapterMethod[]): readonly string[] {
  const figures = [...methods.flatMap((method) => method.activity), ...loraPlusFigures, ...generalFigures];
  return [...new Set(figures.flatMap(({ label, rule }): string[] => [label, rule]))];
}
