/** @file The one log of the extension: levels from the editor, and a scope in front of each line. */

/** The part of the editor's LogOutputChannel that we write to. */
export interface Log {
  trace(message: string): void;
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The same log with `[scope]` before each message. */
export function scoped(log: Log, scope: string): Log {
  const prefix = (message: string) => `[${scope}] ${message}`;
  return {
    trace: (message) => log.trace(prefix(message)),
    debug: (message) => log.debug(prefix(message)),
    info: (message) => log.info(prefix(message)),
    warn: (message) => log.warn(prefix(message)),
    error: (message) => log.error(prefix(message)),
  };
}

/** Text of an error with its causes and stacks, for the log only. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\nCaused by: ${describeError(error.cause)}`;
}

/** A payload as it may appear in the log: shortened, because it can hold a whole document. */
export function shorten(payload: unknown, limit = 200): string {
  const text = JSON.stringify(payload) ?? '';
  return text.length <= limit ? text : `${text.slice(0, limit)}… (${text.length} characters)`;
}
