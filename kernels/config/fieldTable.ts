/** @file Which field describes the value at a key path. */
import { fieldInside, type Field, type Fields } from '../util/fields';
import { adapterSection, type ConfigurableMethod } from './schema';
import { rootFields, sectionFields } from './sections';
import { isObject, type Values } from './values';
import type { KeyPath } from './yamlSource';

export const SECTIONS = ['data', 'adapter', 'training', 'relora', 'samples', 'watchdog', 'runtime'] as const;

/** Fields by section, '' for the top level. */
export type FieldTable = Readonly<Record<string, Fields>>;

/** Fields of each section for the method the file names; without a usable method only the keys all methods share. */
export function fieldTable(values: Values, methods: readonly ConfigurableMethod[]): FieldTable {
  const section = values['adapter'];
  const method = methods.find((m) => isObject(section) && m.id === section['method']);
  const adapter = method
    ? adapterSection(method, methods)
    : adapterSection({ id: '', label: '', summary: 'Kind of adapter.', config: {} }, methods);
  return { '': rootFields, ...sectionFields, adapter };
}

export interface FieldPlace {
  /** The field of the section's key, and that key's path as text. */
  readonly top: Field<unknown>;
  readonly owner: string;
  /** The field that describes the value itself: `top`, or an item inside it. */
  readonly field: Field<unknown>;
}

/** The field of the value at `path`; `undefined` for a section and for keys that are not known. */
export function fieldAt(path: KeyPath, table: FieldTable): FieldPlace | undefined {
  const section = SECTIONS.find((s) => s === path[0]);
  const length = section ? 2 : 1;
  const key = path[length - 1];
  const fields = table[section ?? ''];
  const top = key === undefined || !fields || !Object.hasOwn(fields, key) ? undefined : fields[key];
  if (!top) return undefined;
  return { top, owner: path.slice(0, length).join('.'), field: fieldInside(top, path.slice(length)) };
}

/** Whether some configuration has a section or a value at `path`, whatever its method. */
export const isKnownPath = (path: KeyPath, methods: readonly ConfigurableMethod[]): boolean =>
  (path.length === 1 && SECTIONS.some((name) => name === path[0])) ||
  methods.some(({ id }) => fieldAt(path, fieldTable({ adapter: { method: id } }, methods)) !== undefined);
