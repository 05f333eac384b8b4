/** @file What can be written at a place of a configuration: keys that are valid there, values, paths, names of the model's layers. */
import * as l10n from '@vscode/l10n';
import { fieldText } from '../config/localizeSchema';
import { fieldAt, SECTIONS } from '../config/fieldTable';
import { sectionTitles } from '../config/sections';
import { isObject, valueAt } from '../config/values';
import type { KeyPath } from '../config/yamlSource';
import type { ModelHeader } from '../models/modelHeader';
import { tiedHead } from '../models/types';
import type { Completion, Completions } from '../protocol/calls/config';
import type { ModelEntry } from '../protocol/types';
import { modelKind } from '../trainer/task';
import { concernsModel, type Field, type ModelKind } from '../util/fields';
import { inYaml, keyFacts, languageContext, type LanguageContext } from './context';
import { cursorAt, type Cursor } from './cursor';
import { byPart, byShortName, commonShape } from './moduleNames';
import { pathItems } from './pathItems';

export interface CompletionRequest {
  /** Path of the configuration. */
  readonly path: string;
  readonly text: string;
  readonly offset: number;
  /** Models that are known to be on disk. */
  readonly models: readonly ModelEntry[];
}

/** Never throws for what is in the text: where nothing is known there are no items. */
export function complete({ path, text, offset, models }: CompletionRequest): Completions {
  const cursor = cursorAt(text, offset);
  if (!cursor) return { span: { start: offset, end: offset }, items: [] };
  const context = languageContext(path, cursor.rest);
  const place = { cursor, context, models };
  const at = cursor.role === 'item' ? [...cursor.path, 0] : cursor.path;
  const items = cursor.role === 'key' ? keyItems(place) : valueItems(place, at);
  const space = cursor.needsSpace ? ' ' : '';
  return { span: cursor.span, items: items.map((item) => ({ ...item, insert: space + quoted(item, cursor) })) };
}

interface Place {
  readonly cursor: Cursor;
  readonly context: LanguageContext;
  readonly models: readonly ModelEntry[];
}

function quoted({ kind, insert }: Completion, { isQuoted }: Cursor): string {
  const isPlain = kind === 'key' || kind === 'section' || kind === 'value';
  return isPlain || isQuoted ? insert : inYaml(insert);
}

function keyItems(place: Place): Completion[] {
  const { cursor, context } = place;
  const { path } = cursor;
  const written = new Set([...Object.keys(mappingAt(context, path)), ...cursor.beside]);
  const free = <T extends { readonly label: string }>(items: readonly T[]) =>
    items.filter((i) => !written.has(i.label));
  if (path.length === 0) return free([...fieldItems(place, ''), ...sectionItems(place)].sort(requiredFirst));
  const [section] = path;
  if (path.length === 1 && SECTIONS.some((s) => s === section)) return free(fieldItems(place, String(section)));
  const field = fieldAt(path, context.table)?.field;
  if (!field) return [];
  if (field.kind === 'map') return free(patternItems(place, path));
  // The value of a key on the line below it.
  return cursor.isFlow ? [] : belowItems(place, path, field);
}

/** `presence` decides only between keys of one level: the order of the form is kept otherwise. */
function requiredFirst(a: Completion, b: Completion): number {
  const rank = ({ key, label }: Completion) =>
    key?.presence === 'required' || REQUIRED_SECTIONS.includes(label) ? 0 : 1;
  return rank(a) - rank(b);
}

const REQUIRED_SECTIONS = ['data', 'adapter'];

function fieldItems({ cursor, context }: Place, section: string): Completion[] {
  const kind = kindOf(context);
  const fields = Object.entries(context.table[section] ?? {});
  return fields
    .filter(([, field]) => concernsModel(field, kind))
    .map(([key, field]): Completion => {
      const path = section === '' ? [key] : [section, key];
      const standard = field.default === undefined ? '' : ` · ${inYaml(field.default)}`;
      return {
        kind: 'key',
        label: key,
        insert: keyText(key, field, cursor),
        detail: `${fieldText(field.label)}${standard}`,
        key: keyFacts(path, field),
        ...(!cursor.hasColon && isChosen(field, key) && { hasMore: true }),
      };
    })
    .sort(requiredFirst);
}

