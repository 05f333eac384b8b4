/** @file The interactive kernel as the editor uses it: a real process, the real channel, detached runs. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { createClient, type Client } from '../../../kernels/protocol/channel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { KernelApi, Progress } from '../../../kernels/protocol/kernelApi';
import { PROTOCOL_VERSION } from '../../../kernels/protocol/kernelApi';
import type { RunState, TrainRecord } from '../../../kernels/protocol/types';
import { isAlive } from '../../../kernels/runs/processes';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();

let client: Client<KernelApi>;
let kernel: {
  readonly kill: (signal: NodeJS.Signals) => void;
  readonly exited: Promise<NodeJS.Signals | number | null>;
};
beforeEach(() => {
  const child = spawn(process.execPath, [engine.program, 'serve'], {
    env: engine.env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  client = createClient<KernelApi>(connection);
  connection.onError(() => undefined);
  connection.listen();
  const exited = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.once('exit', (code, signal) => {
      connection.dispose();
      resolve(signal ?? code);
    }),
  );
  kernel = { exited, kill: (signal) => void child.kill(signal) };
});
afterEach(async () => {
  kernel.kill('SIGKILL');
  await kernel.exited;
});

const state = (run: string): RunState => JSON.parse(readFileSync(path.join(run, 'state.json'), 'utf8')) as RunState;
const ended = (run: string): Promise<void> =>
  vi.waitFor(() => expect(['finished', 'stopped', 'failed']).toContain(state(run).status), { timeout: 40_000 });
const gone = (run: string): Promise<void> =>
  vi.waitFor(() => expect(isAlive(state(run).pid, state(run).heartbeat)).toBe(false), { timeout: 10_000 });
const trainedSteps = (run: string): number[] =>
  readRecords<TrainRecord>(path.join(run, 'metrics.jsonl')).flatMap((m) => (m.kind === 'train' ? [m.step] : []));
const refusal = async (promise: Promise<unknown>): Promise<KernelError> => {
  const error: unknown = await promise.catch((e: unknown) => e);
  if (KernelError.is(error)) return error;
  throw new Error(`not refused: ${JSON.stringify(error)}`);
};

test('the first call says versions, and refuses another protocol', async () => {
  expect(await client.call('hello', { version: PROTOCOL_VERSION })).toMatchObject({
    version: PROTOCOL_VERSION,
    runtime: expect.stringMatching(/^onnxruntime-node \d/),
  });
  expect((await refusal(client.call('hello', { version: 0 }))).message).toContain('reload the window');
});

test('a configuration is checked as it stands in the editor, with the place of each mistake', async () => {
  const file = fixture.config('checked');
  const { problems, summary } = await client.call('config/check', { path: file });
  expect(problems).toEqual([]);
  expect(summary).toEqual({
    trainableParameters: 1536,
    baseParameters: 12_944,
    adaptedModules: 14,
    linearModules: 14,
    method: 'lora',
    modelType: 'llama',
  });
  const text = readFileSync(file, 'utf8')
    .replace('r: 3', 'r: 3\n  target_modules: [c_attn]')
    .replace('max_length: 64', 'max_length: 640');
  const again = await client.call('config/check', { path: file, text });
  expect(again.problems.map(({ line, where }) => ({ line, where }))).toEqual([
    { line: 6, where: 'data.max_length' },
    { line: 10, where: 'adapter.target_modules.0' },
  ]);
  expect(again.summary).toBeUndefined();
});

describe('a run', () => {
  test('is detached: it goes on when the kernel is killed, and can be stopped and resumed by another', async () => {
    const { run } = await client.call('run/start', {
      config: fixture.config('detached', { training: { max_steps: 60 } }),
    });
    expect(state(run).status).toBe('running');
    kernel.kill('SIGKILL');
    await kernel.exited;
    await vi.waitFor(() => expect(trainedSteps(run).length).toBeGreaterThan(2), { timeout: 20_000 });
    expect(isAlive(state(run).pid, state(run).heartbeat)).toBe(true);
    // Here by the command line; the next test asks the kernel.
    const stopped = await engine.run('stop', run, '--json');
    expect(stopped.records()[0]).toEqual({ run, step: state(run).step });
    await gone(run);
    expect((await engine.run('resume', run)).status).toBe(0);
    expect(trainedSteps(run)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });

  test('is stopped and resumed by calls, and each of its steps is there once', async () => {
    const { run } = await client.call('run/start', {
      config: fixture.config('resumed', { training: { max_steps: 60 } }),
    });
    await vi.waitFor(() => expect(trainedSteps(run).length).toBeGreaterThan(1), { timeout: 20_000 });
    const { step } = await client.call('run/stop', { run });
    expect(state(run)).toMatchObject({ status: 'stopped', step });
    await gone(run);
    // Whoever asks once more hears the same.
    expect(await client.call('run/stop', { run })).toEqual({ step });
    expect(await client.call('run/resume', { run })).toEqual({ run });
    expect(['running', 'finished']).toContain(state(run).status);
    await ended(run);
    expect(state(run)).toMatchObject({ status: 'finished', step: 60 });
    expect(trainedSteps(run)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
    expect((await refusal(client.call('run/resume', { run }))).message).toContain('finished');
  });

  test('is tried from its latest checkpoint while it trains: text comes bit by bit, and no step is lost', async () => {
    const config = fixture.config('tried', { training: { max_steps: 100_000, save_steps: 5 } });
    const { run } = await client.call('run/start', { config });
    const checkpoint = path.join(run, 'checkpoints/step-000005');
    await vi.waitFor(() => expect(existsSync(checkpoint)).toBe(true), { timeout: 20_000 });
    const prompt = { kind: 'text', text: 'a' } as const;
    const request = { base: fixture.model, adapter: checkpoint, prompt, maxNewTokens: 40, isBesideRun: true };
    const heard: string[] = [];
    const onProgress = ({ text = '' }: Progress): void => void (text !== '' && heard.push(text));
    const written = await client.call('generate/write', request, { onProgress });
    expect(state(run).status).toBe('running');
    expect(heard.length).toBeGreaterThan(1);
    expect(heard.join('')).toBe(written.text);
    const { step } = await client.call('run/stop', { run });
    expect(trainedSteps(run)).toEqual(Array.from({ length: step }, (_, i) => i + 1));
    await gone(run);
    expect(await client.call('generate/write', request)).toMatchObject({ text: written.text });
  });

  test('that is refused leaves no folder and says every problem', async () => {
    const config = fixture.config('refused', { output: 'none', adapter: { target_modules: ['nothing'] } });
    const error = await refusal(client.call('run/start', { config }));
    expect(error.problems).toEqual([expect.objectContaining({ file: config, where: 'adapter.target_modules.0' })]);
    expect(existsSync(path.join(fixture.folder, 'none'))).toBe(false);
  });

  test('whose data changed before it was resumed fails with the reason, and keeps its checkpoint', async () => {
    const data = path.join(fixture.folder, 'changing.jsonl');
    writeFileSync(data, readFileSync(fixture.trainFile));
    const changes = { data: { train: data }, training: { max_steps: 60 } };
    const { run } = await client.call('run/start', { config: fixture.config('changing', changes) });
    const { step } = await client.call('run/stop', { run });
    writeFileSync(data, '{"prompt":"a","completion":"b"}\n');
    const error = await refusal(client.call('run/resume', { run }));
    expect(error.message).toContain('the training data changed since the run was started');
    expect(state(run)).toMatchObject({ status: 'failed', step, error: error.message });
    writeFileSync(data, readFileSync(fixture.trainFile));
    await client.call('run/resume', { run });
    await ended(run);
    expect(trainedSteps(run)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
  });
});

test('a request to end the kernel ends it', async () => {
  await client.call('hello', { version: PROTOCOL_VERSION });
  kernel.kill('SIGTERM');
  expect(await kernel.exited).toBe('SIGTERM');
});
