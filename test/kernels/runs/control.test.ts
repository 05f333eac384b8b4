/** @file The control socket of a run: who may use it, and that nothing of it stays behind. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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

test('rubbish on the socket harms nobody', async () => {
  const socket = await open();
  socket.write('GET / HTTP/1.1\r\n\r\n\0\0\0');
  socket.end();
  expect(await sendControl(run, 'stop')).toEqual({ step: 12 });
});

test('closing ends open connections and leaves neither file nor socket', async () => {
  const { address } = file();
  const socket = await open();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  control.close();
  await closed;
  expect(existsSync(run.file('control.json'))).toBe(false);
  if (process.platform !== 'win32') expect(existsSync(address)).toBe(false);
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
