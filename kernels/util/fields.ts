/**
 * @file Typed descriptions of configuration fields. The value's type, its JSON schema, the form, the help, the defaults
 * and the handling of paths all come from the one place where a field is declared.
 */
import * as l10n from '@vscode/l10n';

export type JsonSchema = { readonly [key: string]: unknown };

/** What a person reads about a field, and how a form may show it. */
export interface Description {
  /** Name in the form, one to four words. */
  readonly label: string;
  /** One or two plain sentences: meaning, unit, limit. The same text is the hover in the editor. */
  readonly help: string;
  /** Unit behind the input: 'tokens', 'steps'. */
  readonly unit?: string;
  /** Heading under which the form shows the field; fields without one come first. */
  readonly group?: string;
  /** Key in PEFT's adapter_config.json, where it is not the field's own name. */
  readonly peftKey?: string;
  /** Says how an adapter is trained, not what its tensors mean. */
  readonly isTrainingOnly?: boolean;
  /** The only kind of model on which it can take effect; absent: it does on each. */
  readonly modelKind?: ModelKind;
}

/** What a model is for: it writes text, or it answers for whole texts with labels. */
export type ModelKind = 'text' | 'labels';

/** Whether a field can take effect on a model of this kind; where no model is known every field may. */
export const concernsModel = (
  { modelKind }: { readonly modelKind?: ModelKind | undefined },
  kind: ModelKind | undefined,
): boolean => modelKind === undefined || kind === undefined || modelKind === kind;

/** A field either has a default, or must be written, or may be absent. */
export type Given<T> = { readonly default: T } | { readonly required: true };
export type Optional = { readonly optional: true };

export interface PathRule {
  readonly kind: 'file' | 'folder';
  /** Whether it must be there when the configuration is read. */
  readonly exists: boolean;
  /** Accepted endings with the dot; absent: any. */
  readonly extensions?: readonly string[];
}

type FieldKind = 'integer' | 'number' | 'flag' | 'choice' | 'text' | 'path' | 'list' | 'map' | 'union';

