/**
 * @file The schema of the configuration in the editor's language. Fields state their texts in English where they are declared; what
 * leaves for a form, a hover or a completion is translated here, so that a new field or adapter method needs nothing more.
 * `npm run l10n -- extract` finds these texts in the schema itself.
 */
import * as l10n from '@vscode/l10n';
import type { JsonSchema } from '../util/fields';

/** Keywords whose values people read. */
const TEXT_KEYWORDS: ReadonlySet<string> = new Set(['title', 'description', 'x-unit', 'x-group']);

/** A text of a field, as its declaration states it, in the language of the loaded bundle. */
export function fieldText(text: string): string {
  return l10n.t(text);
}

/** The same schema with every text in the language of the loaded bundle. */
export function localizeSchema(schema: JsonSchema): JsonSchema {
  return mapTexts(schema, fieldText) as JsonSchema;
}

/** Every text of a schema once, in English. */
export function schemaTexts(schema: JsonSchema): readonly string[] {
  const texts = new Set<string>();
  mapTexts(schema, (text) => {
    texts.add(text);
    return text;
  });
  return [...texts];
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      TEXT_KEYWORDS.has(key) && typeof inner === 'string' && inner !== '' ? change(inner) : mapTexts(inner, change),
    ]),
  );
}
