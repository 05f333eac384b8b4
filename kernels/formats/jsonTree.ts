/**
 * @file Strict JSON (RFC 8259) as a tree that remembers what `JSON.parse` forgets: repeated keys are refused, numbers keep
 * their spelling, and a syntax error names its line. For files from other programs, which must be checked or kept verbatim.
 */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import { JsonCursor } from './jsonCursor';

export type JsonNode =
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonNode> }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly value: string }
  /** `text` as in the file: `1`, `1.0` and `1e0` are different spellings of one value. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' };

export type JsonObjectNode = Extract<JsonNode, { kind: 'object' }>;

/** Throws `format/invalid` with the file and line of the first mistake. */
export function parseJson(text: string, file: string): JsonNode {
  const cursor = new JsonCursor(text, file);
  const node = readNode(cursor);
  cursor.end();
  return node;
}

/** The value that comes next, as a tree. */
export function readNode(cursor: JsonCursor): JsonNode {
  switch (cursor.next) {
    case 'object': {
      const members = new Map<string, JsonNode>();
      cursor.object((key) => void members.set(key, readNode(cursor)));
      return { kind: 'object', members };
    }
    case 'array': {
      const items: JsonNode[] = [];
      cursor.array(() => void items.push(readNode(cursor)));
      return { kind: 'array', items };
    }
    case 'string':
      return { kind: 'string', value: cursor.string() };
    case 'number':
      return { kind: 'number', text: cursor.number() };
    case 'boolean':
      return { kind: 'boolean', value: cursor.boolean() };
    case 'null':
      cursor.null();
      return { kind: 'null' };
  }
}

/** The same words as `describeJson` for the value that comes next, of which no tree is made. */
export function describeNext(cursor: JsonCursor): string {
  const kind = cursor.next;
  if (kind !== 'object' && kind !== 'array') return describeJson(readNode(cursor));
  let count = 0;
  cursor.ignore(() => void count++);
  return describeCount(kind, count);
}

const describeCount = (kind: 'object' | 'array', count: number): string =>
  kind === 'object' ? l10n.t('an object with {0} members', count) : l10n.t('a list of {0}', count);

/** The same for a file whose outermost value must be an object. */
export function parseJsonObject(text: string, file: string): JsonObjectNode {
  const node = parseJson(text, file);
  if (node.kind === 'object') return node;
  const problem = {
    file,
    severity: 'error',
    found: describeJson(node),
    expected: l10n.t('expected a JSON object'),
  } as const;
  throw KernelError.invalid([problem]);
}

/** Plain values, as from `JSON.parse`. */
export function jsonValue(node: JsonNode): unknown {
  switch (node.kind) {
    case 'object': {
      const object: Record<string, unknown> = {};
      // defineProperty, because assigning to `__proto__` would set the prototype instead.
      for (const [key, value] of node.members) {
        Object.defineProperty(object, key, {
          value: jsonValue(value),
          enumerable: true,
          configurable: true,
          writable: true,
        });
      }
      return object;
    }
    case 'array':
      return node.items.map(jsonValue);
    case 'number':
      return Number(node.text);
    case 'null':
      return null;
    default:
      return node.value;
  }
}

/** The tree of a plain value that `JSON.stringify` could write. */
export function jsonNode(value: unknown): JsonNode {
  if (Array.isArray(value)) return { kind: 'array', items: value.map(jsonNode) };
  switch (typeof value) {
    case 'string':
      return { kind: 'string', value };
    case 'boolean':
      return { kind: 'boolean', value };
    case 'number':
      if (!Number.isFinite(value)) throw new KernelError('internal', `${value} has no JSON form`);
      return { kind: 'number', text: String(value) };
    case 'object':
      if (value === null) return { kind: 'null' };
      return { kind: 'object', members: new Map(Object.entries(value).map(([key, item]) => [key, jsonNode(item)])) };
    default:
      throw new KernelError('internal', `a ${typeof value} has no JSON form`);
  }
}

/**
 * The text Python's `json.dumps(…, indent=2)` writes: one member a line, everything but ASCII escaped, no final newline.
 * Members stay in the order of the tree.
 */
export function printJson(node: JsonNode, indent = ''): string {
  const inner = `${indent}  `;
  const block = (open: string, lines: readonly string[], close: string): string =>
    lines.length === 0 ? open + close : `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`;
  switch (node.kind) {
    case 'object': {
      const lines = [...node.members].map(([key, value]) => `${quote(key)}: ${printJson(value, inner)}`);
      return block('{', lines, '}');
    }
    case 'array':
      return block(
        '[',
        node.items.map((item) => printJson(item, inner)),
        ']',
      );
    case 'string':
      return quote(node.value);
    case 'number':
      return node.text;
    case 'boolean':
      return String(node.value);
    case 'null':
      return 'null';
  }
}

/** A node in a few words, for messages: `the string "abc"`, `a list of 3`. */
export function describeJson(node: JsonNode): string {
  switch (node.kind) {
    case 'object':
      return describeCount(node.kind, node.members.size);
    case 'array':
      return describeCount(node.kind, node.items.length);
    case 'string':
      return l10n.t(
        'the string {0}',
        JSON.stringify(node.value.length > 60 ? `${node.value.slice(0, 60)}…` : node.value),
      );
    case 'number':
      return l10n.t('the number {0}', node.text.length > 60 ? `${node.text.slice(0, 60)}…` : node.text);
    case 'boolean':
      return String(node.value);
    case 'null':
      return 'null';
  }
}

function quote(text: string): string {
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => (unit === '\u007f' ? unit : escaped(unit)));
}
