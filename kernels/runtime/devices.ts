/**
 * @file Which devices work here. Each is tried in a process of its own that runs a small training graph and compares the
 * result, because a broken driver may hang or abort the process that asks it.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import { formatProblem, KernelError } from '../protocol/errors';
import type { DeviceReport } from '../protocol/types';
import type { Device, WeightDtype } from './types';

/** In the order in which `auto` prefers them; those that this system's build cannot have are left out. */
const CANDIDATES: readonly { readonly device: Device; readonly platforms: readonly NodeJS.Platform[] }[] = [
  { device: 'cuda', platforms: ['linux', 'win32'] },
  { device: 'webgpu', platforms: ['linux', 'win32', 'darwin'] },
  { device: 'dml', platforms: ['win32'] },
  { device: 'coreml', platforms: ['darwin'] },
];

const PROBE_TIMEOUT_MS = 60_000;

export interface ChosenDevice {
  readonly device: Device;
  readonly reason: string;
}

/** Tries every device. The CPU always works: without it nothing here would run. */
export async function probeDevices(
  weights: ReadonlySet<WeightDtype> = new Set(['f32']),
): Promise<readonly DeviceReport[]> {
  const probed: DeviceReport[] = [];
  for (const { device, platforms } of CANDIDATES) {
    probed.push(
      platforms.includes(process.platform)
        ? await probeDevice(device, weights)
        : { device, usable: false, reason: l10n.t('not available on {0}', process.platform) },
    );
  }
  return [...probed, { device: 'cpu', usable: true, reason: l10n.t('{0} cores', physicalCores()) }];
}

/** Where a device was asked for: a key of a configuration, or an option. */
export interface DevicePlace {
  readonly file: string;
  readonly where?: string;
}

/**
 * The device a configuration asks for, for a base model whose weights have these dtypes; `auto` takes the first that
 * works. Throws `machine/failed` at `place` for a named one that does not work.
 */
export async function chooseDevice(
  wanted: Device | 'auto',
  weights: ReadonlySet<WeightDtype>,
  place: DevicePlace,
): Promise<ChosenDevice> {
  if (wanted === 'cpu') return { device: 'cpu', reason: l10n.t('as configured') };
  if (wanted !== 'auto') {
    const { usable, reason } = await probeDevice(wanted, weights);
    if (usable) return { device: wanted, reason: l10n.t('as configured; {0}', reason) };
    const found = l10n.t('{0} does not work here ({1})', wanted, reason);
    const problem: Problem = { ...place, severity: 'error', found, expected: l10n.t('expected auto or cpu') };
    throw new KernelError('machine/failed', formatProblem(problem), { problems: [problem] });
  }
  const reports = await probeDevices(weights);
  const best = reports.find((r) => r.usable);
  const unusable = reports.filter((r) => !r.usable).map((r) => `${r.device}: ${r.reason}`);
  return { device: best?.device ?? 'cpu', reason: l10n.t('the fastest that works here ({0})', unusable.join('; ')) };
}

/** Runs the probe command of this program in a child process. */
async function probeDevice(device: Device, weights: ReadonlySet<WeightDtype>): Promise<DeviceReport> {
  const program = process.argv[1];
  if (!program) return { device, usable: false, reason: l10n.t('the program that probes devices was not found') };
  const child = spawn(process.execPath, [program, 'probe-device', device, ...weights], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_TIMEOUT_MS);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('error', (e) => {
      err += String(e);
      resolve([1, null]);
    });
    child.once('close', (c, s) => resolve([c, s]));
  });
  clearTimeout(timer);
  if (code === 0) return { device, usable: true, reason: lastLine(out) };
  const why =
    signal === 'SIGKILL'
      ? l10n.t('no answer in {0} s', PROBE_TIMEOUT_MS / 1000)
      : signal
        ? l10n.t('the driver ended the process ({0})', signal)
        : plainReason(lastLine(err));
  return { device, usable: false, reason: why || l10n.t('the provider could not be loaded') };
}

/** Physical cores this process may use: more threads than that make matrix products slower. */
export function physicalCores(): number {
  const available = availableParallelism();
  if (process.platform !== 'linux') return available;
  const cores = new Set<string>();
  for (let cpu = 0; cpu < 4096; cpu++) {
    try {
      cores.add(readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, 'utf8').trim());
    } catch {
      break;
    }
  }
  return cores.size > 0 ? Math.min(cores.size, available) : available;
}

/** What a person can use of a runtime's message: without the place in its source, the failed condition and the name of the call. */
export function plainReason(message: string): string {
  return message
    .replace(/^the graph could not be compiled for \w+: /, '')
    .replace(/^Error: /, '')
    .replace(/^.*\bwas false\.\s*/, '')
    .replace(/^\S*\.cc:\d+\s+\S+\s*/, '')
    .replace(
      /^OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library/,
      l10n.t('its CUDA libraries are not installed'),
    );
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.trim() ?? '';
