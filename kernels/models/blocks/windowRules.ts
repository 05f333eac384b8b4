/** @file Which layers see a window only, from config.json: `layer_types`, or the family's own pattern where it is left out. */
import * as l10n from '@vscode/l10n';
import type { ConfigReader } from '../configReader';
import type { AttentionRule } from './attention';

const TYPES = ['full_attention', 'sliding_attention'];

/** The same rule in all layers. */
export const everyLayer = (rule: AttentionRule, layers: number): readonly AttentionRule[] =>
  Array.from({ length: layers }, () => rule);

/** `window` null: no layer may slide. `slides` says which layers do where `layer_types` does not. */
export function windowRules(
  read: ConfigReader,
  layers: number,
  window: number | null,
  slides: (layer: number) => boolean,
  rules: { readonly full: AttentionRule; readonly sliding: AttentionRule },
): readonly AttentionRule[] {
  return slidingLayers(read, layers, slides).map((isSliding, layer) => {
    if (!isSliding) return rules.full;
    if (window === null) read.refuse('sliding_window', null, l10n.t('expected a number, as layer {0} slides', layer));
    return { ...rules.sliding, window };
  });
}

/** True for each layer whose attention slides. */
function slidingLayers(read: ConfigReader, layers: number, slides: (layer: number) => boolean): readonly boolean[] {
  const types = read.raw('layer_types') ?? null;
  if (types === null) return Array.from({ length: layers }, (_, layer) => slides(layer));
  if (Array.isArray(types) && types.length === layers && types.every((type) => TYPES.includes(type as string))) {
    return types.map((type) => type === 'sliding_attention');
  }
  read.refuse('layer_types', types, l10n.t('expected one of {0} for each of the {1} layers', TYPES.join(', '), layers));
  return [];
}

/** Families in which either all layers slide or none; `layer_types` can only say the same. */
export function oneWindow(
  read: ConfigReader,
  layers: number,
  fallback: number | null,
  rule: AttentionRule,
): readonly AttentionRule[] {
  const window = readWindow(read, fallback);
  const type = window === null ? 'full_attention' : 'sliding_attention';
  const types = read.raw('layer_types') ?? null;
  if (types !== null && !(Array.isArray(types) && types.every((t) => t === type))) {
    read.refuse('layer_types', types, l10n.t('expected {0} alone, as sliding_window says', type));
  }
  return everyLayer({ ...rule, window }, layers);
}

/** `sliding_window`: null is none. */
export const readWindow = (read: ConfigReader, fallback: number | null): number | null =>
  read.raw('sliding_window') === null || (read.raw('sliding_window') === undefined && fallback === null)
    ? null
    : read.count('sliding_window', fallback ?? undefined);
