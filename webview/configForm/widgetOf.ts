/** @file Which widget edits the values that a schema allows. */
import * as l10n from '@vscode/l10n';
import { isObject, type Values } from './values';

export interface PathHint {
  readonly kind: 'file' | 'folder';
  readonly extensions: readonly string[];
}

export type Widget =
  | { readonly kind: 'text' }
  | { readonly kind: 'path'; readonly path: PathHint }
  | { readonly kind: 'number'; readonly isInteger: boolean; readonly limits: string }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly values: readonly Scalar[] }
  | { readonly kind: 'list'; readonly item: Widget }
  | { readonly kind: 'map'; readonly item: Widget }
  | { readonly kind: 'union'; readonly variants: readonly Variant[] }
  /** A shape the form has no widget for; the text editor has. */
  | { readonly kind: 'other' };

export type Scalar = string | number | boolean;

export interface Variant {
  readonly label: string;
  readonly widget: Widget;
}

export function widgetOf(schema: Values): Widget {
  const variants = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(variants)) return unionOf(variants.filter(isObject));
  if (schema['const'] !== undefined) return { kind: 'choice', values: [schema['const']].filter(isScalar) };
  if (Array.isArray(schema['enum'])) return { kind: 'choice', values: schema['enum'].filter(isScalar) };
  if (isObject(schema['x-path'])) return { kind: 'path', path: pathHint(schema['x-path']) };
  switch (schema['type']) {
    case 'string':
      return { kind: 'text' };
    case 'integer':
    case 'number':
      return { kind: 'number', isInteger: schema['type'] === 'integer', limits: limitsOf(schema) };
    case 'boolean':
      return { kind: 'flag' };
    case 'array':
      return isObject(schema['items']) ? { kind: 'list', item: widgetOf(schema['items']) } : { kind: 'other' };
    case 'object': {
      const values = schema['additionalProperties'];
      return isObject(values) ? { kind: 'map', item: widgetOf(values) } : { kind: 'other' };
    }
    default:
      return { kind: 'other' };
  }
}

function unionOf(schemas: readonly Values[]): Widget {
  const variants = schemas.map((schema) => {
    const widget = widgetOf(schema);
    return { widget, label: typeof schema['title'] === 'string' && schema['title'] ? schema['title'] : nameOf(widget) };
  });
  return variants.length === 1 ? variants[0]!.widget : { kind: 'union', variants };
}

/** What a variant is called when the schema gives it no title. */
function nameOf(widget: Widget): string {
  switch (widget.kind) {
    case 'text':
      return l10n.t('Text');
    case 'path':
      return widget.path.kind === 'file' ? l10n.t('File') : l10n.t('Folder');
    case 'number':
      return l10n.t('Number');
    case 'flag':
      return l10n.t('Yes or no');
    case 'choice':
      return widget.values.map(String).reduce((list, value) => l10n.t('{0} or {1}', list, value));
    case 'list':
      if (widget.item.kind !== 'path') return l10n.t('List');
      return widget.item.path.kind === 'file' ? l10n.t('List of files') : l10n.t('List of folders');
    case 'map':
      return l10n.t('By name');
    case 'union':
    case 'other':
      return l10n.t('Other');
  }
}

/** Whether a value has the shape that a widget edits; whether it is within its limits is for the host to say. */
export function fits(widget: Widget, value: unknown): boolean {
  switch (widget.kind) {
    case 'text':
    case 'path':
      return typeof value === 'string';
    case 'number':
      return typeof value === 'number';
    case 'flag':
      return typeof value === 'boolean';
    case 'choice':
      return widget.values.includes(value as Scalar);
    case 'list':
      return Array.isArray(value) && value.every((item) => fits(widget.item, item));
    case 'map':
      return isObject(value) && Object.values(value).every((item) => fits(widget.item, item));
    case 'union':
      return widget.variants.some((variant) => fits(variant.widget, value));
    case 'other':
      return false;
  }
}

function pathHint(hint: Values): PathHint {
  const extensions = Array.isArray(hint['extensions']) ? hint['extensions'].filter((e) => typeof e === 'string') : [];
  return { kind: hint['kind'] === 'folder' ? 'folder' : 'file', extensions };
}

function limitsOf(schema: Values): string {
  const of = (key: string) => {
    const limit = schema[key];
    return typeof limit === 'number' ? limit.toLocaleString('en-US', { maximumSignificantDigits: 12 }) : undefined;
  };
  const [min, max, above, below] = [of('minimum'), of('maximum'), of('exclusiveMinimum'), of('exclusiveMaximum')];
  if (min !== undefined && max !== undefined) return l10n.t('{0} to {1}', min, max);
  const lower =
    min !== undefined ? l10n.t('at least {0}', min) : above !== undefined ? l10n.t('above {0}', above) : undefined;
  const upper =
    max !== undefined ? l10n.t('at most {0}', max) : below !== undefined ? l10n.t('below {0}', below) : undefined;
  return [lower, upper].filter((part) => part !== undefined).join(', ');
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
