/** @file Devices as the program finds them: probed in processes of their own, each with a reason. */
import { expect, test } from 'vitest';
import type { DeviceReport } from '../../../kernels/protocol/types';
import { physicalCores, plainReason } from '../../../kernels/runtime/devices';
import { useEngine } from '../../support/engine';
import { softwareVulkan } from '../../support/webgpu';

const engine = useEngine();

/** An environment in which no Vulkan driver is found, whatever the machine has. */
const NO_DRIVER = { VK_DRIVER_FILES: '/nowhere.json', VK_ICD_FILENAMES: '/nowhere.json' };

async function devices(env: NodeJS.ProcessEnv): Promise<readonly DeviceReport[]> {
  const finished = await engine.start(['devices', '--json'], env).finished;
  expect(finished).toMatchObject({ status: 0, stderr: '' });
  return (finished.records()[0] as { devices: DeviceReport[] }).devices;
}

test('the CPU is usable with at least one core, and every other device says why it is or is not', async () => {
  const found = await devices(NO_DRIVER);
  expect(found.at(-1)).toEqual({ device: 'cpu', usable: true, reason: `${physicalCores()} cores` });
  expect(found.map((d) => d.device).sort()).toEqual(['coreml', 'cpu', 'cuda', 'dml', 'webgpu']);
  for (const { reason } of found) expect(reason).toMatch(/\S/);
});

test.runIf(process.platform === 'linux')('WebGPU without a driver is not usable', async () => {
  const webgpu = (await devices(NO_DRIVER)).find((d) => d.device === 'webgpu');
  expect(webgpu?.usable).toBe(false);
  expect(webgpu?.reason).not.toMatch(/no answer/);
});

const vulkan = softwareVulkan();
test.runIf(vulkan.kind === 'available')('WebGPU with a software driver is usable', async () => {
  const webgpu = (await devices(vulkan.kind === 'available' ? vulkan.env : {})).find((d) => d.device === 'webgpu');
  expect(webgpu).toMatchObject({ usable: true, reason: expect.stringContaining('a test gradient was right') });
});

test.each([
  [
    'the graph could not be compiled for webgpu: Error: /src/webgpu_context.cc:136 onnxruntime::webgpu::WebGpuContext::Initialize(const X&)::<lambda()> adapter_result.status == wgpu::Success was false. Failed to get a WebGPU adapter: No supported adapters',
    'Failed to get a WebGPU adapter: No supported adapters',
  ],
  [
    'the graph could not be compiled for cuda: Error: OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library',
    'its CUDA libraries are not installed',
  ],
  ['the result differs by 0.3', 'the result differs by 0.3'],
])('a reason is said without the place in the source: %s', (message, wanted) => {
  expect(plainReason(message)).toBe(wanted);
});
