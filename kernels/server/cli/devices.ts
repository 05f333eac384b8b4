/** @file `devices`: which devices work here, and why the others do not; and the probe that finds out. */
import { KernelError } from '../../protocol/errors';
import { probeDevices } from '../../runtime/devices';
import { checkDevice } from '../../runtime/probe';
import type { Device } from '../../runtime/types';
import type { Command } from './command';
import { oneArgument, table } from './command';

export const devicesCommand: Command = {
  name: 'devices',
  usage: '',
  summary: 'Lists the devices that can train here.',
  options: {},
  async run({ out }) {
    const devices = await probeDevices();
    out.record({ devices });
    out.line(
      table([['device', 'usable', 'reason'], ...devices.map((d) => [d.device, d.usable ? 'yes' : 'no', d.reason])]),
    );
  },
};

const DEVICES: readonly Device[] = ['cpu', 'webgpu', 'cuda', 'dml', 'coreml'];

export const probeDeviceCommand: Command = {
  name: 'probe-device',
  usage: 'DEVICE',
  summary: 'Runs a small graph on one device.',
  options: {},
  isInternal: true,
  async run(context) {
    const name = oneArgument(context, 'a device');
    const device = DEVICES.find((d) => d === name);
    if (!device) throw new KernelError('input/refused', `found ${name}; expected one of ${DEVICES.join(', ')}`);
    context.out.line(await checkDevice(device));
  },
};