function keyText(key: string, field: Field<unknown>, { hasColon, isFlow, isQuoted }: Cursor): string {
  if (hasColon || isQuoted) return key;
  if (field.kind === 'map' && !isFlow) return `${key}:\n  `;
  return `${key}: `;
}

function sectionItems({ cursor: { hasColon, isFlow, isQuoted }, context }: Place): Completion[] {
  const kind = kindOf(context);
  const used = SECTIONS.filter((name) => Object.values(context.table[name] ?? {}).some((f) => concernsModel(f, kind)));
  return used.map((name) => {
    const isBare = hasColon || isFlow || isQuoted;
    return {
      kind: 'section',
      label: name,
      insert: hasColon || isQuoted ? name : isFlow ? `${name}: ` : `${name}:\n  `,
      detail: fieldText(sectionTitles[name]),
      ...(!isBare && { hasMore: true }),
    };
  });
}

/** What the base model is for, where it is known. */
function kindOf(context: LanguageContext): ModelKind | undefined {
  const model = context.model();
  return model && modelKind(model);
}

/** Whether something is offered behind the key, so that it should be shown at once. */
function isChosen(field: Field<unknown>, key: string): boolean {
  const own = field.kind === 'choice' || field.kind === 'flag' || field.kind === 'map' || field.path !== undefined;
  return own || MODULE_KEYS.has(key) || field.parts.some((part) => isChosen(part, key));
}

/** Keys whose values name layers of the model. */
const MODULE_KEYS = new Set(['target_modules', 'exclude_modules', 'modules_to_save', 'layers_pattern']);

/** The value on a line of its own: items behind a dash, or a single value. */
function belowItems(place: Place, path: KeyPath, field: Field<unknown>): Completion[] {
  const lists = field.kind === 'list' || field.parts.some((part) => part.kind === 'list');
  const single = field.kind === 'list' ? [] : valueItems(place, path);
  if (!lists) return single;
  const items = valueItems(place, [...path, 0]);
  return [...items.map((item) => ({ ...item, insert: `- ${inYaml(item.insert)}`, kind: 'value' as const })), ...single];
}

function valueItems(place: Place, path: KeyPath): Completion[] {
  const { context, cursor } = place;
  const at = fieldAt(path, context.table);
  if (!at) return [];
  const isItem = typeof path.at(-1) === 'number';
  const key = String(isItem ? path.at(-2) : path.at(-1));
  const items = itemsOf(place, at.field, key);
  if (isItem) {
    const list = valueAt(context.values, path.slice(0, -1));
    const beside = new Set([...(Array.isArray(list) ? list.map(String) : []), ...cursor.beside]);
    const modules = MODULE_KEYS.has(key) ? moduleItems(context, key) : [];
    return unique([...items, ...modules]).filter(({ insert }) => !beside.has(insert));
  }
  return unique([...items, ...(MODULE_KEYS.has(key) ? listItems(context, key) : [])]);
}

function itemsOf(place: Place, field: Field<unknown>, key: string): Completion[] {
  const { kind, schema, meanings, default: standard, parts, path } = field;
  if (path) return pathItems(path, key, place.cursor.typed, place.context.folder, place.models);
  const usual = { detail: l10n.t('default') };
  const detail = (value: unknown) => (value === standard ? usual : {});
  if (kind === 'flag') return [true, false].map((v) => plainItem(v, detail(v)));
  const allowed = schema['enum'];
  if (Array.isArray(allowed)) {
    const kind = kindOf(place.context);
    const isUsed = (value: unknown) => concernsModel({ modelKind: field.modelKinds?.[String(value)] }, kind);
    return (allowed as unknown[]).filter(isUsed).map((value) => {
      const meaning = meanings?.[String(value)];
      return plainItem(value, { ...detail(value), ...(meaning !== undefined && { meaning: fieldText(meaning) }) });
    });
  }
  if (kind === 'union') {
    const own = parts.filter((part) => part.kind !== 'list').flatMap((part) => itemsOf(place, part, key));
    const written = standard === undefined ? undefined : inYaml(standard);
    return own.map((item) => (item.insert === written ? { ...item, ...usual } : item));
  }
  const isScalar = kind === 'integer' || kind === 'number' || kind === 'text';
  return isScalar && standard !== undefined ? [plainItem(standard, usual)] : [];
}

