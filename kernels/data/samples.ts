/** @file The ways a sample can be written, and how to tell which one a file uses. */
import * as l10n from '@vscode/l10n';
import type { ChatMessage } from '../formats/chatTemplate';

export type SampleFormat = 'text' | 'prompt-completion' | 'instruction' | 'messages' | LabelledFormat;

/** Formats of models that answer for a whole text: with one of several labels, or with a number. */
export type LabelledFormat = 'classification' | 'regression';

/**
 * What samples are for: to learn the next token, or an answer for a whole text. Of whole numbers as labels it says whether
 * they are classes or what is to be computed.
 */
export type SampleTask = 'next-token' | LabelledFormat;

export const isLabelled = (format: SampleFormat | SampleTask | 'auto'): format is LabelledFormat =>
  format === 'classification' || format === 'regression';

/** The keys under which a text, or a pair of texts, may stand; pairs first. Those after the first ones are of GLUE's tasks. */
const TEXT_KEYS: readonly (readonly string[])[] = [
  ['text', 'text_pair'],
  ['sentence1', 'sentence2'],
  ['premise', 'hypothesis'],
  ['question1', 'question2'],
  ['question', 'sentence'],
  ['text'],
  ['sentence'],
];

/** Columns that are read; all others are left alone. */
export const COLUMNS: readonly string[] = [
  ...new Set([
    'text',
    'prompt',
    'completion',
    'instruction',
    'input',
    'output',
    'messages',
    'tools',
    ...TEXT_KEYS.flat(),
  ]),
  'label',
];

export type Sample =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'completion'; readonly prompt: string; readonly completion: string }
  | { readonly kind: 'instruction'; readonly instruction: string; readonly input: string; readonly output: string }
  | {
      readonly kind: 'messages';
      readonly messages: readonly ChatMessage[];
      /** Turns before this one are given and not learnt: those of a `prompt` that is a list of messages. */
      readonly firstLearnt: number;
      readonly tools: unknown;
    }
  | { readonly kind: 'labelled'; readonly text: string; readonly pair: string | null; readonly label: string | number };

/** What is wrong with one row. */
export interface RowFault {
  readonly where?: string;
  readonly found: string;
  readonly expected: string;
  /** It lies in the checkpoint and not in this row: all others would have it too. */
  readonly concernsAll?: boolean;
}
export type Row = Readonly<Record<string, unknown>>;

/** Keys by which each format is known. */
const KEYS: Readonly<Record<Exclude<SampleFormat, LabelledFormat>, readonly string[]>> = {
  text: ['text'],
  'prompt-completion': ['prompt', 'completion'],
  instruction: ['instruction', 'output'],
  messages: ['messages'],
};
const NEXT_TOKEN_FORMATS = Object.keys(KEYS) as readonly (keyof typeof KEYS)[];

/** Formats that samples for a task can have; where a row fits several labelled ones, the first is meant. */
export function formatsFor(task: SampleTask): readonly SampleFormat[] {
  if (task === 'next-token') return NEXT_TOKEN_FORMATS;
  return task === 'regression' ? ['regression', 'classification'] : ['classification', 'regression'];
}

/** Formats whose keys a row has; a key whose value is null counts as absent (Parquet has every column in each row). */
export function formatsOf(row: Row, task: SampleTask): readonly SampleFormat[] {
  if (task === 'next-token') return NEXT_TOKEN_FORMATS.filter((format) => KEYS[format].every((key) => has(row, key)));
  if (!textKeys(row) || !has(row, 'label')) return [];
  const { label } = row;
  if (typeof label !== 'number') return ['classification'];
  return Number.isInteger(label) ? formatsFor(task) : ['regression'];
}

const has = (row: Row, key: string): boolean => row[key] !== undefined && row[key] !== null;

/** The keys of a row's text or texts. */
const textKeys = (row: Row): readonly string[] | undefined =>
  TEXT_KEYS.find((keys) => keys.every((key) => has(row, key)));

/** The format that is meant where rows fit several; undefined where nobody can tell. */
export function meantFormat(possible: readonly SampleFormat[], task: SampleTask): SampleFormat | undefined {
  return possible.length === 1 || task !== 'next-token'
    ? formatsFor(task).find((f) => possible.includes(f))
    : undefined;
}

/** Why the format of some rows cannot be told, as the end of "found …; expected …". */
export function undecidedFormat(row: Row, formats: readonly SampleFormat[], task: SampleTask): RowFault {
  if (formats.length === 0) {
    const keys = Object.keys(row).map((k) => `"${k}"`);
    const found =
      keys.length === 0
        ? l10n.t('found an object without keys')
        : l10n.t('found the keys {0}', keys.slice(0, 8).join(', '));
    if (task !== 'next-token') {
      const texts = TEXT_KEYS.map((own) => own.join(' and ')).join(', or ');
      return { found, expected: l10n.t('expected label, and beside it {0}', texts) };
    }
    const all = NEXT_TOKEN_FORMATS.map((f) => KEYS[f].join(' and ')).join(', or ');
    const isLabelledRow = has(row, 'label') && textKeys(row) !== undefined;
    return { found, expected: isLabelledRow ? LABEL_ADVICE() : l10n.t('expected {0}', all) };
  }
  const found = l10n.t('found keys that fit the formats {0}', formats.join(' and '));
  return { found, expected: l10n.t('write data.format to say which one is meant') };
}

/**
 * What is wrong with a row of plain text that has a label beside it, where nobody said that it is to be left out: a model that
 * writes text would not learn it.
 */
