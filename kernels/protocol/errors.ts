/** @file The one error type that crosses process borders. Its message says what was found, what was expected, what to do. */

export type ErrorCode =
  | 'cancelled'
  | 'kernel/exited'
  | 'input/refused'
  /** Refused unless the person says that it is meant: the call has a parameter for that. */
  | 'input/unconfirmed'
  | 'format/invalid'
  | 'adapter/unsupported'
  | 'model/unsupported'
  | 'machine/failed'
  | 'runtime/failed'
  | 'internal';

/** One thing that is wrong with a file the user gave. Lines and columns count from 1. */
export interface Problem {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  /** Key path inside a configuration, tensor name inside a weight file. */
  readonly where?: string;
  readonly severity: 'error' | 'warning';
  readonly found: string;
  readonly expected: string;
  /** Ways to put it right, the likeliest first; only for problems of a configuration. */
  readonly fixes?: readonly Fix[];
}

/** One way to put a problem right. */
export interface Fix {
  /** What it does, as the name of an action: `Change to learning_rate`. */
  readonly title: string;
  /** Made in this order, as one change. */
  readonly edits: readonly KeyEdit[];
}

/** A change of a configuration by key path, so that it fits the text as it is when it is made. */
export type KeyEdit =
  | { readonly kind: 'set'; readonly path: readonly (string | number)[]; readonly value: unknown }
  | { readonly kind: 'remove'; readonly path: readonly (string | number)[] }
  | { readonly kind: 'rename'; readonly path: readonly (string | number)[]; readonly key: string };

/** `path[:line]: [where: ]what was found; what was expected`: the form in which every refusal is printed. */
export function formatProblem(p: Problem): string {
  const place = p.line === undefined ? p.file : `${p.file}:${p.line}`;
  return `${place}: ${p.where ? `${p.where}: ` : ''}${p.found}; ${p.expected}`;
}

export class KernelError extends Error {
  override readonly name = 'KernelError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly options: { readonly cause?: unknown; readonly problems?: readonly Problem[] } = {},
  ) {
    super(message, { cause: options.cause });
  }

  get problems(): readonly Problem[] {
    return this.options.problems ?? [];
  }

  static is(error: unknown, code?: ErrorCode): error is KernelError {
    return error instanceof KernelError && (code === undefined || error.code === code);
  }

  /** Input that the user gave and we refuse: exit status 2. */
  static refused(problems: readonly Problem[]): KernelError {
    return new KernelError('input/refused', problems.map(formatProblem).join('\n'), { problems });
  }

  /** A file that breaks its format, with every mistake that was found: exit status 2. */
  static invalid(problems: readonly Problem[]): KernelError {
    return new KernelError('format/invalid', problems.map(formatProblem).join('\n'), { problems });
  }
}
