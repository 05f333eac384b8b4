/** @file Whether WebGPU can run here without a GPU: through SwiftShader, a Vulkan driver in software that comes with Chromium. */
import { existsSync } from 'node:fs';

/** Debian's chromium package; `npm test` names another one by VK_DRIVER_FILES where that is not installed. */
const debianDriver = '/usr/lib/chromium/vk_swiftshader_icd.json';

export type SoftwareVulkan =
  | { readonly kind: 'available'; readonly env: Readonly<Record<string, string>> }
  | { readonly kind: 'missing'; readonly reason: string };

/** The environment that a process needs before its first WebGPU session, or why there is none. */
export function softwareVulkan(): SoftwareVulkan {
  const driver = process.env.VK_DRIVER_FILES ?? debianDriver;
  if (!existsSync(driver))
    return { kind: 'missing', reason: `there is no ${driver}: npm test, or apt-get install chromium` };
  // The loader is a package of its own, libvulkan1: without it Dawn finds no adapter at all.
  const folders = [
    ...(process.env.LD_LIBRARY_PATH ?? '').split(':'),
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib64',
    '/usr/lib',
  ];
  if (!folders.some((folder) => existsSync(`${folder}/libvulkan.so.1`))) {
    return { kind: 'missing', reason: 'there is no libvulkan.so.1: npm test, or apt-get install libvulkan1' };
  }
  // XDG_RUNTIME_DIR only silences a complaint of the loader's windowing part.
  return {
    kind: 'available',
    env: { VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? '/tmp' },
  };
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
