/** @file What a command of the command line is, and how it says things: data on stdout, everything else on stderr. */
import path from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { KernelError } from '../../protocol/errors';

export type OptionSpecs = NonNullable<ParseArgsConfig['options']>;
export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export interface CommandContext {
  readonly args: readonly string[];
  readonly values: OptionValues;
  readonly out: Output;
  /** Fires on Ctrl-C and on a request to end. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** What follows the name, e.g. `FILE.adapter.yaml [--set KEY=VALUE]…`. */
  readonly usage: string;
  readonly summary: string;
  readonly options: OptionSpecs;
  /** What an option means here, where it is not what it means elsewhere. */
  readonly meanings?: Readonly<Record<string, string>>;
  /** Left out of the help: commands that the program calls itself with. */
  readonly isInternal?: boolean;
  /** Ctrl-C and a request to end the process do just that, at once: there is nothing to save or to say. */
  readonly endsAtOnce?: boolean;
  /** Returns the exit status; nothing means 0. */
  run(context: CommandContext): Promise<number | void>;
}

/** Exit statuses other programs rely on. */
export const EXIT = { done: 0, defect: 1, refused: 2, machine: 3, interrupted: 130 } as const;

export class Output {
  private progressLength = 0;

  constructor(
    readonly isJson: boolean,
    private readonly stdout: NodeJS.WriteStream,
    private readonly stderr: NodeJS.WriteStream,
  ) {}

  /** One object on one line; with `--json` the only thing on stdout. */
  record(value: object): void {
    if (this.isJson) this.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** A line for people; not printed with `--json`. Paths below the working folder are written from there. */
  line(text = ''): void {
    if (this.isJson) return;
    this.clearProgress();
    this.stdout.write(`${shortPaths(text)}\n`);
  }

  /** A folder alone on its line, whole, for scripts that go on with it; not printed with `--json`. */
  folder(dir: string): void {
    if (this.isJson) return;
    this.clearProgress();
    this.stdout.write(`${dir}\n`);
  }

  /** A remark that is not part of the result. */
  note(text: string): void {
    this.clearProgress();
    this.stderr.write(`${shortPaths(text)}\n`);
  }

  /** Text as it comes, without a line end. */
  text(text: string): void {
    if (!this.isJson) this.stdout.write(text);
  }

  /** A line that is replaced by the next one; only on a terminal. */
  progress(text: string): void {
    if (!this.stderr.isTTY) return;
    const shown = text.slice(0, Math.max(20, (this.stderr.columns ?? 80) - 1));
    this.stderr.write(`\r${shown.padEnd(this.progressLength)}`);
    this.progressLength = shown.length;
  }

  clearProgress(): void {
    if (this.progressLength > 0) this.stderr.write(`\r${' '.repeat(this.progressLength)}\r`);
    this.progressLength = 0;
  }
}

/** Text with the paths below `folder` written from there, as the person does who is in it. */
export function shortPaths(text: string, folder = process.cwd()): string {
  const whole = folder.endsWith(path.sep) ? folder : `${folder}${path.sep}`;
  if (whole === path.parse(whole).root) return text;
  return text.split(whole).reduce((done, next) => `${done}${isInsidePath(done) ? whole : ''}${next}`);
}

/** Whether what follows is no path of its own: one that began before goes on, or a text is quoted, which stays as it is. */
const isInsidePath = (before: string): boolean => /[\w.~/\\"-]$/.test(before);

export const bar = (fraction: number, width = 24): string => {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
};

/** Shows a step of long work, with a bar where it is known how much of it is done. */
export const progressOn =
  (out: Output) =>
  (message: string, fraction?: number): void =>
    out.progress(fraction === undefined ? message : `${bar(fraction)} ${message}`);

/** A refusal of the command line itself, in the form of all others: `--dtype: found f8; expected one of …`. */
export function refusedArgument(place: string, found: string, expected: string): KernelError {
  return KernelError.refused([{ file: place, severity: 'error', found, expected }]);
}

/** The only positional argument. */
export function oneArgument({ args }: CommandContext, what: string): string {
  const [first, ...rest] = args;
  if (first === undefined) throw refusedArgument('arguments', 'found none', `expected ${what}`);
  if (rest.length > 0) throw refusedArgument('arguments', `found also ${rest.join(' ')}`, `expected ${what} alone`);
  return first;
}

export function noArguments({ args }: Pick<CommandContext, 'args'>): void {
  if (args.length > 0) throw refusedArgument('arguments', `found ${args.join(' ')}`, 'expected options only');
}

export function stringOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function requiredOption(values: OptionValues, name: string): string {
  const value = stringOption(values, name);
  if (value === undefined) throw refusedArgument(`--${name}`, 'is missing', 'expected it with a value');
  return value;
}

export function listOption(values: OptionValues, name: string): readonly string[] {
  const value = values[name];
  return (Array.isArray(value) ? value : value === undefined ? [] : [value]).filter((v) => typeof v === 'string');
}

export function countOption(values: OptionValues, name: string, fallback: number): number {
  const text = stringOption(values, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw refusedArgument(`--${name}`, `found ${text}`, 'expected a whole number of at least 1');
}

/** A number that `isValid` accepts; `expected` says which those are. */
export function numberOption(
  values: OptionValues,
  name: string,
  expected: string,
  isValid: (value: number) => boolean,
): number | undefined {
  const text = stringOption(values, name);
  if (text === undefined) return undefined;
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value) && isValid(value)) return value;
  throw refusedArgument(`--${name}`, `found ${text}`, `expected ${expected}`);
}

/** Formats rows as columns; the first row is the heading. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((r) => r[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
