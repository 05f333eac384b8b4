/** @file The one message layer, used twice: editor and kernel over a child process, page and editor over postMessage. */
import {
  CancellationTokenSource,
  ProgressToken,
  ProgressType,
  ResponseError,
  type CancellationToken,
  type Disposable,
  type MessageConnection,
} from 'vscode-jsonrpc';
import { KernelError, type ErrorCode, type Problem } from './errors';
import type { Progress } from './kernelApi';

/** What a client may ask (`calls`, one answer each) and hear (`events`). Params, results and handlers are derived from it. */
export interface Contract {
  readonly calls: object;
  readonly events: object;
}

export type Calls<C extends Contract> = keyof C['calls'] & string;
export type Params<C extends Contract, M extends Calls<C>> = C['calls'][M] extends (
  p: infer P extends object,
) => unknown
  ? P
  : never;
export type Result<C extends Contract, M extends Calls<C>> = C['calls'][M] extends (p: never) => infer R ? R : never;
export type Events<C extends Contract> = keyof C['events'] & string;

export interface CallContext {
  /** Aborted when the client cancels the call or goes away. */
  readonly signal: AbortSignal;
  /** Reports how far a long call is; nothing is sent when the client did not ask for progress. */
  readonly progress: (progress: Progress) => void;
}

/** A handler for every call of the contract; forgetting one does not compile. */
export type Handlers<C extends Contract> = {
  readonly [M in Calls<C>]: (
    params: Params<C, M>,
    context: CallContext,
  ) => Result<C, M> | Promise<Awaited<Result<C, M>>>;
};

/** Guards for messages from a side that is not trusted: a page. */
export type ParamGuards<C extends Contract> = {
  readonly [M in Calls<C>]: (params: unknown) => params is Params<C, M>;
};

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Client<C extends Contract> {
  /**
   * Asks the other side. Rejects with a KernelError: the other side's own (code and problems kept), `cancelled` after the
   * signal fired, or `kernel/exited` when the connection ends before the answer.
   */
  call<M extends Calls<C>>(method: M, params: Params<C, M>, options?: CallOptions): Promise<Result<C, M>>;
  on<E extends Events<C>>(event: E, listener: (payload: C['events'][E]) => void): Disposable;
}

export interface Server<C extends Contract> {
  emit<E extends Events<C>>(event: E, payload: C['events'][E]): void;
}

/** What crosses the border in the `data` of a JSON-RPC error. */
interface ErrorData {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
  /** Stack and causes on the other side, for the log. */
  readonly stack?: string;
}

/** JSON-RPC numbers: RequestCancelled of LSP for a cancelled call, the first server-defined number for all others. */
const RPC_CANCELLED = -32800;
const RPC_FAILED = -32000;

const progressType = new ProgressType<Progress>();
/** The key beside a call's own params that carries the token under which `$/progress` is sent. */
const PROGRESS_TOKEN = 'progressToken';

/** The client of a connection; the caller has made the connection and calls `listen()` on it. */
export function createClient<C extends Contract>(connection: MessageConnection): Client<C> {
  // The library leaves requests pending when the other side closes, so every wait is raced against the end.
  const waiting = new Set<(error: KernelError) => void>();
  let end: KernelError | undefined;
  onceOver(connection, () => {
    end = new KernelError('kernel/exited', 'The other side went away before it answered.');
    for (const reject of waiting) reject(end);
    waiting.clear();
  });
  let lastToken = 0;

  async function call<M extends Calls<C>>(method: M, params: Params<C, M>, options: CallOptions = {}) {
    const { signal, onProgress } = options;
    if (end) throw end;
    if (signal?.aborted) throw new KernelError('cancelled', `${method} was cancelled.`);
    const cancellation = new CancellationTokenSource();
    const cancel = () => cancellation.cancel();
    signal?.addEventListener('abort', cancel);
    const token = onProgress ? ++lastToken : undefined;
    const listener = onProgress && token ? connection.onProgress(progressType, token, onProgress) : undefined;
    let rejectAtEnd: (error: KernelError) => void = () => {};
    const over = new Promise<never>((_, reject) => waiting.add((rejectAtEnd = reject)));
    try {
      const sent = token ? { ...params, [PROGRESS_TOKEN]: token } : params;
      const answer = connection.sendRequest<Result<C, M>>(method, sent, cancellation.token);
      return await Promise.race([answer, over]);
    } catch (error) {
      throw fromWire(error, method);
    } finally {
      waiting.delete(rejectAtEnd);
      signal?.removeEventListener('abort', cancel);
      listener?.dispose();
      cancellation.dispose();
    }
  }

  return { call, on: (event, listener) => connection.onNotification(event, listener) };
}

