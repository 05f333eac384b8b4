/**
 * @file A kernel for tests of the editor's side: the real connection, and answers that are made up. It is bundled and started
 * as a process by the tests. `run/stop` ends it as a crash would; `run/start` never answers.
 */
import { KernelError } from '../../kernels/protocol/errors';
import { PROTOCOL_VERSION } from '../../kernels/protocol/kernelApi';
import { parentPipe, serve, type KernelHandlers } from '../../kernels/server/serve';

/** What the tests ask; every other call is one that this kernel does not know. */
const answered: Partial<KernelHandlers> = {
  hello: () => ({
    version: process.env['FIXTURE_VERSION'] ? Number(process.env['FIXTURE_VERSION']) : PROTOCOL_VERSION,
    engine: `fixture ${process.pid}`,
    runtime: 'none',
  }),
  'config/check': ({ path, text }) => ({
    problems: text?.includes('wrong')
      ? [{ file: path, line: 2, column: 3, severity: 'error', found: 'wrong', expected: 'right' }]
      : [],
  }),
  'config/schema': () => ({ schema: { type: 'object', properties: {} } }),
  'run/start': (_, { signal }) =>
    new Promise((_, reject) =>
      signal.addEventListener('abort', () => reject(new KernelError('cancelled', 'not started'))),
    ),
  'run/resume': ({ run }) => ({ run }),
  'run/live': () => ({ runs: [] }),
  'run/stop': () => {
    process.stderr.write('about to crash\n');
    process.exit(7);
  },
  'models/list': () => ({ models: [] }),
  'devices/list': () => ({ devices: [] }),
  'adapter/merge': ({ out, dtype }, { progress }) => {
    progress({ fraction: 0.5, message: 'half' });
    return {
      out,
      dtype,
      changedTensors: 2,
      maxAbsLogitDifference: 1e-6,
      meanAbsLogitDifference: 1e-7,
      maxAbsLogit: 20,
      prompts: 2,
      positions: 30,
      warnings: [],
      seconds: 1,
    };
  },
  'adapter/convert': ({ out, dtype }) => ({
    out,
    dtype,
    method: 'DoRA',
    rank: 4,
    hasPatterns: false,
    modules: [],
    carried: [],
    maxAbsLogitDifference: 1e-6,
    meanAbsLogitDifference: 1e-7,
    maxAbsLogit: 20,
    prompts: 2,
    positions: 30,
    seconds: 1,
  }),
  'adapter/unmerge': ({ out }) => ({ out, changedTensors: 2, isVerified: true, warnings: [], seconds: 1 }),
};

const handlers = answered as KernelHandlers;

const pipe = parentPipe();
if (!pipe) throw new Error('start this as a child process with a message pipe');
void serve(
  ({ emit }) => {
    emit('log', { level: 'info', scope: 'fixture', message: 'ready' });
    return handlers;
  },
  pipe.reader,
  pipe.writer,
).then(() => process.exit(0));
