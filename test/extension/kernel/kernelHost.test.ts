/** @file The engine as a child process: started when needed, restarted after a crash, given up when it keeps crashing. */
import { build } from 'esbuild';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KernelHost } from '../../../extension/kernel/kernelHost';
import { launchKernel, type KernelProcess } from '../../../extension/kernel/processTransport';
import type { Log } from '../../../extension/util/log';
import { KernelError } from '../../../kernels/protocol/errors';

let folder: string;
let kernelFile: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'fixture-kernel-'));
  kernelFile = path.join(folder, 'kernel.js');
  const entryPoints = [path.resolve('test/support/fixtureKernel.ts')];
  await build({ entryPoints, bundle: true, platform: 'node', format: 'cjs', outfile: kernelFile, logLevel: 'error' });
});
afterAll(() => rmSync(folder, { recursive: true }));

let launched: KernelProcess[];
let output: string[];
let givenUp: string[];
let logged: string[];
let host: KernelHost;

beforeEach(() => {
  launched = [];
  output = [];
  givenUp = [];
  logged = [];
  host = makeHost();
});
afterEach(async () => {
  host.dispose();
  await Promise.all(launched.map((process) => process.exited));
});

function makeHost() {
  const keep = (message: string) => logged.push(message);
  const log: Log = { trace: keep, debug: keep, info: keep, warn: keep, error: keep };
  return new KernelHost({
    launch: () => {
      const process = launchKernel(kernelFile, (line) => output.push(line));
      launched.push(process);
      return process;
    },
    log,
    onGivenUp: (reason) => givenUp.push(reason),
    restartPausesMs: [1, 1],
  });
}

const failure = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(KernelError);
  return error as KernelError;
};

describe('the kernel', () => {
  test('is not started before it is needed, and once for calls that come together', async () => {
    expect(launched).toHaveLength(0);
    expect(host.state).toEqual({ kind: 'stopped' });
    const calls = [host.call('config/schema', {}), host.call('models/list', { folders: [] })];
    expect(await Promise.all(calls)).toEqual([{ schema: expect.any(Object) }, { models: [] }]);
    expect(launched).toHaveLength(1);
    expect(host.state).toMatchObject({ kind: 'running', runtime: 'none' });
    expect(logged).toContain('fixture: ready');
  });

  test('reports progress', async () => {
    const seen: string[] = [];
    const params = { base: 'b', adapter: 'a', out: 'o', dtype: 'keep' } as const;
    await host.call('adapter/merge', params, { onProgress: ({ message }) => seen.push(message) });
    expect(seen).toEqual(['half']);
  });

  test('a call can be cancelled', async () => {
    await host.call('config/schema', {});
    const controller = new AbortController();
    const call = failure(host.call('run/start', { config: 'a.adapter.yaml' }, { signal: controller.signal }));
    controller.abort();
    expect((await call).code).toBe('cancelled');
  });

  test('a crash fails the call with its reason, and the next call starts a new process', async () => {
    const error = await failure(host.call('run/stop', { run: '/r' }));
    expect(error.code).toBe('kernel/exited');
    expect(error.message).toMatch(/exit status 7.*run\/stop/);
    expect(host.state).toMatchObject({ kind: 'crashed', canRestart: true });
    expect(output).toContain('about to crash');
    expect(await host.call('models/list', { folders: [] })).toEqual({ models: [] });
    expect(launched).toHaveLength(2);
    expect(givenUp).toEqual([]);
  });

  test('is given up after as many crashes as there are pauses, and comes back when it is asked for', async () => {
    for (let crash = 0; crash < 3; crash++) await failure(host.call('run/stop', { run: '/r' }));
    expect(givenUp).toEqual(['exit status 7']);
    expect((await failure(host.call('models/list', { folders: [] }))).message).toMatch(/Restart Engine/);
    expect(launched).toHaveLength(3);
    host.restart();
    expect(await host.call('models/list', { folders: [] })).toEqual({ models: [] });
  });

  test('that speaks another protocol is refused with both versions', async () => {
    process.env['FIXTURE_VERSION'] = '99';
    try {
      expect((await failure(host.call('models/list', { folders: [] }))).message).toMatch(/protocol 99.*speaks \d+\./);
    } finally {
      delete process.env['FIXTURE_VERSION'];
    }
  });

  test('that is missing is said to be missing', async () => {
    kernelFile = path.join(folder, 'nowhere.js');
    try {
      expect((await failure(host.call('models/list', { folders: [] }))).message).toMatch(
        /engine is missing.*nowhere\.js/,
      );
    } finally {
      kernelFile = path.join(folder, 'kernel.js');
    }
  });

  test('ends when the editor goes away', async () => {
    await host.call('config/schema', {});
    host.dispose();
    expect(await launched[0]!.exited).toBeTruthy();
    expect((await failure(host.call('config/schema', {}))).code).toBe('kernel/exited');
  });
});
