/**
 * @file Strict JSON (RFC 8259), read piece by piece: whoever knows what a text should hold takes what it needs and makes
 * nothing of the rest, so that a hostile text of any size costs no more memory than what it says that is of use.
 */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

/** Deeper nesting is refused, because reading recurses. The same limit as serde_json's. */
const MAX_DEPTH = 128;

/** Every member throws `format/invalid` with file, line and column of the first mistake. */
export class JsonCursor {
  #at = 0;
  #depth = 0;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  /** What comes next, by its first character; a word that is none shows when it is read. */
  get next(): JsonKind {
    this.#space();
    switch (this.text[this.#at]) {
      case '{':
        return 'object';
      case '[':
        return 'array';
      case '"':
        return 'string';
      case 't':
      case 'f':
        return 'boolean';
      case 'n':
        return 'null';
      default:
        return 'number';
    }
  }

  /** Reads an object. `onMember` reads the value; each key is given once, a repeated one is a mistake. */
  object(onMember: (key: string) => void): void {
    const keys = new Set<string>();
    this.#members((key, at) => {
      if (keys.has(key))
        this.#fail(l10n.t('expected each key once, {0} is repeated', JSON.stringify(shortened(key))), at);
      keys.add(key);
      onMember(key);
    });
  }

  /** Reads a list; `onItem` reads each item. */
  array(onItem: () => void): void {
    this.#enter('[');
    if (!this.#skip(']')) {
      do onItem();
      while (this.#skip(','));
      if (!this.#skip(']')) this.#fail(l10n.t("expected ',' or ']'"));
    }
    this.#depth--;
  }

  string(): string {
    this.#space();
    if (this.text[this.#at] !== '"') this.#fail(l10n.t('expected a text in double quotes'));
    this.#at++;
    const start = this.#match(PLAIN);
    if (this.text[this.#at] === '\\') return this.#escapedString(start);
    this.#quote();
    return start;
  }

  /** The pieces are joined in groups: a sum of millions of short ones would keep an object for each. */
  #escapedString(start: string): string {
    const groups: string[] = [start];
    let group: string[] = [];
    while (this.text[this.#at] === '\\') {
      group.push(this.#escape(), this.#match(PLAIN));
      if (group.length < PIECES_IN_GROUP) continue;
      groups.push(group.join(''));
      group = [];
    }
    this.#quote();
    return groups.concat(group).join('');
  }

  #quote(): void {
    const isEnd = this.text[this.#at] === '"';
    if (!isEnd) this.#fail(l10n.t("expected the string to end with '\"' on its line, control characters escaped"));
    this.#at++;
  }

  /** The spelling of a number: `1`, `1.0` and `1e0` are different spellings of one value. */
  number(): string {
    this.#space();
    return this.#match(NUMBER) || this.#fail(l10n.t('expected a JSON value'));
  }

  boolean(): boolean {
    const isTrue = this.next === 'boolean' && this.text[this.#at] === 't';
    this.#word(isTrue ? 'true' : 'false');
    return isTrue;
  }

  null(): null {
    this.#word('null');
    return null;
  }

  /** Reads a value of any kind and keeps nothing of it; `onChild` counts the members or items of an object or a list. */
  ignore(onChild: () => void = () => undefined): void {
    const child = (): void => {
      onChild();
      this.ignore();
    };
    switch (this.next) {
      case 'object':
        return this.#members(child);
      case 'array':
        return this.array(child);
      case 'string':
        return void this.string();
      case 'number':
        return void this.number();
      case 'boolean':
        return void this.boolean();
      case 'null':
        return void this.null();
    }
  }

  /** Only white space may follow. */
  end(): void {
    this.#space();
    if (this.#at < this.text.length) this.#fail(l10n.t('expected the end of the text'));
  }

  #members(onMember: (key: string, at: number) => void): void {
    this.#enter('{');
    if (!this.#skip('}')) {
      do {
        this.#space();
        const at = this.#at;
        if (this.text[at] !== '"') this.#fail(l10n.t('expected a key in double quotes'));
        const key = this.string();
        if (!this.#skip(':')) this.#fail(l10n.t("expected ':'"));
        onMember(key, at);
      } while (this.#skip(','));
      if (!this.#skip('}')) this.#fail(l10n.t("expected ',' or '}'"));
    }
    this.#depth--;
  }

  #enter(bracket: string): void {
    this.#space();
    if (this.text[this.#at] !== bracket) this.#fail(l10n.t("expected '{0}'", bracket));
    if (++this.#depth > MAX_DEPTH) this.#fail(l10n.t('expected at most {0} nested lists and objects', MAX_DEPTH));
    this.#at++;
  }

  #escape(): string {
    const letter = this.text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail(l10n.t('expected four hexadecimal digits after \\u'));
      this.#at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (plain === undefined) this.#fail(l10n.t('expected one of " \\ / b f n r t u after a backslash'));
    this.#at += 2;
    return plain;
  }

  #word(word: string): void {
    this.#space();
    if (!this.text.startsWith(word, this.#at)) this.#fail(l10n.t('expected {0}', word));
    this.#at += word.length;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text)?.[0] ?? '';
    this.#at += match.length;
    return match;
  }

  #space(): void {
    // Most values follow without any; the test is much cheaper than the pattern.
    if (this.text.charCodeAt(this.#at) <= LAST_SPACE) this.#match(SPACE);
  }

  #skip(character: string): boolean {
    this.#space();
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fail(expected: string, at = this.#at): never {
    const lineStart = at === 0 ? 0 : this.text.lastIndexOf('\n', at - 1) + 1;
    const column = at - lineStart + 1;
    const rest = this.text.slice(at, at + 20);
    const found =
      rest === '' ? l10n.t('the text ends') : l10n.t('found {0} at column {1}', JSON.stringify(rest), column);
    const line = lineOf(this.text, at);
    throw KernelError.invalid([{ file: this.file, line, column, severity: 'error', found, expected }]);
  }
}

/** Line of a position, from 1. */
function lineOf(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

const PIECES_IN_GROUP = 4096;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const LAST_SPACE = 0x20;
/** Characters a string may hold unescaped. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
