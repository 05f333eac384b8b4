/**
 * @file Where in a YAML text a person is writing: in which mapping or list, and whether at a key, a value or an item. Works
 * line by line on what stands before the cursor, because a text that is being written is seldom valid YAML.
 */
import type { KeyPath } from '../config/yamlSource';
import type { TextSpan } from '../protocol/calls/config';

export interface Cursor {
  readonly role: 'key' | 'value' | 'item';
  /** Path of the mapping or list that is being written in; of the value itself at a value. */
  readonly path: KeyPath;
  /** What was typed of the word so far begins at `start`; the word that a completion replaces goes on to `end`. */
  readonly span: TextSpan;
  readonly typed: string;
  /** A colon stands behind the word. */
  readonly hasColon: boolean;
  /** The cursor stands right behind the colon or dash, where YAML wants a space. */
  readonly needsSpace: boolean;
  readonly isQuoted: boolean;
  /** In `[…]` or `{…}`. */
  readonly isFlow: boolean;
  /** Items or keys beside this one in the same flow collection. */
  readonly beside: readonly string[];
  /** The text without what is being written here: the rest can be read more surely. */
  readonly rest: string;
}

/** `null` where nothing can be completed: in a comment, in a block of text, behind a finished value. */
export function cursorAt(text: string, offset: number): Cursor | null {
  const at = Math.max(0, Math.min(offset, text.length));
  const lineStart = startOfLine(text, at);
  const scan = new LineScan(text);
  for (let start = 0; start < lineStart; start = lineEnd(text, start) + 1) scan.line(start, lineEnd(text, start));
  return scan.cursor(lineStart, at);
}

interface Level {
  readonly indent: number;
  readonly step: string | number;
  readonly isItem: boolean;
  /** A value stands behind the key, so nothing belongs below it. */
  readonly isClosed: boolean;
}

const PLAIN_OR_QUOTED_KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'[\]{}#,][^#]*?)\s*:(?=\s|$)/;
const BLOCK_SCALAR = /^[|>][-+0-9]*$/;
/** An anchor or tag before a value. */
const PROPERTIES = /^(?:[&!]\S*\s+)+/;

class LineScan {
  private levels: Level[] = [];
  /** Lines that are indented deeper belong to a block of text. */
  private blockIndent: number | undefined;
  /** A quoted text or flow collection that is not closed yet: its start, the path of its value, the indent of its key. */
  private open: { readonly start: number; readonly path: KeyPath; readonly indent: number } | undefined;

  constructor(private readonly text: string) {}

  /** Takes one complete line. */
  line(start: number, end: number): void {
    this.leaveOpen(this.text.slice(start, end));
    if (this.open) {
      if (flowEnd(this.text, this.open.start, end) !== undefined) this.open = undefined;
      return;
    }
    const line = this.text.slice(start, end).replace(/\r$/, '');
    if (this.isInBlock(line)) return;
    const { column, content } = this.items(line);
    if (content === '' || content.startsWith('#') || /^(---|\.\.\.)(\s|$)/.test(line)) return;
    const key = PLAIN_OR_QUOTED_KEY.exec(content);
    if (!key) {
      this.value(start + column, end, content);
      return;
    }
    const behind = content.slice(key[0].length);
    const value = behind.trimStart();
    this.key(column, key[1] ?? '', withoutComment(value) !== '');
    this.value(start + column + key[0].length + (behind.length - value.length), end, value);
  }

