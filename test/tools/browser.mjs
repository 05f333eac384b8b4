/**
 * @file The browser of the end-to-end tests and the software Vulkan driver of the WebGPU tests. Debian's packages chromium
 * and libvulkan1 have both; where they are not installed, the npm package @sparticuz/chromium in test/host does.
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { ensureHost } from './install.mjs';
import { root, say } from './process.mjs';

const packed = path.join(root, 'test/host/node_modules/@sparticuz/chromium/bin');
const unpacked = path.join(root, 'test/host/node_modules/.chromium');

const system = {
  chromium: '/usr/bin/chromium',
  driver: '/usr/lib/chromium/vk_swiftshader_icd.json',
  loaders: ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib64/libvulkan.so.1', '/usr/lib/libvulkan.so.1'],
};

/** @returns {Promise<Record<string, string>>} environment in which playwright.config.ts finds a browser */
export async function browserEnvironment() {
  if (process.env.CHROMIUM_PATH !== undefined) return {};
  if (existsSync(system.chromium)) return { CHROMIUM_PATH: system.chromium };
  await unpack();
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { CHROMIUM_FONTS: path.join(unpacked, 'fonts.conf') };
  return { CHROMIUM_PATH: path.join(unpacked, 'chromium'), CHROMIUM_LIBRARIES: path.join(unpacked, 'lib'), ...fonts };
}

/** @returns {Promise<Record<string, string>>} environment in which the WebGPU provider finds an adapter without a GPU */
export async function vulkanEnvironment() {
  if (process.env.VK_DRIVER_FILES !== undefined) return {};
  if (existsSync(system.driver) && system.loaders.some((file) => existsSync(file)))
    return { VK_DRIVER_FILES: system.driver };
  await unpack();
  // The loader is opened by its name, so its folder must be known when the process starts.
  const libraries = [unpacked, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return { VK_DRIVER_FILES: path.join(unpacked, 'vk_swiftshader_icd.json'), LD_LIBRARY_PATH: libraries };
}

async function unpack() {
  await ensureHost();
  if (existsSync(unpacked)) return;
  say('unpacking the browser ...');
  const folder = `${unpacked}.${process.pid}.tmp`;
  mkdirSync(folder);
  await decompress('chromium.br', path.join(folder, 'chromium'));
  for (const name of ['al2023', 'swiftshader', 'fonts']) {
    const archive = path.join(folder, `${name}.tar`);
    await decompress(`${name}.tar.br`, archive);
    execFileSync('tar', ['-xf', archive, '-C', folder, '--no-same-owner']);
    rmSync(archive);
  }
  // The one inside names folders of another machine.
  const fonts = path.join(unpacked, 'fonts');
  writeFileSync(
    path.join(folder, 'fonts.conf'),
    `<fontconfig><dir>${fonts}</dir><cachedir>${fonts}/cache</cachedir></fontconfig>\n`,
  );
  renameSync(folder, unpacked);
}

const decompress = (name, to) =>
  pipeline(createReadStream(path.join(packed, name)), createBrotliDecompress(), createWriteStream(to, { mode: 0o755 }));
