/** @file Makes the bundles. `node esbuild.mjs [--watch]` makes dist/; the development commands in test/tools call the functions. */
import * as esbuild from 'esbuild';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as yaml from 'yaml';

const root = path.dirname(fileURLToPath(import.meta.url));

const common = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
};
// VS Code 1.100 runs Node 20 and Chromium 132.
const node = { ...common, platform: 'node', format: 'cjs', target: 'node20' };
// One self-contained script a page: a nonce in the page's CSP does not reach the imports of a module script.
const page = { ...common, platform: 'browser', format: 'iife', target: 'chrome132', loader: { '.ttf': 'file' } };

/**
 * Packages of the editor host that lie beside its bundle and are read when they are first needed, as nothing that activation registers
 * needs them: half of the time it takes would go to them. `functions`: what a package exports, where files that are loaded at once
 * import it; of such a package only functions can be imported.
 */
const later = [
  { name: 'yaml', out: 'lib/yaml', entry: 'node_modules/yaml/dist/index.js', functions: functionsOf(yaml) },
  { name: 'vscode-jsonrpc', out: 'lib/jsonrpc', entry: 'node_modules/vscode-jsonrpc/lib/node/main.js' },
];

/** @type {esbuild.Plugin} */
const readLater = {
  name: 'read-later',
  setup(build) {
    for (const { name, out, functions } of later) {
      const file = `./${out}.js`;
      const filter = new RegExp(`^${name}(/node)?$`);
      build.onResolve({ filter }, () =>
        functions ? { path: name, namespace: name, sideEffects: false } : { path: file, external: true },
      );
      if (!functions) continue;
      const exported = functions.map((key) => `export const ${key} = (...given) => load().${key}(...given);`);
      const contents = [`const load = () => require('${file}');`, ...exported].join('\n');
      build.onLoad({ filter: /./, namespace: name }, () => ({ contents }));
      build.onResolve({ filter: /./, namespace: name }, () => ({ path: file, external: true }));
    }
  },
};

function functionsOf(exported) {
  return Object.keys(exported).filter((key) => typeof exported[key] === 'function');
}

const shebang = { js: '#!/usr/bin/env node' };

/** What ships: entry -> file under dist/. */
const product = [
  {
    entry: 'extension/extension.ts',
    out: 'extension',
    options: { ...node, external: ['vscode'], plugins: [readLater] },
  },
  ...later.map(({ entry, out }) => ({ entry, out, options: node })),
  {
    entry: 'kernels/server/main.ts',
    out: 'kernel',
    options: { ...node, external: ['onnxruntime-node'], banner: shebang },
  },
  ...pageNames().map((name) => ({ entry: `webview/${name}/main.ts`, out: `webview/${name}`, options: page })),
];

/** A page is a folder of webview/ with a main.ts. */
function pageNames() {
  return readdirSync(path.join(root, 'webview')).filter((name) =>
    existsSync(path.join(root, 'webview', name, 'main.ts')),
  );
}

/** Files that ship as they are. */
const copies = [
  ['node_modules/@vscode/codicons/dist/codicon.css', 'webview/codicon.css'],
  ['node_modules/@vscode/codicons/dist/codicon.ttf', 'webview/codicon.ttf'],
];

/**
 * Builds everything that ships.
 * @param {{ outDir?: string, isPackage?: boolean }} [options] default: dist/ with source maps. For a package: small, and without.
 * @returns {Promise<esbuild.Metafile[]>} what went into each bundle
 */
export async function buildProduct({ outDir = path.join(root, 'dist'), isPackage = false } = {}) {
  const bundles = await Promise.allSettled(product.map((bundle) => makeBundle(bundle, outDir, isPackage)));
  for (const [from, to] of copies) writeIfChanged(path.join(outDir, to), readFileSync(path.join(root, from)));
  // After all are written: a mistake in the engine does not keep the pages from being looked at.
  for (const bundle of bundles) if (bundle.status === 'rejected') throw bundle.reason;
  chmodSync(path.join(outDir, 'kernel.js'), 0o755);
  return bundles.map((bundle) => bundle.value);
}

/** Where the source of a development tool is: test/tools/NAME.ts or test/tools/NAME/main.ts. Undefined if there is none. */
export function toolEntry(name) {
  return [`test/tools/${name}.ts`, `test/tools/${name}/main.ts`].find((file) => existsSync(path.join(root, file)));
}

/** Native code, and libraries that find their own files. */
const toolExternals = ['onnxruntime-node', '@playwright/test', 'esbuild'];

/** Builds one development tool into dist/tools/ and returns the path of the bundle. */
export async function buildTool(name) {
  const entry = toolEntry(name);
  if (entry === undefined)
    throw new Error(`there is no tool ${name}: neither test/tools/${name}.ts nor test/tools/${name}/main.ts`);
  const outDir = path.join(root, 'dist');
  await makeBundle({ entry, out: `tools/${name}`, options: { ...node, external: toolExternals } }, outDir, false);
  return path.join(outDir, `tools/${name}.js`);
}

async function makeBundle({ entry, out, options }, outDir, isPackage) {
  const result = await esbuild.build(bundleOptions({ entry, out, options }, outDir, isPackage));
  for (const file of result.outputFiles) writeIfChanged(file.path, file.contents);
  return result.metafile;
}

function bundleOptions({ entry, out, options }, outDir, isPackage) {
  const shared = { ...options, entryPoints: { [out]: entry }, outdir: outDir, sourcemap: isPackage ? false : 'linked' };
  if (!isPackage) return shared;
  // Names stay in what runs on Node: a stack in a log is the only thing that a report of a defect has.
  const isPage = options.platform === 'browser';
  return { ...shared, minifyWhitespace: true, minifySyntax: true, minifyIdentifiers: isPage };
}

/** Written beside and renamed, and only if different: a kernel that starts meanwhile never reads half a bundle. */
function writeIfChanged(file, contents) {
  if (existsSync(file) && readFileSync(file).equals(contents)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, file);
}

async function watch() {
  const writer = {
    name: 'write-if-changed',
    setup(build) {
      build.onEnd((result) => {
        for (const file of result.outputFiles ?? []) writeIfChanged(file.path, file.contents);
        console.error(`${new Date().toLocaleTimeString()} ${result.errors.length} errors`);
      });
    },
  };
  await buildProduct();
  for (const bundle of product) {
    const options = bundleOptions(bundle, path.join(root, 'dist'), false);
    const context = await esbuild.context({ ...options, plugins: [writer] });
    await context.watch();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await (process.argv.includes('--watch') ? watch() : buildProduct());
