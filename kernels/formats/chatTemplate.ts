/** @file The chat template of a checkpoint: a conversation as the text the model was trained on (Jinja, as in transformers). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as l10n from '@vscode/l10n';
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { KernelError } from '../protocol/errors';
import { decodeUtf8 } from './jsonFile';
import { readPlainFile } from './plainFile';

/** One turn; templates may look at more keys than these. */
export interface ChatMessage {
  readonly role: string;
  readonly [key: string]: unknown;
}

export interface RenderOptions {
  /** Ends with what stands before an answer of the assistant. Default false. */
  readonly addGenerationPrompt?: boolean;
  /** Descriptions of tools, passed on to the template. */
  readonly tools?: unknown;
  /** The day a template sees that asks for it; UTC. */
  readonly now?: Date;
}

export class ChatTemplate {
  #parsed: Template['parsed'] | undefined;

  /**
   * `names`: texts of the special tokens by name, which templates use as variables (`bos_token`). `file`: where the template
   * was read, for messages.
   */
  constructor(
    readonly source: string,
    private readonly names: Readonly<Record<string, string>> = {},
    private readonly file = 'chat_template',
  ) {}

  /** Whether the text depends on the day it is rendered. */
  get usesDate(): boolean {
    return this.source.includes('strftime_now');
  }

  /** Throws `format/invalid` when the template cannot be read at all. */
  parse(): void {
    this.#program();
  }

  /** The conversation as text. Throws `input/refused` with the template's own message when it refuses the messages. */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { addGenerationPrompt = false, tools = null, now = new Date() } = options;
    const environment = new Environment();
    // The library's own set-up is left out for its date: it has the clock's day and the month in the user's language.
    const variables: Readonly<Record<string, unknown>> = {
      true: true,
      false: false,
      none: null,
      True: true,
      False: false,
      None: null,
      range,
      raise_exception: (message: unknown) => {
        throw new RefusedByTemplate(String(message));
      },
      strftime_now: (format: unknown) => formatDate(now, String(format)),
      ...this.names,
      messages,
      tools,
      documents: null,
      add_generation_prompt: addGenerationPrompt,
    };
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    try {
      const { value } = new Interpreter(environment).run(this.#program());
      return typeof value === 'string' ? value : '';
    } catch (cause) {
      if (KernelError.is(cause)) throw cause;
      const what =
        cause instanceof RefusedByTemplate
          ? l10n.t('the chat template refuses the messages')
          : l10n.t('the chat template fails');
      throw new KernelError('input/refused', `${what}: ${String((cause as Error).message)}`, { cause });
    }
  }

  #program(): Template['parsed'] {
    try {
      // {% generation %} marks what the assistant says; the parser drops the marks and keeps what is between them.
      return (this.#parsed ??= new Template(this.source).parsed);
    } catch (cause) {
      const found = l10n.t('the chat template cannot be read: {0}', String((cause as Error).message));
      throw invalid(this.file, found, l10n.t('expected a template in Jinja'));
    }
  }
}

class RefusedByTemplate extends Error {}

/**
 * The template of a checkpoint folder: chat_template.jinja, or `chat_template` of tokenizer_config.json, of which the one
 * named "default" is taken when there are several. Undefined when the checkpoint has none.
 */
export function readChatTemplate(
  folder: string,
  tokenizerConfig: Readonly<Record<string, unknown>>,
  names: Readonly<Record<string, string>>,
): ChatTemplate | undefined {
  const file = join(folder, 'chat_template.jinja');
  if (existsSync(file)) return new ChatTemplate(readTemplate(file), names, file);
  const place = join(folder, 'tokenizer_config.json');
  const given = tokenizerConfig['chat_template'];
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string') return new ChatTemplate(given, names, place);
  const byName = templatesByName(given);
  const source = byName.get('default');
  if (source !== undefined) return new ChatTemplate(source, names, place);
  const found = l10n.t('chat_template has {0}', [...byName.keys()].join(', ') || l10n.t('no names'));
  throw invalid(place, found, l10n.t('expected one named default'));
}

const MAX_BYTES = 10_000_000;

function readTemplate(file: string): string {
  const text = decodeUtf8(readPlainFile(file, l10n.t('expected a chat template'), MAX_BYTES));
  if (text === undefined) throw invalid(file, l10n.t('this is not UTF-8'), l10n.t('expected a chat template in UTF-8'));
  return text.replace(/^\uFEFF/, '');
}

function invalid(file: string, found: string, expected: string): KernelError {
  return KernelError.invalid([{ file, severity: 'error', found, expected }]);
}

/** A list of `{name, template}`, or, in older files, a mapping. */
function templatesByName(given: unknown): ReadonlyMap<string, string> {
  const entries: readonly (readonly [unknown, unknown])[] = Array.isArray(given)
    ? given.map((e: unknown) => {
        const entry = (e ?? {}) as { readonly name?: unknown; readonly template?: unknown };
        return [entry.name, entry.template] as const;
      })
    : Object.entries(given as object);
  return new Map(entries.filter((e): e is readonly [string, string] => e.every((part) => typeof part === 'string')));
}

const MAX_RANGE = 100_000;

function range(...bounds: readonly unknown[]): number[] {
  const [first = 0, second, step = 1] = bounds.map(Number);
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  if (step === 0) throw new RefusedByTemplate('range() with step 0');
  // The limit of the sandbox in which transformers renders templates.
  if (!(Math.abs((stop - start) / step) <= MAX_RANGE)) throw new RefusedByTemplate(`range() of more than ${MAX_RANGE}`);
  const numbers: number[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) numbers.push(i);
  return numbers;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** Python's strftime in English and UTC, so that the same run has the same tokens everywhere. */
function formatDate(date: Date, format: string): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const month = MONTHS[date.getUTCMonth()] ?? '';
  const day = DAYS[date.getUTCDay()] ?? '';
  const parts: Readonly<Record<string, string>> = {
    Y: String(date.getUTCFullYear()),
    y: two(date.getUTCFullYear() % 100),
    m: two(date.getUTCMonth() + 1),
    d: two(date.getUTCDate()),
    B: month,
    b: month.slice(0, 3),
    A: day,
    a: day.slice(0, 3),
    H: two(date.getUTCHours()),
    M: two(date.getUTCMinutes()),
    S: two(date.getUTCSeconds()),
    '%': '%',
  };
  return format.replace(/%(.)/g, (token, key: string) => parts[key] ?? token);
}
