/** @file Keeps the interactive kernel: started on first use, restarted after a crash with a pause, given up after a few. */
import { l10n } from 'vscode';
import type { CallOptions, Calls, Params, Result } from '../../kernels/protocol/channel';
import { KernelError } from '../../kernels/protocol/errors';
import { PROTOCOL_VERSION, type KernelApi } from '../../kernels/protocol/kernelApi';
import { Owner } from '../util/disposables';
import { shorten, type Log } from '../util/log';
import type { KernelConnection } from './kernelConnection';
import type { KernelProcess } from './processTransport';

export type KernelState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly engine: string; readonly runtime: string }
  | { readonly kind: 'crashed'; readonly reason: string; readonly canRestart: boolean };

export interface KernelHostOptions {
  readonly launch: () => KernelProcess | Promise<KernelProcess>;
  readonly log: Log;
  /** Rejects when a call may not be made now. */
  readonly admit?: (method: Calls<KernelApi>) => Promise<void>;
  /** Called when the kernel has crashed so often that it is not started again by itself. */
  readonly onGivenUp: (reason: string) => void;
  /** Pauses before the first, second, ... restart; their number is the number of restarts. */
  readonly restartPausesMs?: readonly number[];
  readonly helloTimeoutMs?: number;
}

interface Running extends KernelConnection {
  readonly process: KernelProcess;
}

/** A kernel that lived this long was healthy: an earlier crash does not count against it. */
const HEALTHY_MS = 120_000;

export class KernelHost extends Owner {
  private current: KernelState = { kind: 'stopped' };
  private starting: Promise<Running> | undefined;
  private running: Running | undefined;
  private crashes = 0;
  private startedAt = 0;
  private isDisposed = false;
  private readonly pausesMs: readonly number[];

  constructor(private readonly options: KernelHostOptions) {
    super();
    this.pausesMs = options.restartPausesMs ?? [500, 2_000, 8_000];
  }

  get state(): KernelState {
    return this.current;
  }

  /** Asks the kernel, starting it when needed. Rejects with a KernelError, `kernel/exited` when it cannot be had. */
  async call<M extends Calls<KernelApi>>(
    method: M,
    params: Params<KernelApi, M>,
    options: CallOptions = {},
  ): Promise<Result<KernelApi, M>> {
    await this.options.admit?.(method);
    const { client } = this.running ?? (await (this.starting ??= this.start()));
    const { log } = this.options;
    log.trace(`-> ${method} ${shorten(params)}`);
    try {
      const result = await client.call(method, params, options);
      log.trace(`<- ${method} ${shorten(result)}`);
      return result;
    } catch (error) {
      log.trace(`<- ${method} failed: ${error instanceof Error ? error.message : String(error)}`);
      throw this.withReason(error, method);
    }
  }

  /** Ends the kernel and forgets past crashes; the next call starts a fresh one. */
  restart(): void {
    this.stop();
    this.crashes = 0;
    this.current = { kind: 'stopped' };
  }

  override dispose(): void {
    this.isDisposed = true;
    this.stop();
    super.dispose();
  }

  private async start(): Promise<Running> {
    try {
      await this.pauseAfterCrash();
      if (this.isDisposed) throw new KernelError('kernel/exited', l10n.t('The editor is closing.'));
      this.current = { kind: 'starting' };
      this.startedAt = Date.now();
      return await this.launch();
    } catch (error) {
      if (this.current.kind === 'starting') this.current = { kind: 'stopped' };
      throw error;
    } finally {
      this.starting = undefined;
    }
  }

  private async launch(): Promise<Running> {
    const { log } = this.options;
    const { connectKernel } = await import('./kernelConnection');
    const process = await this.options.launch();
    const running: Running = { ...connectKernel(process), process };
    const { connection } = running;
    running.client.on('log', ({ level, scope, message }) => log[level](`${scope}: ${message}`));
    // A broken pipe is followed by the end of the process, which is where it is handled.
    connection.onError(([error]) => log.debug(`pipe: ${error.message}`));
    connection.listen();
    void process.exited.then((reason) => this.onExit(running, reason));
    try {
      const { engine, runtime } = await this.hello(running);
      this.running = running;
      this.current = { kind: 'running', engine, runtime };
      log.info(`Engine ${engine} is ready after ${Date.now() - this.startedAt} ms; runtime ${runtime}`);
      return running;
    } catch (error) {
      process.kill();
      throw this.withReason(error, 'hello');
    }
  }

  private async pauseAfterCrash(): Promise<void> {
    if (this.current.kind !== 'crashed') return;
    const pauseMs = this.pausesMs[this.crashes - 1];
    if (pauseMs === undefined) {
      throw new KernelError(
        'kernel/exited',
        l10n.t(
          'The engine stopped {0} times ({1}) and is not started again by itself. See the log, then run "Adapter Studio: Restart Engine".',
          this.crashes,
          this.current.reason,
        ),
      );
    }
    this.options.log.info(`Restarting the engine in ${pauseMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }

  private async hello({ client }: Running): Promise<{ engine: string; runtime: string }> {
    const timeoutMs = this.options.helloTimeoutMs ?? 60_000;
    const timeout = AbortSignal.timeout(timeoutMs);
    const late = new Promise<never>((_, reject) =>
      timeout.addEventListener('abort', () =>
        reject(
          new KernelError(
            'kernel/exited',
            l10n.t('The engine did not answer within {0} s of its start.', timeoutMs / 1000),
          ),
        ),
      ),
    );
    const answer = await Promise.race([client.call('hello', { version: PROTOCOL_VERSION }), late]);
    if (answer.version === PROTOCOL_VERSION) return answer;
    throw new KernelError(
      'kernel/exited',
      l10n.t(
        'The engine speaks protocol {0}, the editor part speaks {1}. Reinstall the extension.',
        answer.version,
        PROTOCOL_VERSION,
      ),
    );
  }

  private onExit(which: Running, reason: string): void {
    which.connection.dispose();
    if (this.running !== which && this.current.kind !== 'starting') return;
    this.running = undefined;
    this.crashes = Date.now() - this.startedAt > HEALTHY_MS ? 1 : this.crashes + 1;
    const canRestart = this.crashes <= this.pausesMs.length;
    this.current = { kind: 'crashed', reason, canRestart };
    this.options.log.error(`The engine stopped: ${reason}`);
    if (!canRestart) this.options.onGivenUp(reason);
  }

  private stop(): void {
    const { running } = this;
    this.running = undefined;
    this.current = { kind: 'stopped' };
    running?.connection.dispose();
    running?.process.kill();
  }

  /** The channel only knows that the other side went away; the exit status is known here a moment later. */
  private withReason(error: unknown, method: string): unknown {
    if (!KernelError.is(error, 'kernel/exited') || this.current.kind !== 'crashed') return error;
    const message = l10n.t(
      'The engine stopped ({0}) before it answered {1}. See the log.',
      this.current.reason,
      method,
    );
    return new KernelError('kernel/exited', message, { cause: error });
  }
}
