/**
 * @file `npm run package [-- --target linux-x64]`: the VSIX of one platform. Everything that ships is put into a scratch
 * folder first, so that nothing of the working tree gets in by accident and its dist/ stays as it is.
 */
import { createVSIX } from '@vscode/vsce';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildProduct } from '../../esbuild.mjs';
import { thirdPartyNotices } from './notices.mjs';
import { Refusal, root, say } from './process.mjs';

/** The platforms onnxruntime-node has a binary for. */
const targets = ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64', 'win32-arm64'];
const maxBytes = 35e6;

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
export const hostTarget = `${process.platform}-${process.arch}`;

/** Where `npm run package` puts the package of a platform. */
export const vsixPath = (target = hostTarget) =>
  path.join(root, 'dist', `${manifest.name}-${manifest.version}-${target}.vsix`);

/**
 * Makes the VSIX.
 * @param {readonly string[]} args `--target PLATFORM-ARCH`, default this machine's
 * @returns {Promise<number>} 0, or an error is thrown
 */
export async function packageExtension(args) {
  const target = args[0] === '--target' ? args[1] : hostTarget;
  if (!targets.includes(target) || args.length > 2 || (args.length > 0 && args[0] !== '--target')) {
    throw new Refusal(
      `npm run package -- [--target ${targets.join(' | ')}]: cannot package for ${args.join(' ') || target}`,
    );
  }
  const stage = mkdtempSync(path.join(tmpdir(), 'adapter-studio-package-'));
  try {
    await stageExtension(stage, target);
    const packagePath = vsixPath(target);
    mkdirSync(path.dirname(packagePath), { recursive: true });
    await createVSIX({
      cwd: stage,
      target,
      packagePath,
      dependencies: false,
      rewriteRelativeLinks: false,
      allowMissingRepository: true,
    });
    const bytes = statSync(packagePath).size;
    if (bytes > maxBytes)
      throw new Refusal(`${packagePath} has ${megabytes(bytes)}, the limit is ${megabytes(maxBytes)}`);
    say(`${path.relative(root, packagePath)}: ${megabytes(bytes)}`);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  return 0;
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** Fills `stage` with the extension as it ships. For this machine's platform it also checks that the native library loads. */
export async function stageExtension(stage, target = hostTarget) {
  const metafiles = await buildProduct({ outDir: path.join(stage, 'dist'), isPackage: true });
  for (const name of ['README.md', 'LICENSE', '.vscodeignore']) cpSync(path.join(root, name), path.join(stage, name));
  // What the editor's own files name; absent ones are the manifest check's business.
  for (const name of ['media', ...readdirSync(root).filter((file) => /^package\.nls.*\.json$/.test(file))]) {
    cpSync(path.join(root, name), path.join(stage, name), { recursive: true });
  }
  copyOnnxruntime(path.join(stage, 'dist/node_modules'), target);
  writeFileSync(
    path.join(stage, 'ThirdPartyNotices.txt'),
    thirdPartyNotices(metafiles, ['onnxruntime-node', 'onnxruntime-common']),
  );
  writeFileSync(path.join(stage, 'package.json'), `${JSON.stringify(shippedManifest(), null, 2)}\n`);
  if (target === hostTarget) checkNativeLibrary(path.join(stage, 'dist/kernel.js'));
}

/** Without what only this repository needs: the packages are in the bundles. */
function shippedManifest() {
  const ours = ['scripts', 'dependencies', 'devDependencies', 'overrides', 'bin', 'private'];
  return Object.fromEntries(Object.entries(manifest).filter(([key]) => !ours.includes(key)));
}

/** The part of onnxruntime-node that one platform needs, beside the bundle that loads it. */
function copyOnnxruntime(nodeModules, target) {
  const [platform, arch] = target.split('-');
  const copy = (place, filter = () => true) => {
    cpSync(path.join(root, 'node_modules', place), path.join(nodeModules, place), { recursive: true, filter });
  };
  const isNeeded = (file) => !/\.(map|d\.ts|md)$/.test(file);
  copy('onnxruntime-node/package.json');
  copy('onnxruntime-node/dist', isNeeded);
  // macOS: a second copy of the library under its full version, which nothing loads.
  copy(
    `onnxruntime-node/bin/napi-v6/${platform}/${arch}`,
    (file) => !/libonnxruntime\.\d+\.\d+\.\d+\.dylib$/.test(file),
  );
  copy('onnxruntime-common/package.json');
  copy('onnxruntime-common/dist/cjs', isNeeded);
}

function checkNativeLibrary(kernel) {
  const script = `const ort = require('node:module').createRequire(process.argv[1])('onnxruntime-node');
    process.stdout.write(ort.listSupportedBackends().map((b) => b.name).join(' '));`;
  const backends = execFileSync(process.execPath, ['-e', script, kernel], { encoding: 'utf8' });
  if (!backends.split(' ').includes('cpu'))
    throw new Refusal(`the packaged onnxruntime has no CPU backend, only: ${backends}`);
}
