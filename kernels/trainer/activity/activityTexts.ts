/** @file Every text of a record of activity, in English: what a translation has to know. */
import type { AnyAdapterMethod } from '../../adapters/types';
import { generalFigures } from './generalFigures';
import { loraPlusFigures } from './loraPlusFigures';

import { restartFigures } from './restartFigures';
import { noteTexts } from './verdictNotes';

/** Labels, rules and notes, each once. */
export function activityTexts(methods: readonly AnyAdapterMethod[]): readonly string[] {
  const figures = [
    ...methods.flatMap((method) => method.activity),
    ...restartFigures,
    ...loraPlusFigures,
    ...generalFigures,
  ];
  return [...new Set([...figures.flatMap(({ label, rule }): string[] => [label, rule]), ...noteTexts])];
}
