/** @file The frozen configuration of a run as a document again: short, with paths that a person can move. */
import { stringify } from 'yaml';

type Values = Readonly<Record<string, unknown>>;

/** The part of a JSON Schema (draft-07) that states defaults. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly default?: unknown;
}

/** The sections of the file, with the keys whose values are paths; '' is the top level. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  '': ['model', 'output'],
  data: ['train', 'eval'],
  adapter: ['init_from'],
};

/**
 * The values that a person would write: keys that have their default, and empty sections, are left out; lists of one file
 * are that file; each path goes through `toPath`. Without a schema every key stays.
 */
export function writtenValues(config: Values, schema: Values | undefined, toPath: (path: string) => string): Values {
  const root = schema as SchemaNode | undefined;
  const sections = Object.entries(withPaths('', config, toPath)).map(([name, value]) => {
    if (!isMapping(value)) return [name, isDefault(root?.properties?.[name], value) ? undefined : value] as const;
    const fields = sectionSchema(schema, root, name, value);
    const own = Object.entries(withPaths(name, value, toPath)).filter(([key, v]) => !isDefault(fields?.[key], v));
    return [name, own.length > 0 ? Object.fromEntries(own) : undefined] as const;
  });
  return Object.fromEntries(sections.filter(([, value]) => value !== undefined && value !== null));
}

/** As YAML, with a comment in front that says where it comes from. */
export function configDocument(values: Values, comment: string): string {
  const head = comment
    .split('\n')
    .map((line) => `# ${line}\n`)
    .join('');
  return head + stringify(values, { lineWidth: 0, flowCollectionPadding: false });
}

/** The adapter section has keys of its method: `definitions['adapter.lora']`. */
function sectionSchema(schema: Values | undefined, root: SchemaNode | undefined, name: string, value: Values) {
  if (name !== 'adapter') return root?.properties?.[name]?.properties;
  const definitions = schema?.['definitions'];
  if (!isMapping(definitions)) return undefined;
  const definition = definitions[`adapter.${String(value['method'])}`] as SchemaNode | undefined;
  return definition?.properties;
}

function withPaths(section: string, values: Values, toPath: (path: string) => string): Values {
  const keys = PATHS[section] ?? [];
  const change = (value: unknown): unknown => {
    if (typeof value === 'string') return toPath(value);
    if (!Array.isArray(value)) return value;
    const paths = value.map(change);
    return paths.length === 1 ? paths[0] : paths;
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, keys.includes(key) ? change(value) : value]),
  );
}

function isDefault(field: SchemaNode | undefined, value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return field !== undefined && 'default' in field && JSON.stringify(field.default) === JSON.stringify(value);
}

function isMapping(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
