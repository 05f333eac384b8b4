/** @file Finds the software Vulkan driver that lets the WebGPU provider run without a GPU: SwiftShader, inside Debian's chromium package. */
import { existsSync } from 'node:fs';

const icdFiles = [
  process.env.VK_DRIVER_FILES, // the caller knows better
  '/usr/lib/chromium/vk_swiftshader_icd.json', // Debian
  '/opt/google/chrome/vk_swiftshader_icd.json',
].filter((file) => file !== undefined);

/** The loader, from Debian's libvulkan1: without it Dawn sees no adapter at all. */
const loaders = [
  '/lib/x86_64-linux-gnu/libvulkan.so.1',
  '/usr/lib/x86_64-linux-gnu/libvulkan.so.1',
  '/usr/lib/libvulkan.so.1',
];

export type SoftwareVulkan =
  | { readonly kind: 'available'; readonly env: Readonly<Record<string, string>> }
  | { readonly kind: 'missing'; readonly reason: string };

/** Whether WebGPU can run here without a GPU, and the environment a process needs for it before its first WebGPU session. */
export function softwareVulkan(): SoftwareVulkan {
  const icd = icdFiles.find((file) => existsSync(file));
  if (icd === undefined) return { kind: 'missing', reason: 'no vk_swiftshader_icd.json; apt-get install chromium' };
  if (!loaders.some((file) => existsSync(file)))
    return { kind: 'missing', reason: 'no libvulkan.so.1; apt-get install libvulkan1' };
  // XDG_RUNTIME_DIR only silences a complaint of the loader's windowing part.
  return { kind: 'available', env: { VK_DRIVER_FILES: icd, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? '/tmp' } };
}

/**
 * For `describe.skipIf(!useSoftwareVulkan())`: sets the environment of this process and returns true, or returns false where
 * there is no driver. With CI set that is an error: a test that silently does not run there is worth nothing.
 * Works in vitest's pool 'forks', where process.env is the process's own environment; call it before the first WebGPU session.
 */
export function useSoftwareVulkan(): boolean {
  const vulkan = softwareVulkan();
  if (vulkan.kind === 'available') {
    Object.assign(process.env, vulkan.env);
    return true;
  }
  if (process.env.CI) throw new Error(`WebGPU tests must run in CI: ${vulkan.reason}`);
  process.stderr.write(`SKIPPED, WebGPU tests: ${vulkan.reason}\n`);
  return false;
}