/** Answers the calls of a contract on a connection. With `guards`, params that do not have the right shape are refused. */
export function serveCalls<C extends Contract>(
  connection: MessageConnection,
  handlers: Handlers<C>,
  guards?: ParamGuards<C>,
): Server<C> {
  const running = new Set<AbortController>();
  let isOver = false;
  onceOver(connection, () => {
    isOver = true;
    for (const controller of running) controller.abort();
  });

  for (const method of Object.keys(handlers) as Calls<C>[]) {
    connection.onRequest(method, async (received: unknown, cancellation: CancellationToken) => {
      const controller = new AbortController();
      running.add(controller);
      const subscription = cancellation.onCancellationRequested(() => controller.abort());
      if (cancellation.isCancellationRequested) controller.abort();
      try {
        const { token, params } = splitProgressToken(received);
        if (guards && !guards[method](params)) {
          throw new KernelError('internal', `${method}: the params do not have the shape that the protocol states.`);
        }
        // Cancelled before it began: a handler that waits for the signal to fire would wait for ever.
        controller.signal.throwIfAborted();
        const progress = (value: Progress) => {
          if (token !== undefined && !isOver) void connection.sendProgress(progressType, token, value);
        };
        return await handlers[method](params as Params<C, typeof method>, { signal: controller.signal, progress });
      } catch (error) {
        return toWire(error, method);
      } finally {
        subscription.dispose();
        running.delete(controller);
      }
    });
  }

  return createEmitter<C>(connection);
}

/** The events of a connection, for who needs them before its handlers are made. After the end, events are dropped. */
export function createEmitter<C extends Contract>(connection: MessageConnection): Server<C> {
  let isOver = false;
  onceOver(connection, () => (isOver = true));
  return {
    emit(event, payload) {
      if (!isOver) void connection.sendNotification(event, payload);
    },
  };
}

function onceOver(connection: MessageConnection, listener: () => void): void {
  let isOver = false;
  const fire = () => {
    if (!isOver) listener();
    isOver = true;
  };
  connection.onClose(fire);
  connection.onDispose(fire);
}

function splitProgressToken(received: unknown): { token: ProgressToken | undefined; params: object } {
  if (typeof received !== 'object' || received === null) {
    throw new KernelError('internal', `A call must have one object as its params, found ${typeof received}.`);
  }
  const { [PROGRESS_TOKEN]: token, ...params } = received as Record<string, unknown>;
  return { token: ProgressToken.is(token) ? token : undefined, params };
}

function toWire(error: unknown, method: string): ResponseError<ErrorData> {
  if (error instanceof KernelError) {
    const rpcCode = error.code === 'cancelled' ? RPC_CANCELLED : RPC_FAILED;
    return new ResponseError(rpcCode, error.message, {
      code: error.code,
      problems: error.problems,
      stack: stackOf(error),
    });
  }
  // What is thrown as the reason of an AbortSignal is a cancelled call, not a defect.
  if (error instanceof Error && error.name === 'AbortError') {
    return new ResponseError(RPC_CANCELLED, `${method} was cancelled.`, { code: 'cancelled', problems: [] });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ResponseError(RPC_FAILED, message, { code: 'internal', problems: [], stack: stackOf(error) });
}

function fromWire(error: unknown, method: string): KernelError {
  if (error instanceof KernelError) return error;
  if (!(error instanceof ResponseError)) {
    return new KernelError('kernel/exited', `${method} could not be sent: ${String(error)}`, { cause: error });
  }
  const { code = 'internal', problems = [], stack } = (error.data ?? {}) as Partial<ErrorData>;
  const cause = stack === undefined ? error : Object.assign(new Error(error.message), { stack });
  return new KernelError(code, error.message, { problems, cause });
}

/** With the causes, because only this text of them survives the trip. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\nCaused by: ${stackOf(error.cause)}`;
}