export function unreadLabel(row: Row, format: SampleFormat | undefined, task: SampleTask): RowFault | undefined {
  if (task !== 'next-token' || format !== 'text' || !has(row, 'label')) return undefined;
  const found = l10n.t('found a label beside the text, which a model that writes text does not learn');
  return { where: 'label', found, expected: LABEL_ADVICE() };
}

const LABEL_ADVICE = (): string =>
  l10n.t(
    'expected an encoder (bert, roberta) as base model, which learns labels; or the text as "prompt" and the label in words as "completion"; or data.format: text, which leaves the label out',
  );

/** A row as a sample of the given format, or what is wrong with it. */
export function parseSample(row: unknown, format: SampleFormat): Sample | RowFault {
  if (!isRow(row)) return { found: l10n.t('found {0}', kindOf(row)), expected: l10n.t('expected an object with keys') };
  switch (format) {
    case 'text': {
      const { text } = row;
      return typeof text === 'string' ? { kind: 'text', text } : notText('text', text);
    }
    case 'prompt-completion': {
      const { prompt, completion } = row;
      if (Array.isArray(prompt) && Array.isArray(completion)) {
        const turns: readonly unknown[] = [...(prompt as unknown[]), ...(completion as unknown[])];
        return chat(turns, prompt.length, row['tools'], l10n.t('prompt and completion'));
      }
      if (typeof prompt === 'string' && typeof completion === 'string')
        return { kind: 'completion', prompt, completion };
      if (typeof prompt === 'string') return notText('completion', completion, l10n.t('text, as the prompt'));
      if (Array.isArray(prompt)) return notText('completion', completion, l10n.t('a list of messages, as the prompt'));
      return notText('prompt', prompt, l10n.t('text or a list of messages'));
    }
    case 'instruction': {
      const { instruction, input, output } = row;
      if (typeof instruction !== 'string') return notText('instruction', instruction);
      if (typeof output !== 'string') return notText('output', output);
      if (input !== undefined && input !== null && typeof input !== 'string') return notText('input', input);
      return { kind: 'instruction', instruction, input: input ?? '', output };
    }
    case 'messages': {
      const { messages, tools } = row;
      if (!Array.isArray(messages)) return notText('messages', messages, l10n.t('a list of messages'));
      return chat(messages, 0, tools, 'messages');
    }
    case 'classification':
    case 'regression':
      return labelled(row, format);
  }
}

function labelled(row: Row, format: LabelledFormat): Sample | RowFault {
  const keys = textKeys(row);
  if (!keys) return undecidedFormat(row, [], format);
  const other = keys.find((key) => typeof row[key] !== 'string');
  if (other !== undefined) return notText(other, row[other]);
  const { label } = row;
  const fault = labelFault(label, format);
  if (fault) return fault;
  const [text = '', pair = null] = keys.map((key) => row[key] as string);
  return { kind: 'labelled', text, pair, label: label as string | number };
}

function labelFault(label: unknown, format: LabelledFormat): RowFault | undefined {
  const fault = (expected: string): RowFault => ({
    where: 'label',
    found: `found ${typeof label === 'string' ? JSON.stringify(label.slice(0, 60)) : kindOf(label)}`,
    expected: l10n.t('expected {0}', expected),
  });
  if (format === 'regression') {
    return typeof label === 'number' && Number.isFinite(label)
      ? undefined
      : fault(l10n.t('a number, as for every regression'));
  }
  if (typeof label === 'string') return label.trim() === '' ? fault(l10n.t('the name of a label')) : undefined;
  if (typeof label !== 'number') return fault(l10n.t('the name of a label or a whole number'));
  if (!Number.isInteger(label))
    return fault(l10n.t('a whole number; numbers to be predicted need data.format: regression'));
  return label < 0
    ? fault(l10n.t('a whole number of at least 0; negative ones stand for samples without a label'))
    : undefined;
}

export function isFault(value: Sample | RowFault): value is RowFault {
  return !('kind' in value);
}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function chat(turns: readonly unknown[], firstLearnt: number, tools: unknown, where: string): Sample | RowFault {
  if (turns.length === 0)
    return { where, found: l10n.t('found an empty list'), expected: l10n.t('expected at least one message') };
  const bad = turns.findIndex((turn) => !isRow(turn) || typeof turn['role'] !== 'string');
  if (bad >= 0) {
    const turn = turns[bad];
    const found = isRow(turn) ? l10n.t('found a message without role') : l10n.t('found {0}', kindOf(turn));
    return { where: `${where}.${bad}`, found, expected: l10n.t('expected an object with role and content') };
  }
  const unread = turns.findIndex((turn) => isRow(turn) && !isReadable(turn));
  if (unread >= 0) {
    const turn = turns[unread];
    const found = l10n.t('found {0}', isRow(turn) ? kindOf(turn['content']) : l10n.t('nothing'));
    return { where: `${where}.${unread}.content`, found, expected: l10n.t('expected text') };
  }
  return { kind: 'messages', messages: turns as readonly ChatMessage[], firstLearnt, tools: tools ?? null };
}

/** Text, or nothing beside calls of tools. Lists of parts would be pasted into the template as whatever they print as. */
function isReadable(turn: Row): boolean {
  const { content } = turn;
  return (
    typeof content === 'string' || ((content === undefined || content === null) && Array.isArray(turn['tool_calls']))
  );
}

function notText(where: string, value: unknown, expected = 'text'): RowFault {
  return { where, found: l10n.t('found {0}', kindOf(value)), expected: l10n.t('expected {0}', expected) };
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return l10n.t('nothing');
  if (Array.isArray(value)) return l10n.t('a list');
  if (typeof value === 'number' || typeof value === 'boolean') return `${typeof value} ${value}`;
  return typeof value === 'string' ? l10n.t('text') : l10n.t('an object');
}
