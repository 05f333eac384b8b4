/** @file The message layer over a pair of streams: answers, events, progress, cancelling, failing, dying. */
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { createMessageConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-jsonrpc/node';
import { createClient, serveCalls, type Handlers, type ParamGuards } from '../../../kernels/protocol/channel';
import { KernelError } from '../../../kernels/protocol/errors';

interface Sample {
  calls: {
    add(p: { a: number; b: number }): { sum: number };
    fail(p: { how: 'refused' | 'broken' | 'abort' }): void;
    wait(p: object): string;
    count(p: { to: number }): number;
  };
  events: { heard: { word: string } };
}

const problem = {
  file: 'a.yaml',
  line: 3,
  severity: 'error',
  found: 'r is 0',
  expected: 'a whole number from 1',
} as const;

let closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers) close();
  closers = [];
});

function pair(guards?: ParamGuards<Sample>) {
  const toServer = new PassThrough();
  const toClient = new PassThrough();
  const clientSide = createMessageConnection(new StreamMessageReader(toClient), new StreamMessageWriter(toServer));
  const serverSide = createMessageConnection(new StreamMessageReader(toServer), new StreamMessageWriter(toClient));
  let aborted = false;
  const handlers: Handlers<Sample> = {
    add: ({ a, b }) => ({ sum: a + b }),
    fail: ({ how }) => {
      if (how === 'refused') throw KernelError.refused([problem]);
      if (how === 'abort') throw AbortSignal.abort().reason;
      throw new TypeError('x is undefined', { cause: new Error('the first reason') });
    },
    wait: (_, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new KernelError('cancelled', 'stopped waiting'));
        }),
      ),
    count: ({ to }, { progress }) => {
      for (let i = 1; i <= to; i++) progress({ fraction: i / to, message: `${i}` });
      return to;
    },
  };
  const client = createClient<Sample>(clientSide);
  const server = serveCalls<Sample>(serverSide, handlers, guards);
  clientSide.listen();
  serverSide.listen();
  closers.push(() => {
    clientSide.dispose();
    serverSide.dispose();
  });
  return { client, server, clientSide, serverSide, toClient, wasAborted: () => aborted };
}

const failure = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KernelError);
  return error as KernelError;
};

describe('calls', () => {
  test('a call is answered', async () => {
    expect(await pair().client.call('add', { a: 2, b: 3 })).toEqual({ sum: 5 });
  });

  test('a refusal keeps its code and its problems', async () => {
    const error = await failure(pair().client.call('fail', { how: 'refused' }));
    expect(KernelError.is(error, 'input/refused')).toBe(true);
    expect(error.problems).toEqual([problem]);
    expect(error.message).toBe('a.yaml:3: r is 0; a whole number from 1');
  });

  test('a defect is internal and keeps the stack and the causes of the other side', async () => {
    const error = await failure(pair().client.call('fail', { how: 'broken' }));
    expect(error.code).toBe('internal');
    expect(error.message).toBe('x is undefined');
    expect((error.cause as Error).stack).toMatch(/TypeError: x is undefined[\s\S]*Caused by: Error: the first reason/);
  });

  test('what an aborted signal throws is a cancelled call', async () => {
    expect((await failure(pair().client.call('fail', { how: 'abort' }))).code).toBe('cancelled');
  });

  test('progress arrives in order, only where it is asked for', async () => {
    const { client } = pair();
    const seen: string[] = [];
    expect(await client.call('count', { to: 4 }, { onProgress: ({ message }) => seen.push(message) })).toBe(4);
    expect(seen).toEqual(['1', '2', '3', '4']);
    expect(await client.call('count', { to: 4 })).toBe(4);
    expect(seen).toHaveLength(4);
  });

  test('two calls at once keep their progress apart', async () => {
    const { client } = pair();
    const [a, b]: [string[], string[]] = [[], []];
    await Promise.all([
      client.call('count', { to: 2 }, { onProgress: ({ message }) => a.push(message) }),
      client.call('count', { to: 3 }, { onProgress: ({ message }) => b.push(message) }),
    ]);
    expect([a, b]).toEqual([
      ['1', '2'],
      ['1', '2', '3'],
    ]);
  });

  test('params of the wrong shape are refused before the handler runs', async () => {
    const is =
      <P>(check: (p: Record<string, unknown>) => boolean) =>
      (p: unknown): p is P =>
        check(p as Record<string, unknown>);
    const { client } = pair({
      add: is((p) => typeof p['a'] === 'number'),
      fail: is(() => true),
      wait: is(() => true),
      count: is(() => true),
    });
    const wrong = { a: 'two', b: 3 } as unknown as { a: number; b: number };
    expect((await failure(client.call('add', wrong))).message).toMatch(/shape/);
    expect(await client.call('add', { a: 1, b: 1 })).toEqual({ sum: 2 });
  });
});

describe('every wait ends', () => {
  test('a cancelled call aborts the handler and rejects as cancelled', async () => {
    const { client, wasAborted } = pair();
    const controller = new AbortController();
    const waiting = failure(client.call('wait', {}, { signal: controller.signal }));
    await client.call('add', { a: 1, b: 1 });
    controller.abort();
    expect((await waiting).code).toBe('cancelled');
    expect(wasAborted()).toBe(true);
  });

  test('a call that is cancelled before the other side has begun it rejects as cancelled', async () => {
    const controller = new AbortController();
    const waiting = failure(pair().client.call('wait', {}, { signal: controller.signal }));
    controller.abort();
    expect((await waiting).code).toBe('cancelled');
  });

  test('a call with an aborted signal is not sent', async () => {
    const error = await failure(pair().client.call('add', { a: 1, b: 1 }, { signal: AbortSignal.abort() }));
    expect(error.code).toBe('cancelled');
  });

  test('when the other side goes away, calls that wait and calls that come later reject', async () => {
    const { client, toClient } = pair();
    const waiting = failure(client.call('wait', {}));
    toClient.destroy();
    expect((await waiting).code).toBe('kernel/exited');
    expect((await failure(client.call('add', { a: 1, b: 1 }))).code).toBe('kernel/exited');
  });

  test('when the client goes away, its calls are aborted', async () => {
    const { client, clientSide, serverSide, wasAborted } = pair();
    void failure(client.call('wait', {}));
    await client.call('add', { a: 1, b: 1 });
    clientSide.dispose();
    serverSide.dispose();
    expect(wasAborted()).toBe(true);
  });
});

describe('events', () => {
  test('events arrive in order, and none after the end', async () => {
    const { client, server, serverSide } = pair();
    const words: string[] = [];
    client.on('heard', ({ word }) => words.push(word));
    server.emit('heard', { word: 'one' });
    server.emit('heard', { word: 'two' });
    await client.call('add', { a: 1, b: 1 });
    expect(words).toEqual(['one', 'two']);
    serverSide.dispose();
    expect(() => server.emit('heard', { word: 'three' })).not.toThrow();
  });
});
