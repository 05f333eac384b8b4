/** @file Every text of the figures of activity, in English: what a translation has to know. */
import type { AnyAdapterMethod } from '../../adapters/types';
import { generalFigures } from './generalFigures';
import { loraPlusFigures } from './loraPlusFigures';
import { restartFigures } from './restartFigures';

/** Labels and rules, each once. */
export function activityTexts(methods: readonly AnyAdapterMethod[]): readonly string[] {
  const figures = [
    ...methods.flatMap((method) => method.activity),
    ...restartFigures,
    ...loraPlusFigures,
    ...generalFigures,
  ];
  return [...new Set(figures.flatMap(({ label, rule }): string[] => [label, rule]))];
}
