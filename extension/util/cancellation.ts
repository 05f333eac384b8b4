/** @file The editor's edge of cancellation: inside, everything takes an AbortSignal. */
import type { CancellationToken } from 'vscode';

/** A signal that is aborted when the editor cancels the token. Lives as long as the token. */
export function toAbortSignal(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  else token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
