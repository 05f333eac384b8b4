/**
 * @file Strict JSON (RFC 8259) as a tree that remembers what `JSON.parse` forgets: repeated keys are refused, numbers keep
 * their spelling, and a syntax error names its line. For files from other programs, which must be checked or kept verbatim.
 */
import { KernelError } from '../protocol/errors';

export type JsonNode =
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonNode> }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly value: string }
  /** `text` as in the file: `1`, `1.0` and `1e0` are different spellings of one value. */
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' };

export type JsonObjectNode = Extract<JsonNode, { kind: 'object' }>;

/** Deeper nesting is refused, because the parser recurses. The same limit as serde_json's. */
const MAX_DEPTH = 128;

/** Throws `format/invalid` with the file and line of the first mistake. */
export function parseJson(text: string, file: string): JsonNode {
  return new Parser(text, file).document();
}

/** The same for a file whose outermost value must be an object. */
export function parseJsonObject(text: string, file: string): JsonObjectNode {
  const node = parseJson(text, file);
  if (node.kind === 'object') return node;
  const problem = { file, severity: 'error', found: describeJson(node), expected: 'expected a JSON object' } as const;
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
      return `an object with ${node.members.size} members`;
    case 'array':
      return `a list of ${node.items.length}`;
    case 'string':
      return `the string ${JSON.stringify(node.value.length > 60 ? `${node.value.slice(0, 60)}…` : node.value)}`;
    case 'number':
      return `the number ${node.text.length > 60 ? `${node.text.slice(0, 60)}…` : node.text}`;
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

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
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

class Parser {
  #at = 0;

  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  document(): JsonNode {
    const node = this.#value(0);
    this.#space();
    if (this.#at < this.text.length) this.#fail('expected the end of the text');
    return node;
  }

  #value(depth: number): JsonNode {
    if (depth > MAX_DEPTH) this.#fail(`expected at most ${MAX_DEPTH} nested lists and objects`);
    this.#space();
    switch (this.text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return { kind: 'string', value: this.#string() };
      case 't':
        return this.#word('true', { kind: 'boolean', value: true });
      case 'f':
        return this.#word('false', { kind: 'boolean', value: false });
      case 'n':
        return this.#word('null', { kind: 'null' });
      default:
        return { kind: 'number', text: this.#match(NUMBER) || this.#fail('expected a JSON value') };
    }
  }

  #object(depth: number): JsonNode {
    const members = new Map<string, JsonNode>();
    this.#at++;
    if (this.#skip('}')) return { kind: 'object', members };
    do {
      this.#space();
      const start = this.#at;
      if (this.text[start] !== '"') this.#fail('expected a key in double quotes');
      const key = this.#string();
      if (members.has(key)) {
        this.#at = start;
        this.#fail(`expected each key once, ${JSON.stringify(key)} is repeated`);
      }
      if (!this.#skip(':')) this.#fail("expected ':'");
      members.set(key, this.#value(depth + 1));
    } while (this.#skip(','));
    if (!this.#skip('}')) this.#fail("expected ',' or '}'");
    return { kind: 'object', members };
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = [];
    this.#at++;
    if (this.#skip(']')) return { kind: 'array', items };
    do items.push(this.#value(depth + 1));
    while (this.#skip(','));
    if (!this.#skip(']')) this.#fail("expected ',' or ']'");
    return { kind: 'array', items };
  }

  #string(): string {
    this.#at++;
    let value = this.#match(PLAIN);
    for (;;) {
      const end = this.text[this.#at];
      if (end === '"') {
        this.#at++;
        return value;
      }
      if (end !== '\\') this.#fail("expected the string to end with '\"' on its line, control characters escaped");
      value += this.#escape() + this.#match(PLAIN);
    }
  }

  #escape(): string {
    const letter = this.text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.#fail('expected four hexadecimal digits after \\u');
      this.#at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (plain === undefined) this.#fail('expected one of " \\ / b f n r t u after a backslash');
    this.#at += 2;
    return plain;
  }

  #word(word: string, node: JsonNode): JsonNode {
    if (!this.text.startsWith(word, this.#at)) this.#fail(`expected ${word}`);
    this.#at += word.length;
    return node;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text)?.[0] ?? '';
    this.#at += match.length;
    return match;
  }

  #space(): void {
    this.#match(SPACE);
  }

  #skip(character: string): boolean {
    this.#space();
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #fail(expected: string): never {
    const before = this.text.slice(0, this.#at);
    const line = before.split('\n').length;
    const column = this.#at - before.lastIndexOf('\n');
    const rest = this.text.slice(this.#at, this.#at + 20);
    const found = rest === '' ? 'the text ends' : `found ${JSON.stringify(rest)} at column ${column}`;
    throw KernelError.invalid([{ file: this.file, line, column, severity: 'error', found, expected }]);
  }
}
