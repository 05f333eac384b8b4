/** @file Edits of a configuration's text: one key set or removed; comments, order and everything else stay as they were. */
import { isCollection, isMap, isPair, isScalar, parseDocument, stringify } from 'yaml';
import type { Document, Pair, ParsedNode } from 'yaml';

export type KeyPath = readonly (string | number)[];

/** Replaces the characters from `start` up to `end`. */
export interface TextReplacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

type ConfigNode = ParsedNode | null;

/** The document as plain values, null while it is not valid YAML or not a mapping. An empty document is an empty mapping. */
export function configValues(text: string): Readonly<Record<string, unknown>> | null {
  const document = parseDocument(text);
  if (document.errors.length > 0) return null;
  const values: unknown = document.toJS() ?? {};
  return typeof values === 'object' && !Array.isArray(values) ? (values as Record<string, unknown>) : null;
}

/**
 * The replacement that sets `path` to `value`, or removes it when `value` is undefined (and with it a mapping that would be
 * left empty). Undefined when the text says so already. Throws when the text is not valid YAML.
 */
export function editConfigText(text: string, path: KeyPath, value: unknown): TextReplacement | undefined {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new Error(`The text is not valid YAML, so the form cannot change it: ${error.message}`);
  const before: unknown = document.toJS() ?? {};
  const wanted = withValue(before, path, value);
  if (isSame(before, wanted)) return undefined;
  // A replacement in place touches nothing else; the library's printer would also tidy up what it does not like.
  const local = value === undefined ? removal(text, document, path) : change(text, document, path, value);
  if (local && isSame(parseValues(apply(text, local)), wanted)) return local;
  return difference(text, reprinted(text, path, value));
}

export function apply(text: string, { start, end, text: inserted }: TextReplacement): string {
  return text.slice(0, start) + inserted + text.slice(end);
}

function change(text: string, document: Document.Parsed, path: KeyPath, value: unknown): TextReplacement | undefined {
  const existing = document.getIn(path, true) as ConfigNode | undefined;
  if (isScalar(existing) && existing.range) {
    const [start, end] = existing.range;
    // `key:` without a value has an empty range right after the colon.
    return { start, end, text: `${start === end ? ' ' : ''}${inline(value)}` };
  }
  if (isCollection(existing)) {
    const [start] = existing.range;
    if (existing.flow) return { start, end: existing.range[1], text: inline(value) };
    // A block list begins on the line below its key; the new value stands behind the key.
    const colon = text.lastIndexOf(':', start);
    return { start: colon + 1, end: contentEnd(existing), text: ` ${inline(value)}` };
  }
  return insertion(text, document, path, value);
}

/** A new key goes after the last one of the deepest mapping that is there, with the mappings in between. */
function insertion(
  text: string,
  document: Document.Parsed,
  path: KeyPath,
  value: unknown,
): TextReplacement | undefined {
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const depth = deepestMap(document, path);
  const target = document.getIn(path.slice(0, depth), true) as ConfigNode | undefined;
  const keys = path.slice(depth);
  if (keys.some((key) => typeof key === 'number')) return undefined;
  if (!isMap(target)) {
    if (depth > 0) return undefined;
    return endInsertion(text, text.length, nested(keys, value, 0, 2), lineEnd);
  }
  const last = target.items.at(-1);
  if (!last || target.flow) return undefined;
  const indent = columnOf(text, last.key.range[0]);
  const end = endOfLine(text, contentEnd(last));
  return endInsertion(text, end, nested(keys, value, indent, indentStep(document, text)), lineEnd);
}

function endInsertion(text: string, position: number, lines: readonly string[], lineEnd: string): TextReplacement {
  const isAtLineStart = position === 0 || text[position - 1] === '\n';
  const body = lines.join(lineEnd);
  return { start: position, end: position, text: isAtLineStart ? `${body}${lineEnd}` : `${lineEnd}${body}` };
}

/** Removes the lines of a key, the comment behind its value included; comments above it stay. */
function removal(text: string, document: Document.Parsed, path: KeyPath): TextReplacement | undefined {
  let keys = path;
  // A mapping that would be left empty goes too: `data:` alone would mean null.
  for (; keys.length > 1; keys = keys.slice(0, -1)) {
    const parent = document.getIn(keys.slice(0, -1), true);
    if (!isMap(parent) || parent.items.length > 1) break;
  }
  const parent = (keys.length === 1 ? document.contents : document.getIn(keys.slice(0, -1), true)) as ConfigNode;
  if (!isMap(parent) || parent.flow) return undefined;
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === keys.at(-1));
  if (!pair) return undefined;
  const start = text.lastIndexOf('\n', pair.key.range[0] - 1) + 1;
  if (text.slice(start, pair.key.range[0]).trim() !== '') return undefined;
  const end = endOfLine(text, contentEnd(pair));
  return { start, end: end < text.length ? end + 1 : end, text: '' };
}