export interface Field<T> extends Description {
  readonly kind: FieldKind;
  readonly presence: 'default' | 'required' | 'optional';
  readonly default?: T;
  /** JSON schema of the value alone, without title, help and default. */
  readonly schema: JsonSchema;
  /** Completes the sentence "expected …". */
  readonly expected: string;
  /** Items of a list or map (one), variants of a union. */
  readonly parts: readonly Field<unknown>[];
  readonly path?: PathRule;
  /** Of a choice: what each value means, in one sentence. */
  readonly meanings?: Readonly<Record<string, string>>;
  /** Of a choice: the values that are only for models of one kind. */
  readonly modelKinds?: Readonly<Partial<Record<string, ModelKind>>>;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
/** The values of a set of fields once defaults are filled in; a missing optional field is `undefined`. */
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

interface FieldMaker<T, Options> {
  (spec: Description & Options & Given<T>): Field<T>;
  (spec: Description & Options & Optional): Field<T | undefined>;
}
type AnySpec = Description & (Given<unknown> | Optional);

export interface Limits {
  readonly min?: number;
  readonly max?: number;
  /** Limits that are themselves not allowed. */
  readonly above?: number;
  readonly below?: number;
}

/** A whole number. */
export const integer: FieldMaker<number, Limits> = (spec: AnySpec & Limits) =>
  make<number>('integer', spec, {
    schema: { type: 'integer', ...limitKeywords(spec) },
    expected: withLimits(l10n.t('an integer'), spec),
  });

/** A finite number. */
export const number: FieldMaker<number, Limits> = (spec: AnySpec & Limits) =>
  make<number>('number', spec, {
    schema: { type: 'number', ...limitKeywords(spec) },
    expected: withLimits(l10n.t('a number'), spec),
  });

export const flag: FieldMaker<boolean, object> = (spec: AnySpec) =>
  make<boolean>('flag', spec, { schema: { type: 'boolean' }, expected: l10n.t('true or false') });

/** Non-empty text; `pattern` is a regular expression (JavaScript, unanchored) that `expected` puts into words. */
export const text: FieldMaker<string, { readonly pattern?: string; readonly expected?: string }> = (
  spec: AnySpec & { readonly pattern?: string; readonly expected?: string },
) =>
  make<string>('text', spec, {
    schema: { type: 'string', minLength: 1, ...(spec.pattern === undefined ? {} : { pattern: spec.pattern }) },
    expected: spec.expected ?? l10n.t('text'),
  });

/** A file or folder; relative paths are relative to the file the configuration is in. */
export const path: FieldMaker<string, { readonly path: PathRule }> = (spec: AnySpec & { readonly path: PathRule }) =>
  make<string>('path', spec, {
    schema: { type: 'string', minLength: 1, 'x-path': spec.path },
    expected: pathWords(spec.path),
    path: spec.path,
  });

/** One of a few fixed values. */
export function choice<const V extends string | number | boolean>(
  values: readonly V[],
  spec: Description & Meanings<NoInfer<V>> & Given<NoInfer<V>>,
): Field<V>;
export function choice<const V extends string | number | boolean>(
  values: readonly V[],
  spec: Description & Meanings<NoInfer<V>> & Optional,
): Field<V | undefined>;
export function choice(
  values: readonly (string | number | boolean)[],
  spec: AnySpec & Pick<Field<unknown>, 'meanings' | 'modelKinds'>,
): Field<unknown> {
  return make('choice', spec, {
    schema: { enum: values, ...(spec.modelKinds && { 'x-model-kinds': spec.modelKinds }) },
    expected: values.length === 1 ? String(values[0]) : l10n.t('one of {0}', values.join(', ')),
    ...(spec.meanings && { meanings: spec.meanings }),
    ...(spec.modelKinds && { modelKinds: spec.modelKinds }),
  });
}

/** What each value of a choice means: one sentence, shown beside it. */
interface Meanings<V extends string | number | boolean> {
  readonly meanings?: { readonly [K in V as `${K}`]: string };
  readonly modelKinds?: { readonly [K in V as `${K}`]?: ModelKind };
}

/** A list whose items are all described by `item`; never empty unless `allowEmpty`. */
export function list<T>(
  item: Field<T>,
  spec: Description & { readonly allowEmpty?: boolean } & Given<readonly NoInfer<T>[]>,
): Field<readonly T[]>;
export function list<T>(
  item: Field<T>,
  spec: Description & { readonly allowEmpty?: boolean } & Optional,
): Field<readonly T[] | undefined>;
export function list(item: Field<unknown>, spec: AnySpec & { readonly allowEmpty?: boolean }): Field<unknown> {
  return make('list', spec, {
    schema: { type: 'array', items: item.schema, ...(spec.allowEmpty ? {} : { minItems: 1 }) },
    expected: l10n.t('a list, each item {0}', item.expected),
    parts: [item],
  });
}

/** A mapping from names to values described by `item`, such as `rank_pattern`. */
export function map<T>(
  item: Field<T>,
  spec: Description & Given<Readonly<Record<string, NoInfer<T>>>>,
): Field<Readonly<Record<string, T>>>;
export function map<T>(item: Field<T>, spec: Description & Optional): Field<Readonly<Record<string, T>> | undefined>;
export function map(item: Field<unknown>, spec: AnySpec): Field<unknown> {
  return make('map', spec, {
    schema: { type: 'object', additionalProperties: item.schema, propertyNames: { minLength: 1 } },
    expected: l10n.t('a mapping from names to values, each {0}', item.expected),
    parts: [item],
  });
}

/** Any of several shapes, such as `target_modules`: list, regular expression or all-linear. */
export function union<V extends readonly Field<unknown>[]>(
  variants: V,
  spec: Description & Given<ValueOf<V[number]>>,
): Field<ValueOf<V[number]>>;
export function union<V extends readonly Field<unknown>[]>(
  variants: V,
  spec: Description & Optional,
): Field<ValueOf<V[number]> | undefined>;
export function union(variants: readonly Field<unknown>[], spec: AnySpec): Field<unknown> {
  return make('union', spec, {
    // A variant with a label is told apart by it in the form; the others by their kind.
    schema: { anyOf: variants.map((v) => (v.label === '' ? v.schema : { title: v.label, ...v.schema })) },
    expected: variants.map((v) => v.expected).reduce((list, next) => l10n.t('{0}, or {1}', list, next)),
    parts: variants,
  });
}

/** A part of a list, map or union: it has no place of its own in a form, so it needs no help, and a label only as a variant. */
export const part = { label: '', help: '', required: true } as const;

/**
 * Draft-07 schema of an object with these fields. Besides the standard keywords each property has `x-order` (position),
 * and where known `x-group`, `x-unit` and `x-path`, from which a form is laid out, and `x-model-kind` (of a choice
 * `x-model-kinds`, by value), from which it sees what the base model has no use for.
 */
export function toJsonSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields);
  const required = entries.filter(([, f]) => f.presence === 'required').map(([key]) => key);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(entries.map(([key, field], order) => [key, propertySchema(field, order)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** `values` with the defaults of absent fields; values of fields that do not exist here are left out. */
export function withDefaults<F extends Fields>(fields: F, values: Readonly<Record<string, unknown>>): ConfigOf<F> {
  const filled = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, values[key] ?? field.default]));
  // The schema made from the same fields has accepted the values, which is what gives each its type.
  return filled as ConfigOf<F>;
}

