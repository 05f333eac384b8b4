/** @file Questions of the editor's language features to the engine: cancelled with the feature, and silent when they fail. */
import type { CancellationToken } from 'vscode';
import type { Calls, Params, Result } from '../../kernels/protocol/channel';
import type { KernelApi } from '../../kernels/protocol/kernelApi';
import type { KernelHost } from '../kernel/kernelHost';
import { toAbortSignal } from '../util/cancellation';
import { isCancelled } from '../util/failures';
import type { Log } from '../util/log';

export interface LanguageParts {
  readonly kernel: Pick<KernelHost, 'call'>;
  readonly log: Log;
}

/** The answer, or undefined when it was cancelled or failed: a person who types is not told, the log is. */
export async function languageCall<M extends Calls<KernelApi>>(
  { kernel, log }: LanguageParts,
  method: M,
  params: Params<KernelApi, M>,
  token: CancellationToken,
): Promise<Result<KernelApi, M> | undefined> {
  try {
    return await kernel.call(method, params, { signal: toAbortSignal(token) });
  } catch (error) {
    if (!isCancelled(error)) log.warn(`${method}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