  /** The cursor at `at` in the line that begins at `lineStart`; the lines before have been taken. */
  cursor(lineStart: number, at: number): Cursor | null {
    const end = lineEnd(this.text, lineStart);
    this.leaveOpen(this.text.slice(lineStart, end));
    if (this.open) return this.flowCursor(this.open.start, this.open.path, at);
    const before = this.text.slice(lineStart, at);
    if (this.isInBlock(before, this.text.slice(lineStart, end))) return null;
    const { column, content, hasDash, needsSpace } = this.items(before);
    if (/(^|\s)#/.test(withoutQuoted(content))) return null;
    const key = PLAIN_OR_QUOTED_KEY.exec(content);
    if (!key) return this.wordCursor(lineStart + column, at, content, { hasDash, needsSpace });
    this.key(column, key[1] ?? '', false);
    const path = this.path;
    const behind = content.slice(key[0].length);
    const value = behind.trimStart().replace(PROPERTIES, '');
    const valueStart = at - value.length;
    if (value.startsWith('[') || value.startsWith('{')) return this.flowCursor(valueStart, path, at);
    const colon = lineStart + column + key[0].length;
    return this.made('value', path, valueStart, at, value, {
      needsSpace: behind === '',
      blank: { start: colon, end },
    });
  }

  /** A word without a colon: a key that is being written, or an item behind its dash. */
  private wordCursor(
    start: number,
    at: number,
    content: string,
    { hasDash, needsSpace }: { readonly hasDash: boolean; readonly needsSpace: boolean },
  ): Cursor | null {
    const end = lineEnd(this.text, at);
    if (hasDash) {
      if (content.startsWith('[') || content.startsWith('{')) return this.flowCursor(start, this.path, at);
      return this.made('item', this.path.slice(0, -1), start, at, content, { needsSpace, blank: { start, end } });
    }
    const column = start - startOfLine(this.text, start);
    this.leave(column);
    if (this.levels.at(-1)?.isClosed) return null;
    return this.made('key', this.path, start, at, content, { blank: { start, end } });
  }

  private flowCursor(start: number, path: KeyPath, at: number): Cursor | null {
    const flow = flowAt(this.text, start, at);
    if (!flow) return null;
    const isClosed = flowEnd(this.text, start, this.text.length) !== undefined;
    const blank = {
      start: flow.start,
      end: isClosed ? at : lineEnd(this.text, at),
      fill: isClosed ? '' : flow.closers,
    };
    const whole = [...path, ...flow.path];
    return this.made(flow.role, whole, flow.start, at, this.text.slice(flow.start, at), {
      blank,
      isFlow: true,
      beside: flow.beside,
    });
  }

  private made(
    role: Cursor['role'],
    path: KeyPath,
    start: number,
    at: number,
    typed: string,
    more: {
      /** What is left out of the rest, and what stands there instead. */
      readonly blank: TextSpan & { readonly fill?: string };
      readonly needsSpace?: boolean;
      readonly isFlow?: boolean;
      readonly beside?: readonly string[];
    },
  ): Cursor | null {
    const quote = /^["']/.exec(typed)?.[0];
    // A quoted text that is closed, or a plain one with a space in it, is finished.
    if ((quote !== undefined && typed.length > 1 && typed.endsWith(quote)) || typed.includes('\n')) return null;
    const { text } = this;
    const inner = quote === undefined ? typed : typed.slice(1);
    const isFlow = more.isFlow ?? false;
    const tail =
      quote === undefined ? (isFlow ? /^[^\s,[\]{}#:]*/ : /^[^\s#:]*/) : quote === '"' ? /^[^"\n]*/ : /^[^'\n]*/;
    const behind = text.slice(at, lineEnd(text, at));
    const end = at + (tail.exec(behind)?.[0].length ?? 0);
    return {
      role,
      path,
      span: { start: start + typed.length - inner.length, end },
      typed: inner,
      hasColon: /^["']?\s*:(\s|$)/.test(text.slice(end, lineEnd(text, end))),
      needsSpace: more.needsSpace ?? false,
      isQuoted: quote !== undefined,
      isFlow,
      beside: more.beside ?? [],
      rest: text.slice(0, more.blank.start) + (more.blank.fill ?? '') + text.slice(Math.max(end, more.blank.end)),
    };
  }

  private get path(): KeyPath {
    return this.levels.map(({ step }) => step);
  }

  private isInBlock(line: string, whole = line): boolean {
    if (this.blockIndent === undefined) return false;
    // A blank line ends no block; the cursor's own line may be indented deeper behind it.
    if (whole.trim() === '') return line.length > this.blockIndent;
    if (indentOf(whole) > this.blockIndent) return true;
    this.blockIndent = undefined;
    return false;
  }

  /** A bracket that was never closed: what is indented no deeper than its key does not belong to it. */
  private leaveOpen(line: string): void {
    if (this.open && /^\s*[^\s\]}]/.test(line) && indentOf(line) <= this.open.indent) this.open = undefined;
  }

  /** Takes the dashes at the begin of a line. */
  private items(line: string): { column: number; content: string; hasDash: boolean; needsSpace: boolean } {
    let column = indentOf(line);
    let hasDash = false;
    let dash = /^-(\s+|$)/.exec(line.slice(column));
    while (dash) {
      const indent = column;
      let last: Level | undefined;
      while ((last = this.levels.at(-1)) && (last.indent > indent || (last.indent === indent && last.isItem))) {
        this.levels.pop();
        if (last.indent === indent && last.isItem) break;
      }
      const index = last?.indent === indent && last.isItem ? Number(last.step) + 1 : 0;
      this.levels.push({ indent, step: index, isItem: true, isClosed: false });
      hasDash = true;
      column += dash[0].length;
      if (dash[0] === '-') return { column, content: '', hasDash, needsSpace: true };
      dash = /^-(\s+|$)/.exec(line.slice(column));
    }
    return { column, content: line.slice(column), hasDash, needsSpace: false };
  }

  private key(column: number, written: string, isClosed: boolean): void {
    this.leave(column);
    this.levels.push({ indent: column, step: unquoted(written.trim()), isItem: false, isClosed });
  }

  private leave(column: number): void {
    while ((this.levels.at(-1)?.indent ?? -1) >= column) this.levels.pop();
  }

  private value(start: number, end: number, value: string): void {
    const properties = PROPERTIES.exec(value)?.[0].length ?? 0;
    const own = value.slice(properties);
    if (BLOCK_SCALAR.test(withoutComment(own))) this.blockIndent = this.levels.findLast((l) => !l.isItem)?.indent ?? 0;
    else if (/^["'[{]/.test(own) && flowEnd(this.text, start + properties, end) === undefined)
      this.open = { start: start + properties, path: this.path, indent: this.levels.at(-1)?.indent ?? 0 };
  }
}

interface Flow {
  readonly role: Cursor['role'];
  /** Relative to the value that the flow collection is. */
  readonly path: KeyPath;
  /** First character of what is being written. */
  readonly start: number;
  readonly beside: readonly string[];
  /** The brackets that are open here, closed. */
  readonly closers: string;
}

interface FlowLevel {
  readonly isMap: boolean;
  index: number;
  key: string | undefined;
  start: number;
  readonly written: string[];
}

/** Where in the flow collection (or quoted text) that begins at `from` the character at `at` is; `null` behind its end. */
function flowAt(text: string, from: number, at: number): Flow | null {
  const levels: FlowLevel[] = [];
  let quote: string | undefined;
  for (let i = from; i < at; i++) {
    const character = text[i] ?? '';
    const level = levels.at(-1);
    if (quote !== undefined) {
      if (character === '\\' && quote === '"') i++;
      else if (character === quote) quote = undefined;
      continue;
    }
    if ((character === '"' || character === "'") && (!level || text.slice(level.start, i).trim() === ''))
      quote = character;
    else if (character === '#' && /\s/.test(text[i - 1] ?? ' ')) {
      i = lineEnd(text, i);
      if (i >= at) return null;
    } else if (character === '[' || character === '{')
      levels.push({ isMap: character === '{', index: 0, key: undefined, start: i + 1, written: [] });
    else if (character === ']' || character === '}') {
      levels.pop();
      if (levels.length === 0) return null;
    } else if (character === ',' && level) {
      level.written.push(level.key ?? unquoted(text.slice(level.start, i).trim()));
      Object.assign(level, { index: level.index + 1, key: undefined, start: i + 1 });
    } else if (
      character === ':' &&
      level?.isMap &&
      level.key === undefined &&
      /[\s"']/.test((text[i + 1] ?? ' ') + ' ')
    ) {
      Object.assign(level, { key: unquoted(text.slice(level.start, i).trim()), start: i + 1 });
    }
  }
  const level = levels.at(-1);
  if (!level) return null;
  const path = levels.slice(0, -1).map((l) => (l.isMap ? (l.key ?? '') : l.index));
  const written = text.slice(level.start, at);
  const start = level.start + (written.length - written.trimStart().length);
  const beside = [...level.written, ...writtenBehind(text, at)];
  const closers = levels
    .map(({ isMap }) => (isMap ? ' }' : ']'))
    .reverse()
    .join('');
  const place = { path, start, beside, closers };
  if (!level.isMap) return { role: 'item', ...place };
  return level.key === undefined ? { role: 'key', ...place } : { role: 'value', ...place, path: [...path, level.key] };
}

/** Items or keys of the same collection behind the cursor, on its line. */
function writtenBehind(text: string, at: number): string[] {
  const rest = text.slice(at, lineEnd(text, at));
  const comma = rest.indexOf(',');
  const close = rest.search(/[\]}]/);
  if (comma < 0 || (close >= 0 && close < comma)) return [];
  const end = close < 0 ? rest.length : close;
  return rest
    .slice(comma + 1, end)
    .split(',')
    .map((item) => unquoted(item.replace(/:\s.*$/, '').trim()))
    .filter((item) => item !== '');
}

/** Behind the last character of the quoted text or flow collection that begins at `from`; `undefined` when it is open at `limit`. */
function flowEnd(text: string, from: number, limit: number): number | undefined {
  let depth = 0;
  let quote: string | undefined;
  for (let i = from; i < limit; i++) {
    const character = text[i] ?? '';
    if (quote !== undefined) {
      if (character === '\\' && quote === '"') i++;
      else if (character === quote) quote = undefined;
    } else if ((character === '"' || character === "'") && /[\s,[{:]/.test(i === from ? ' ' : (text[i - 1] ?? ' ')))
      quote = character;
    else if (character === '#' && /\s/.test(text[i - 1] ?? ' ')) i = lineEnd(text, i);
    else if (character === '[' || character === '{') depth++;
    else if (character === ']' || character === '}') depth--;
    if (quote === undefined && depth <= 0) return i + 1;
  }
  return undefined;
}

// `lastIndexOf` takes a negative position for 0.
const startOfLine = (text: string, at: number): number => (at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1);

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
};

const indentOf = (line: string): number => line.length - line.trimStart().length;

const withoutComment = (value: string): string => value.replace(/(^|\s)#.*$/, '').trim();

const withoutQuoted = (value: string): string => value.replace(/"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/g, '""');

function unquoted(text: string): string {
  const quote = /^["']/.exec(text)?.[0];
  if (quote === undefined || text.length < 2 || !text.endsWith(quote)) return text;
  const inner = text.slice(1, -1);
  return quote === "'" ? inner.replaceAll("''", "'") : inner.replace(/\\(["\\])/g, '$1');
}