/** The library's own way, for flow mappings, lists and whatever else does not fit a replacement in place. */
function reprinted(text: string, path: KeyPath, value: unknown): string {
  const document = parseDocument(text);
  if (value === undefined) {
    let keys = path;
    document.deleteIn(keys);
    for (keys = keys.slice(0, -1); keys.length > 0; keys = keys.slice(0, -1)) {
      const parent = document.getIn(keys, true);
      if (!isMap(parent) || parent.items.length > 0) break;
      document.deleteIn(keys);
    }
  } else {
    document.setIn(path, document.createNode(value, { flow: true }));
  }
  const printed = document.toString({ lineWidth: 0, flowCollectionPadding: false });
  return text.includes('\r\n') ? printed.replace(/\r?\n/g, '\r\n') : printed;
}

/** How many keys of the path lead to mappings that exist. */
function deepestMap(document: Document.Parsed, path: KeyPath): number {
  let depth = 0;
  while (depth < path.length - 1 && isMap(document.getIn(path.slice(0, depth + 1), true))) depth++;
  return depth;
}

/** `a: ` / `  b: ` / `    c: value` as lines. */
function nested(keys: KeyPath, value: unknown, indent: number, step: number): string[] {
  return keys.map((key, i) => {
    const isLast = i === keys.length - 1;
    return `${' '.repeat(indent + i * step)}${inline(key)}:${isLast ? ` ${inline(value)}` : ''}`;
  });
}

/** A value on one line: scalars as they are, lists and mappings in flow form. */
function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trimEnd();
}

/** Where the last character of a node or a key with its value is: the range of a block reaches over the lines behind it. */
function contentEnd(node: ParsedNode | Pair<ParsedNode, ParsedNode | null>): number {
  if (isPair(node)) return node.value && !isEmptyScalar(node.value) ? contentEnd(node.value) : node.key.range[1] + 1;
  const last = isCollection(node) && !node.flow ? node.items.at(-1) : undefined;
  return last ? contentEnd(last) : node.range[1];
}

function isEmptyScalar(node: ParsedNode): boolean {
  return isScalar(node) && node.range[0] === node.range[1];
}

function endOfLine(text: string, position: number): number {
  // A block sequence or scalar ends behind its own line end.
  if (position > 0 && text[position - 1] === '\n') position--;
  const end = text.indexOf('\n', position);
  if (end < 0) return text.length;
  return text[end - 1] === '\r' ? end - 1 : end;
}

function columnOf(text: string, position: number): number {
  return position - (text.lastIndexOf('\n', position - 1) + 1);
}

/** By how much the document indents its first nested mapping, 2 when it has none. */
function indentStep(document: Document.Parsed, text: string): number {
  const root = document.contents;
  if (!isMap(root)) return 2;
  for (const { value } of root.items) {
    const first = isMap(value) && !value.flow ? value.items[0] : undefined;
    if (first) return Math.max(1, columnOf(text, first.key.range[0]) - columnOf(text, root.range[0]));
  }
  return 2;
}

/** The one replacement that turns `before` into `after`, without the common beginning and end. */
export function difference(before: string, after: string): TextReplacement {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let kept = 0;
  const limit = Math.min(before.length, after.length) - start;
  while (kept < limit && before[before.length - 1 - kept] === after[after.length - 1 - kept]) kept++;
  return { start, end: before.length - kept, text: after.slice(start, after.length - kept) };
}

function parseValues(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? undefined : (document.toJS() ?? {});
}

/** The plain values after the edit: what the text must say in the end. */
function withValue(values: unknown, path: KeyPath, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(values)) {
    const list: unknown[] = [...(values as unknown[])];
    if (rest.length === 0 && value === undefined) list.splice(Number(key), 1);
    else list[Number(key)] = withValue(list[Number(key)], rest, value);
    return list;
  }
  const map = { ...(typeof values === 'object' ? (values as Record<string, unknown>) : {}) };
  const inner = withValue(map[key], rest, value);
  const isLeftEmpty = value === undefined && rest.length > 0 && isEmptyMap(inner);
  if (inner === undefined || isLeftEmpty) delete map[key];
  else map[key] = inner;
  return map;
}

function isEmptyMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
