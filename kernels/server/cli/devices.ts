/** @file `devices`: which devices work here, and why the others do not; and the probe that finds out. */
import { KernelError } from '../../protocol/errors';
import { probeDevices } from '../../runtime/devices';
import { checkDevice } from '../../runtime/probe';
import type { Device, WeightDtype } from '../../runtime/types';
import type { Command } from './command';
import { noArguments, table } from './command';

export const devicesCommand: Command = {
  name: 'devices',
  usage: '',
  summary: 'Lists the devices that can train here.',
  options: {},
  async run({ args, out }) {
    noArguments({ args });
    const devices = await probeDevices();
    out.record({ devices });
    out.line(
      table([['device', 'usable', 'reason'], ...devices.map((d) => [d.device, d.usable ? 'yes' : 'no', d.reason])]),
    );
  },
};

const DTYPES: readonly WeightDtype[] = ['f32', 'f16', 'bf16', 'nf4', 'fp4', 'int8'];
const DEVICES: readonly Device[] = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'];

export const probeDeviceCommand: Command = {
  name: 'probe-device',
  usage: 'DEVICE DTYPE…',
  summary: 'Runs a small graph on one device, with weights of each dtype.',
  options: {},
  isInternal: true,
  endsAtOnce: true,
  async run({ args: [name, ...rest], out }) {
    const device = DEVICES.find((d) => d === name);
    const dtypes = DTYPES.filter((d) => rest.includes(d));
    if (!device || dtypes.length === 0) {
      const expected = `expected one of ${DEVICES.join(', ')} and some of ${DTYPES.join(', ')}`;
      throw new KernelError('input/refused', `found ${[name, ...rest].join(' ')}; ${expected}`);
    }
    // Float32 first: whether the device works at all, before what it can read.
    for (const dtype of new Set<WeightDtype>(['f32', ...dtypes])) {
      try {
        out.line(await checkDevice(device, dtype));
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        const message = dtype === 'f32' ? why : `it cannot read ${dtype} weights (${why}); use a base model in F32`;
        throw new KernelError('machine/failed', message.replaceAll('\n', ' '), { cause });
      }
    }
  },
};
