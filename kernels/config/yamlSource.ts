/** @file A YAML text with the place of every key and value, so that each problem can name its line. */
import { isUtf8 } from 'node:buffer';
import * as l10n from '@vscode/l10n';
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
} from 'yaml';
import { readPlainFile } from '../formats/plainFile';
import { KernelError, type Problem } from '../protocol/errors';

export type KeyPath = readonly (string | number)[];

/** Lines and columns count from 1; the end is behind the last character. */
export interface Position {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** No configuration is larger; a data file that was named in its place may be. */
const MAX_BYTES = 16_000_000;

/** Reads a file as UTF-8 text without its byte order mark; a file that cannot be read is a problem, not an exception. */
export function readUtf8(file: string): { readonly text?: string; readonly problems: readonly Problem[] } {
  let bytes: Buffer;
  try {
    bytes = readPlainFile(file, l10n.t('expected a readable file'), MAX_BYTES);
  } catch (error) {
    if (!KernelError.is(error) || error.problems.length === 0) throw error;
    return { problems: error.problems };
  }
  if (isUtf8(bytes)) return { text: bytes.toString('utf8').replace(/^\uFEFF/, ''), problems: [] };
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const found = isUtf16 ? l10n.t('found UTF-16 text') : l10n.t('found bytes that are not UTF-8 text');
  const expected = l10n.t('expected UTF-8; save the file with that encoding');
  return { problems: [{ file, line: firstLineNotUtf8(bytes), severity: 'error', found, expected }] };
}

function firstLineNotUtf8(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start <= bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
  return line;
}

export interface NodePlace {
  readonly path: KeyPath;
  /** Whether it is the key at that path and not its value. */
  readonly isKey: boolean;
  readonly start: number;
  readonly end: number;
}

const spanOf = ({ range }: Node) => ({ start: range?.[0] ?? 0, end: range?.[1] ?? 0 });

/** The end counts too: a pointer is there when it is on the last character. */
function holds(node: Node, offset: number): boolean {
  const { start, end } = spanOf(node);
  return offset >= start && offset <= end && end > start;
}

export class YamlSource {
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;
  /** Everything that is wrong with the text as YAML. */
  readonly problems: readonly Problem[];
  /** The document as plain values; `undefined` when the text cannot be read as YAML at all. */
  readonly values: unknown;

  constructor(
    private readonly file: string,
    private readonly text: string,
  ) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    const { values, problem } = this.#plainValues();
    this.values = values;
    this.problems = [
      ...this.#document.errors.map((e) => this.#syntaxProblem(e, 'error')),
      ...this.#document.warnings.map((e) => this.#syntaxProblem(e, 'warning')),
      ...(problem ? [problem] : []),
    ];
  }

  /** Aliases are followed only here: one may lead nowhere, or a few of them to billions of values. */
  #plainValues(): { readonly values?: unknown; readonly problem?: Problem } {
    const isReadable = this.#document.errors.every((e) => e.code === 'DUPLICATE_KEY' || e.code === 'MULTIPLE_DOCS');
    if (!isReadable) return {};
    try {
      return { values: this.#document.toJS() as unknown };
    } catch (error) {
      const found = l10n.t('not valid YAML: {0}', lowerFirst((error as Error).message));
      const expected = l10n.t('expected keys and values in YAML, without aliases');
      return { problem: { file: this.file, ...this.#position(0, 0), severity: 'error', found, expected } };
    }
  }

  /** Where the value at `path` stands; where the key of its nearest written parent stands when it is not written. */
  locate(path: KeyPath): Position | undefined {
    const range = this.#nodeAt(path)?.range;
    if (range) return this.#position(range[0], range[1]);
    return path.length === 0 ? this.#position(0, 0) : this.locateKey(path.slice(0, -1));
  }

  /** Where the key of the value at `path` stands; the value itself for items of a list; the start for the whole. */
  locateKey(path: KeyPath): Position | undefined {
    if (path.length === 0) return this.#position(0, 0);
    const parent = this.#nodeAt(path.slice(0, -1));
    const last = path.at(-1);
    const pair = isMap(parent) ? parent.items.find((i) => isPair(i) && String(i.key) === String(last)) : undefined;
    const key: unknown = pair?.key;
    return isNode(key) && key.range ? this.#position(key.range[0], key.range[1]) : this.locate(path);
  }

  /** The innermost key, scalar or collection whose characters hold `offset`, by its path; `undefined` between them. */
  nodeAt(offset: number): NodePlace | undefined {
    return this.#placeIn(this.#document.contents, offset, []);
  }

  #placeIn(node: unknown, offset: number, path: KeyPath): NodePlace | undefined {
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const at = [...path, isScalar(key) ? String(key.value) : String(key)];
        if (isNode(key) && holds(key, offset)) return { path: at, isKey: true, ...spanOf(key) };
        const inside = this.#placeIn(value, offset, at);
        if (inside) return inside;
      }
    }
    if (isSeq(node)) {
      for (const [i, item] of node.items.entries()) {
        const inside = this.#placeIn(item, offset, [...path, i]);
        if (inside) return inside;
      }
    }
    return isNode(node) && path.length > 0 && holds(node, offset) ? { path, isKey: false, ...spanOf(node) } : undefined;
  }

  #nodeAt(path: KeyPath): Node | undefined {
    let node: unknown = this.#document.contents;
    for (const step of path) {
      node = isAlias(node) ? node.resolve(this.#document) : node;
      node = isMap(node) || isSeq(node) ? node.get(step, true) : undefined;
    }
    return isNode(node) ? node : undefined;
  }

  #position(start: number, end: number): Position {
    // A block value's range ends behind its last line break; the mark should end with its last visible character.
    const trimmed = start + this.text.slice(start, end).trimEnd().length;
    const from = this.#lines.linePos(start);
    const to = this.#lines.linePos(Math.max(start, trimmed));
    return { line: from.line, column: from.col, endLine: to.line, endColumn: to.col };
  }

  #syntaxProblem(
    error: { readonly code: string; readonly message: string; readonly pos: readonly [number, number] },
    severity: 'error' | 'warning',
  ): Problem {
    const place = { file: this.file, ...this.#position(error.pos[0], error.pos[1]), severity };
    if (error.code === 'DUPLICATE_KEY')
      return { ...place, found: l10n.t('found a key for the second time'), expected: l10n.t('expected each key once') };
    if (error.code === 'MULTIPLE_DOCS')
      return {
        ...place,
        found: l10n.t('found a second document after ---'),
        expected: l10n.t('expected one document in the file'),
      };
    const found = error.message.split('\n')[0] ?? error.message;
    return {
      ...place,
      found: l10n.t('not valid YAML: {0}', lowerFirst(found)),
      expected: l10n.t('expected keys and values in YAML'),
    };
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