/** `value` with `change` applied to every path in it, whatever lists and unions it is inside. */
export function mapPaths(
  field: Field<unknown>,
  value: unknown,
  change: (path: string, rule: PathRule, at: readonly (string | number)[]) => string,
  at: readonly (string | number)[] = [],
): unknown {
  if (field.path && typeof value === 'string') return change(value, field.path, at);
  if (field.kind === 'list' && Array.isArray(value))
    return value.map((item, i) => mapPaths(itemOf(field), item, change, [...at, i]));
  if (field.kind === 'union') {
    const variant = field.parts.find((p) => (p.kind === 'list') === Array.isArray(value));
    return variant ? mapPaths(variant, value, change, at) : value;
  }
  return value;
}

/** The field that describes the value at `at` inside a field's value: an item of a list, a value of a map. */
export function fieldInside(field: Field<unknown>, at: readonly (string | number)[]): Field<unknown> {
  const [step, ...rest] = at;
  if (step === undefined) return field;
  if (field.kind === 'list' || field.kind === 'map') return fieldInside(itemOf(field), rest);
  const container = field.parts.find((p) => p.kind === (typeof step === 'number' ? 'list' : 'map'));
  return container ? fieldInside(container, at) : field;
}

function itemOf(field: Field<unknown>): Field<unknown> {
  return field.parts[0] ?? field;
}

function propertySchema(field: Field<unknown>, order: number): JsonSchema {
  return {
    title: field.label,
    description: field.help,
    ...field.schema,
    ...(field.default === undefined ? {} : { default: field.default }),
    'x-order': order,
    ...(field.group === undefined ? {} : { 'x-group': field.group }),
    ...(field.unit === undefined ? {} : { 'x-unit': field.unit }),
    ...(field.modelKind === undefined ? {} : { 'x-model-kind': field.modelKind }),
  };
}

type Kind = Pick<Field<unknown>, 'schema' | 'expected'> & Partial<Pick<Field<unknown>, 'parts' | 'path' | 'meanings'>>;

function make<T>(kind: FieldKind, spec: AnySpec, own: Kind): Field<T> {
  const { label, help, unit, group, peftKey, isTrainingOnly, modelKind } = spec;
  return {
    kind,
    label,
    help,
    ...(unit === undefined ? {} : { unit }),
    ...(group === undefined ? {} : { group }),
    ...(peftKey === undefined ? {} : { peftKey }),
    ...(isTrainingOnly ? { isTrainingOnly } : {}),
    ...(modelKind === undefined ? {} : { modelKind }),
    presence: 'default' in spec ? 'default' : 'optional' in spec ? 'optional' : 'required',
    ...('default' in spec ? { default: spec.default as T } : {}),
    parts: [],
    ...own,
  };
}

function limitKeywords({ min, max, above, below }: Limits): JsonSchema {
  return {
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
    ...(above === undefined ? {} : { exclusiveMinimum: above }),
    ...(below === undefined ? {} : { exclusiveMaximum: below }),
  };
}

/** `a number above 0 and of at most 10` */
function withLimits(what: string, { min, max, above, below }: Limits): string {
  if (min !== undefined && max !== undefined) return l10n.t('{0} from {1} to {2}', what, min, max);
  const lower =
    min !== undefined ? l10n.t('of at least {0}', min) : above !== undefined ? l10n.t('above {0}', above) : undefined;
  const upper =
    max !== undefined ? l10n.t('of at most {0}', max) : below !== undefined ? l10n.t('below {0}', below) : undefined;
  const limits = lower !== undefined && upper !== undefined ? l10n.t('{0} and {1}', lower, upper) : (lower ?? upper);
  if (limits === undefined) return what;
  return l10n.t({ message: '{0} {1}', args: [what, limits], comment: 'a number, of at least 1' });
}

function pathWords({ kind, extensions }: PathRule): string {
  if (extensions) return l10n.t('the path of a {0} file', extensions.join(', '));
  return kind === 'file' ? l10n.t('the path of a file') : l10n.t('the path of a folder');
}
