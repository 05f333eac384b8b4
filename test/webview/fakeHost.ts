/** @file A host for page tests: answers calls from a table of functions, keeps what was asked, and sends events when told. */
import type { Calls, Client, Contract, Events, Params, Result } from '../../kernels/protocol/channel';

type Answers<C extends Contract> = {
  readonly [M in Calls<C>]: (params: Params<C, M>) => Result<C, M> | Promise<Result<C, M>>;
};

export class FakeHost<C extends Contract> implements Client<C> {
  readonly calls: { readonly method: string; readonly params: unknown }[] = [];
  private readonly listeners = new Map<string, ((payload: never) => void)[]>();

  constructor(private readonly answers: Answers<C>) {}

  async call<M extends Calls<C>>(method: M, params: Params<C, M>): Promise<Result<C, M>> {
    this.calls.push({ method, params });
    await Promise.resolve();
    return this.answers[method](params);
  }

  on<E extends Events<C>>(event: E, listener: (payload: C['events'][E]) => void) {
    const listeners = this.listeners.get(event) ?? [];
    this.listeners.set(event, [...listeners, listener]);
    return { dispose: () => this.listeners.set(event, listeners) };
  }

  emit<E extends Events<C>>(event: E, payload: C['events'][E]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(payload as never);
  }

  paramsOf<M extends Calls<C>>(method: M): Params<C, M>[] {
    return this.calls.filter((call) => call.method === method).map((call) => call.params as Params<C, M>);
  }
}

/** The state that VS Code keeps for a page. */
export function fakeState(state: unknown = undefined) {
  return {
    getState: () => state,
    setState: (next: unknown) => {
      state = next;
    },
  };
}

/** Until promises that are already settled, and the updates they caused, are done. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
