/** @file The control socket of a run: who may use it, and that nothing of it stays behind. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KernelError } from '../../../kernels/protocol/errors';
import type { Control } from '../../../kernels/runs/control';
import { sendControl, serveControl } from '../../../kernels/runs/control';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { temporaryFolder } from '../../support/tinyModel';

const folder = temporaryFolder();
let run: RunFolder;
let control: Control;
let commands: string[];
let count = 0;

beforeEach(async () => {
  const dir = path.join(folder, `run-${count++}`);
  run = RunFolder.create(dir, {
    version: 1,
    name: 'test',
    created: 0,
    config_file: '',
    config: {},
    versions: {},
    device: { provider: 'cpu', threads: 1, reason: '' },
    digests: {},
    parameters: { base: 0, trainable: 0 },
    total_steps: 1,
    steps_per_epoch: 1,
  });
  commands = [];
  control = await serveControl(run, (command) => {
    commands.push(command);
    return Promise.resolve({ step: 12 });
  });
});
afterEach(() => control.close());

interface ControlFile {
  readonly address: string;
  readonly secret: string;
}
const file = (): ControlFile => JSON.parse(readFileSync(run.file('control.json'), 'utf8')) as ControlFile;

test('a command is answered with the step at which it took effect', async () => {
  expect(await sendControl(run, 'stop')).toEqual({ step: 12 });
  expect(commands).toEqual(['stop']);
});

test.skipIf(process.platform === 'win32')('the secret can be read by the owner only', () => {
  expect(statSync(run.file('control.json')).mode & 0o777).toBe(0o600);
});

test.each([
  ['another secret of the same length', (secret: string) => secret.replace(/./, (c) => (c === '0' ? '1' : '0'))],
  ['a shorter one', (secret: string) => secret.slice(1)],
  ['none', () => ''],
])('%s is refused and the connection closed', async (_, change) => {
  const { address, secret } = file();
  writeFileSync(run.file('control.json'), JSON.stringify({ address, secret: change(secret) }));
  const error: unknown = await sendControl(run, 'stop').catch((e: unknown) => e);
  expect(error).toBeInstanceOf(Error);
  expect(commands).toEqual([]);
  writeFileSync(run.file('control.json'), JSON.stringify({ address, secret }));
  expect(await sendControl(run, 'stop')).toEqual({ step: 12 });
});

test.skipIf(process.platform === 'win32')('the socket lies in a folder that only its owner may enter', () => {
  const { address } = file();
  expect(statSync(address).mode & 0o777).toBe(0o600);
  expect(statSync(address).isSocket()).toBe(true);
  expect(statSync(path.dirname(address)).mode & 0o777).toBe(0o700);
  expect(readdirSync(path.dirname(address))).toEqual([path.basename(address)]);
});

test('two runs have different addresses and secrets', async () => {
  const first = file();
  control.close();
  control = await serveControl(run, () => Promise.resolve({ step: 1 }));
  expect(file().address).not.toBe(first.address);
  expect(file().secret).not.toBe(first.secret);
  expect(file().secret).toMatch(/^[0-9a-f]{64}$/);
});

const message = (value: unknown): string => {
  const body = JSON.stringify(value);
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};
const request = (params: unknown): string => message({ jsonrpc: '2.0', id: 1, method: 'control', params });

test.each<readonly [string, string | Buffer]>([
  ['another protocol', 'GET / HTTP/1.1\r\n\r\n\0\0\0'],
  ['bytes', randomBytes(4000)],
  ['a header without a length', 'Content-Type: x\r\n\r\n{}'],
  ['a negative length', 'Content-Length: -5\r\n\r\n{}'],
  ['a length that is no number', 'Content-Length: many\r\n\r\n{}'],
  ['a body that is no JSON', 'Content-Length: 5\r\n\r\n{"a":'],
  ['a body that is no message', message([1, 2, null])],
  ['a request without params', message({ jsonrpc: '2.0', id: 1, method: 'control' })],
  ['params that are no object', request('stop')],
  ['a secret that is no text', request({ secret: { length: 64 }, command: 'stop' })],
  ['no secret', request({ command: 'stop' })],
  ['another method', message({ jsonrpc: '2.0', id: 1, method: 'shutdown', params: {} })],
])('%s on the socket harms nobody and does nothing', async (_, bytes) => {
  const socket = await open();
  socket.write(bytes);
  socket.end();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(commands).toEqual([]);
  expect(await sendControl(run, 'stop')).toEqual({ step: 12 });
});

test('a command that there is not is refused, with the right secret too', async () => {
  const { secret } = file();
  const socket = await open();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(request({ secret, command: 'delete' }));
  await closed;
  expect(commands).toEqual([]);
});

test.each([
  ['one message that is announced as larger than memory', 'Content-Length: 99999999999\r\n\r\n', 1],
  ['headers without end', 'X: y\r\n', 4000],
  ['many small messages', request({ secret: 'x'.repeat(64), command: 'stop' }), 400],
])('%s: the connection is cut off, and the run goes on', async (_, text, times) => {
  const socket = await open();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const filler = Buffer.alloc(64 * 1024, 0x20);
  socket.write(text.repeat(times));
  const more = setInterval(() => socket.destroyed || socket.write(filler), 1);
  await closed;
  clearInterval(more);
  expect(commands).toEqual([]);
  expect(await sendControl(run, 'stop')).toEqual({ step: 12 });
});

test.skipIf(process.platform === 'win32')(
  'the socket that a killed process left is removed by the next owner',
  async () => {
    const { address } = file();
    const left = readFileSync(run.file('control.json'));
    control.close();
    mkdirSync(path.dirname(address));
    writeFileSync(address, '');
    writeFileSync(run.file('control.json'), left);
    control = await serveControl(run, () => Promise.resolve({ step: 1 }));
    expect(existsSync(path.dirname(address))).toBe(false);
  },
);

test('a left file that names something else has nothing removed', async () => {
  control.close();
  const precious = path.join(folder, 'precious');
  mkdirSync(precious, { recursive: true });
  writeFileSync(path.join(precious, 's'), 'kept');
  writeFileSync(run.file('control.json'), JSON.stringify({ address: path.join(precious, 's'), secret: 'x' }));
  control = await serveControl(run, () => Promise.resolve({ step: 1 }));
  expect(readFileSync(path.join(precious, 's'), 'utf8')).toBe('kept');
});

test('closing ends open connections and leaves neither file nor socket', async () => {
  const { address } = file();
  const socket = await open();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  control.close();
  await closed;
  expect(existsSync(run.file('control.json'))).toBe(false);
  if (process.platform !== 'win32') expect(existsSync(path.dirname(address))).toBe(false);
});

test('a process that is gone is an error of the machine, with or without its file', async () => {
  const left = readFileSync(run.file('control.json'));
  control.close();
  const codeOf = async (): Promise<unknown> => {
    const error: unknown = await sendControl(run, 'stop').catch((e: unknown) => e);
    return KernelError.is(error) ? error.code : error;
  };
  expect(await codeOf()).toBe('machine/failed');
  writeFileSync(run.file('control.json'), left);
  expect(await codeOf()).toBe('machine/failed');
});

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(file().address, () => resolve(socket)).once('error', reject);
    socket.on('error', () => socket.destroy());
  });
}
