/**
 * @file The form that a JSON Schema (draft-07) describes: sections, groups, fields and the widget of each. Standard keywords carry
 * the meaning; `x-order`, `x-group`, `x-unit` and `x-path` refine the layout and may be missing, as may `x-model-kind` and
 * `x-model-kinds`, which say what is only for models of one kind.
 */
import * as l10n from '@vscode/l10n';
import type { KeyPath } from '../protocol/configForm';
import { isObject, type Values } from './values';
import { widgetOf, type Widget } from './widgetOf';

export interface FormField {
  readonly path: KeyPath;
  readonly label: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly isRequired: boolean;
  /** Undefined: there is no default. */
  readonly default: unknown;
  readonly widget: Widget;
}

export interface FormGroup {
  /** Empty: fields without a group, which come first. */
  readonly title: string;
  readonly fields: readonly FormField[];
}

export interface FormSection {
  /** Key of the section in the document; empty: keys at the top level. */
  readonly key: string;
  readonly title: string;
  readonly groups: readonly FormGroup[];
}

/** The sections for a document with these values, and for a base model of this kind: which fields there are may depend on both. */
export function formSections(schema: Values, values: Values, modelKind?: string): FormSection[] {
  const properties = Object.entries(objectAt(schema, 'properties'));
  const isSection = (property: unknown) => isObject(property) && isObject(property['properties']);
  const top = { ...schema, properties: Object.fromEntries(properties.filter(([, p]) => !isSection(p))) };
  const sections = properties.filter(([, property]) => isSection(property)) as [string, Values][];
  const required = requiredOf(schema);
  // Sections that must be written come first, in the order in which the schema asks for them.
  const rank = (key: string) => (required.includes(key) ? required.indexOf(key) : required.length);
  sections.sort(([a], [b]) => rank(a) - rank(b));
  return [
    { key: '', title: text(schema['x-title']) ?? l10n.t('General'), groups: groupsOf(top, [], modelKind) },
    ...sections.map(([key, property]) => {
      const section = applicable(property, objectAt(values, key), schema);
      return { key, title: text(property['title']) ?? key, groups: groupsOf(section, [key], modelKind) };
    }),
  ].filter(({ groups }) => groups.length > 0);
}

/** A section with what its `allOf` conditions add for these values. Of conditions, `required` and `const` or `enum` are understood. */
function applicable(section: Values, values: Values, root: Values): Values {
  const conditions = Array.isArray(section['allOf']) ? section['allOf'].filter(isObject) : [];
  const added = conditions.filter((c) => holds(c['if'], values)).map((c) => resolve(c['then'], root));
  return {
    ...section,
    properties: Object.assign(
      {},
      objectAt(section, 'properties'),
      ...added.map((a) => objectAt(a, 'properties')),
    ) as Values,
    required: [...new Set([section, ...added].flatMap(requiredOf))],
  };
}

function holds(condition: unknown, values: Values): boolean {
  if (!isObject(condition)) return condition !== false;
  return (
    requiredOf(condition).every((key) => values[key] !== undefined) &&
    Object.entries(objectAt(condition, 'properties')).every(([key, rule]) => {
      if (values[key] === undefined || !isObject(rule)) return true;
      if ('const' in rule) return rule['const'] === values[key];
      return Array.isArray(rule['enum']) && rule['enum'].includes(values[key]);
    })
  );
}

/** Follows `#/definitions/…`. */
function resolve(schema: unknown, root: Values): Values {
  if (!isObject(schema)) return {};
  const reference = schema['$ref'];
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return schema;
  const target = reference
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), root);
  return isObject(target) ? target : {};
}

function groupsOf(section: Values, at: KeyPath, modelKind: string | undefined): FormGroup[] {
  const required = requiredOf(section);
  const properties = Object.entries(objectAt(section, 'properties'))
    .filter((entry): entry is [string, Values] => isObject(entry[1]))
    .filter(([, property]) => isFor(modelKind, property['x-model-kind']))
    .sort(([, a], [, b]) => order(a) - order(b));
  const groups = new Map<string, FormField[]>([['', []]]);
  for (const [key, property] of properties) {
    const title = text(property['x-group']) ?? '';
    const fields = groups.get(title) ?? [];
    fields.push(formField(forModel(property, modelKind), [...at, key], required.includes(key)));
    groups.set(title, fields);
  }
  return [...groups].filter(([, fields]) => fields.length > 0).map(([title, fields]) => ({ title, fields }));
}

const isFor = (modelKind: string | undefined, wanted: unknown): boolean =>
  modelKind === undefined || wanted === undefined || wanted === modelKind;

/** A choice without the values that are for another kind of model. */
function forModel(property: Values, modelKind: string | undefined): Values {
  const values: unknown = property['enum'];
  const kinds = objectAt(property, 'x-model-kinds');
  if (!Array.isArray(values)) return property;
  return { ...property, enum: values.filter((value) => isFor(modelKind, kinds[String(value)])) };
}

function formField(property: Values, path: KeyPath, isRequired: boolean): FormField {
  return {
    path,
    label: text(property['title']) ?? String(path.at(-1)),
    help: text(property['description']) ?? '',
    unit: text(property['x-unit']),
    isRequired,
    default: property['default'],
    widget: widgetOf(property),
  };
}

function order(property: Values): number {
  return typeof property['x-order'] === 'number' ? property['x-order'] : Infinity;
}

function requiredOf(schema: Values): readonly string[] {
  return Array.isArray(schema['required']) ? schema['required'].filter((key) => typeof key === 'string') : [];
}

function objectAt(schema: Values, key: string): Values {
  const value = schema[key];
  return isObject(value) ? value : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
