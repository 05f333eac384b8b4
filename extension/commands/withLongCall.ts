/** @file A call of the engine that takes its time: progress in a notification, with a way to cancel. */
import { ProgressLocation, window } from 'vscode';
import type { CallOptions } from '../../kernels/protocol/channel';
import { toAbortSignal } from '../util/cancellation';

export async function withLongCall<T>(title: string, call: (options: CallOptions) => Promise<T>): Promise<T> {
  return window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, (view, token) => {
    let shown = 0;
    return call({
      signal: toAbortSignal(token),
      onProgress: ({ fraction, message }) => {
        // The editor counts in steps of percent, the engine says where it is.
        const percent = Math.max(shown, (fraction ?? 0) * 100);
        view.report({ message, increment: percent - shown });
        shown = percent;
      },
    });
  });
}