function plainItem(value: unknown, more: Pick<Completion, 'detail' | 'meaning'>): Completion {
  const text = inYaml(value);
  return { kind: 'value', label: text, insert: text, ...more };
}

/** Keys of a pattern mapping: names of layers, with the rank or alpha to follow. */
function patternItems({ context, cursor }: Place, path: KeyPath): Completion[] {
  const model = context.model();
  if (!model || path[0] !== 'adapter') return [];
  return layerItems(model).map((item) => ({
    ...item,
    kind: 'key',
    insert: cursor.hasColon || cursor.isQuoted ? item.insert : `${item.insert}: `,
  }));
}

/** Names for one entry of a list. */
function moduleItems(context: LanguageContext, key: string): Completion[] {
  const model = context.model();
  if (!model) return [];
  if (key === 'modules_to_save') return savedItems(model);
  if (key === 'target_modules' || key === 'exclude_modules') return [...layerItems(model), ...outerItems(model)];
  if (key !== 'layers_pattern') return layerItems(model);
  const lists = new Set(model.sites.map(({ path, layer }) => path.split(`.${layer}.`)[0]?.split('.').at(-1) ?? ''));
  return [...lists].map((name) => ({ kind: 'module', label: name, insert: name }));
}

/** Short names first, then every layer by its whole path. */
function layerItems(model: ModelHeader): Completion[] {
  const short = byShortName(model.sites).map(({ name, sites }): Completion => {
    const shape = commonShape(sites);
    const count = sites.length === 1 ? l10n.t('1 layer') : l10n.t('{0} layers', sites.length);
    return { kind: 'module', label: name, insert: name, detail: `${count}${shape ? ` · [${shape.join(', ')}]` : ''}` };
  });
  const whole = model.sites.map(({ path, outFeatures, inFeatures }): Completion => {
    return { kind: 'module', label: path, insert: path, detail: `[${outFeatures}, ${inFeatures}]` };
  });
  return [...short, ...whole];
}

/** The embedding and the head, which are adapted only where they are named. */
const outerItems = ({ outerSites }: ModelHeader): Completion[] =>
  outerSites.map(({ projection, outFeatures, inFeatures, kind }) => ({
    kind: 'module',
    label: projection,
    insert: projection,
    detail: `${kind === 'embedding' ? l10n.t('the embedding') : l10n.t('the head')} · [${outFeatures}, ${inFeatures}]`,
  }));

/** Modules that have weights and are no linear layer of a block: these are what is usually saved whole. */
function savedItems(model: ModelHeader): Completion[] {
  const linear = new Set(model.sites.map(({ path }) => path));
  const modules = new Map<string, string>();
  for (const [tensor, shape] of [...model.tensors].reverse()) {
    const module = tensor.slice(0, tensor.lastIndexOf('.'));
    if (!linear.has(module)) modules.set(module.slice(module.lastIndexOf('.') + 1), `[${shape.join(', ')}]`);
  }
  const tied = tiedHead(model.head);
  if (tied) modules.set(model.head.path, l10n.t('a copy of {0}', tied.tiedTo));
  return [...modules].map(([name, detail]) => ({ kind: 'module', label: name, insert: name, detail }));
}

/** Whole lists for the value of a key: what PEFT takes, what belongs to one part of a block. */
function listItems(context: LanguageContext, key: string): Completion[] {
  const model = context.model();
  if (!model || key === 'layers_pattern') return [];
  const list = (names: readonly string[], detail: string): Completion => {
    const text = inYaml(names);
    return { kind: 'value', label: text, insert: text, detail };
  };
  if (key === 'modules_to_save') return savedItems(model).map(({ insert, detail = '' }) => list([insert], detail));
  const { defaultTargetModules, id } = model.architecture;
  const parts = byPart(model.sites).map(({ part, names }) => list(names, part));
  return unique([list(defaultTargetModules, l10n.t('default of PEFT for {0}', id)), ...parts]);
}

function mappingAt({ values }: LanguageContext, path: KeyPath): Readonly<Record<string, unknown>> {
  const found = valueAt(values, path);
  if (isObject(found)) return found;
  return {};
}

function unique(items: readonly Completion[]): Completion[] {
  return [...new Map([...items].reverse().map((item) => [item.insert, item])).values()].reverse();
}
