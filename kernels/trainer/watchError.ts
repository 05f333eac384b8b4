/** @file The failure with which the watchdog ends a run: what it saw, and what it did about it. */
import type { ErrorCode, Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { WatchKind } from '../protocol/types';

export class WatchError extends KernelError {
  constructor(
    readonly watch: WatchKind,
    /** What was done, as a sentence. */
    readonly action: string,
    code: ErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly problems?: readonly Problem[] } = {},
  ) {
    super(code, message, options);
  }
}
