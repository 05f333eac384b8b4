/** @file Configurations side by side: one row for each key, with what each says there. */

type Values = Readonly<Record<string, unknown>>;

export interface ConfigRow {
  /** `training.learning_rate`. */
  readonly key: string;
  /** In the order of the configurations; undefined where one has no such key. */
  readonly values: readonly (string | undefined)[];
  readonly isDifferent: boolean;
}

/** All keys of all configurations, in the order in which they are first met. */
export function configRows(configs: readonly (Values | undefined)[]): readonly ConfigRow[] {
  const flat = configs.map((config) => flatten(config ?? {}));
  const keys = [...new Set(flat.flatMap((values) => [...values.keys()]))];
  return keys.map((key) => {
    const values = flat.map((map) => map.get(key));
    return { key, values, isDifferent: new Set(values).size > 1 };
  });
}

/** Mappings are gone into, lists are one value: their order is part of it. */
function flatten(values: Values, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null) continue;
    const key = prefix + name;
    if (typeof value === 'object' && !Array.isArray(value)) {
      for (const [inner, text] of flatten(value as Values, `${key}.`)) flat.set(inner, text);
    } else flat.set(key, textOf(value));
  }
  return flat;
}

function textOf(value: unknown): string {
  if (!Array.isArray(value)) return typeof value === 'string' ? value : JSON.stringify(value);
  return (value as readonly unknown[]).map(textOf).join(', ');
}
