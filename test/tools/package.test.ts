/** @file What the extension's package holds. A file that appears here was put there on purpose. */
import { listFiles, PackageManager } from '@vscode/vsce';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTarget, stageExtension } from './package.mjs';

const pages = readdirSync('webview').filter((name) => existsSync(path.join('webview', name, 'main.ts')));
let stage: string;
let files: string[];

beforeAll(async () => {
  stage = mkdtempSync(path.join(tmpdir(), 'adapter-studio-stage-'));
  await stageExtension(stage);
  files = await listFiles({ cwd: stage, packageManager: PackageManager.None });
}, 120_000);
afterAll(() => rmSync(stage, { recursive: true }));

describe('the package', () => {
  it('holds the bundles, the texts and the pictures, and nothing else', () => {
    const own = files.filter((file) => !file.startsWith('dist/node_modules/') && !file.startsWith('media/'));
    expect(own.sort()).toEqual([
      'LICENSE',
      'README.md',
      'ThirdPartyNotices.txt',
      'dist/extension.js',
      'dist/kernel.js',
      'dist/lib/jsonrpc.js',
      'dist/lib/yaml.js',
      'dist/webview/codicon.css',
      'dist/webview/codicon.ttf',
      ...pages.flatMap((name) => [`dist/webview/${name}.css`, `dist/webview/${name}.js`]),
      'package.json',
      'package.nls.json',
      'package.nls.ko.json',
    ]);
  });

  it('holds the sample, the texts of every language and the pictures of the walkthrough', () => {
    const media = files.filter((file) => file.startsWith('media/'));
    const tracked = execFileSync('git', ['ls-files', 'media'], { encoding: 'utf8' }).trim().split('\n');
    expect(media.sort()).toEqual(tracked.sort());
    expect(media).toContain('media/sample/base/model.safetensors');
    expect(media).toContain('media/l10n/bundle.l10n.ko.json');
  });

  it('holds pages and engine in small, and no map of them', () => {
    for (const name of [...pages.map((page) => `webview/${page}`), 'kernel', 'extension']) {
      const text = readFileSync(path.join(stage, 'dist', `${name}.js`), 'utf8');
      expect(text).not.toContain('sourceMappingURL');
      expect(text.split('\n// ').length, `${name} has comments`).toBeLessThan(20);
    }
  });

  it('holds onnxruntime for its own platform only', () => {
    const [platform, arch] = hostTarget.split('-');
    const native = files.filter((file) => file.startsWith('dist/node_modules/onnxruntime-node/bin/'));
    expect(native).toContain(
      `dist/node_modules/onnxruntime-node/bin/napi-v6/${platform}/${arch}/onnxruntime_binding.node`,
    );
    expect(native.filter((file) => !file.includes(`/napi-v6/${platform}/${arch}/`))).toEqual([]);
    expect(files.filter((file) => /\.(map|d\.ts)$/.test(file))).toEqual([]);
  });

  it('holds every file that its manifest names', () => {
    const manifest = readFileSync(path.join(stage, 'package.json'), 'utf8');
    const named = [...manifest.matchAll(/"\.?\/?((?:dist|media)\/[^"]+)"/g)].map((match) => match[1]);
    // A folder, as that of the texts, holds at least one.
    const isThere = (name: string) => files.some((file) => file === name || file.startsWith(`${name}/`));
    expect(named.filter((name) => name !== undefined && !isThere(name))).toEqual([]);
  });

  it('names the licence of each package inside it', () => {
    const notices = readFileSync(path.join(stage, 'ThirdPartyNotices.txt'), 'utf8');
    for (const name of ['onnxruntime-node', 'lit', 'plotly.js-cartesian-dist-min', 'yaml'])
      expect(notices).toContain(`\n${name} `);
    expect(notices).not.toContain('(undefined)');
  });

  it('has a kernel that runs where no other package is installed', () => {
    const output = execFileSync(process.execPath, [path.join(stage, 'dist/kernel.js'), 'devices', '--json'], {
      encoding: 'utf8',
    });
    expect(output).toContain('"cpu"');
  });
});

/** Addresses that stand in the bundles: names of formats and places to read on. Nothing ever asks them for anything. */
const knownHosts = [
  'www.w3.org', // namespaces of SVG and XML
  'json-schema.org', // the name of the schema language
  'raw.githubusercontent.com', // the name of a schema inside ajv
  'arxiv.org', // the paper of a method, as a link in a hover
  'git-lfs', // the first line of a file that is only a pointer
  'plotly.com',
  'cloud.plotly.com',
  'cdn.plot.ly', // maps, of traces that this bundle does not have
  'github.com', // the documentation of d3 in a description of Plotly
  'vscode-elements.github.io', // in a warning to developers
];

describe('no network', () => {
  const sources = ['extension', 'webview', 'kernels'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => path.join(folder, file)),
  );

  it('is used by our code but for the socket of a run on this machine', () => {
    const asks =
      /from '(?:node:)?(?:https?|http2|net|tls|dgram|dns)'|\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon/;
    const asking = sources.filter((file) => asks.test(readFileSync(file, 'utf8')));
    expect(asking).toEqual(['kernels/runs/control.ts']);
    // A path in the file system, or a named pipe: never a port.
    expect(readFileSync('kernels/runs/control.ts', 'utf8')).not.toMatch(/\bport\b|\bhost\b|127\.0\.0\.1|localhost/);
  });

  it('is reached by no bundle: no module for it, no address that is not known', () => {
    for (const name of ['extension', 'kernel', ...pages.map((page) => `webview/${page}`)]) {
      const text = readFileSync(path.join(stage, 'dist', `${name}.js`), 'utf8');
      const modules = [...text.matchAll(/require\("(?:node:)?(https?|http2|tls|dgram|dns|net)"\)/g)].map(([, m]) => m);
      expect(
        modules.filter((module) => module !== 'net'),
        name,
      ).toEqual([]);
      const hosts = [...text.matchAll(/https?:\/\/([\w.-]+)/g)].map(([, host]) => host!);
      expect(
        [...new Set(hosts)].filter((host) => !knownHosts.includes(host)),
        name,
      ).toEqual([]);
    }
  });

  it('has no telemetry', () => {
    const manifest = readFileSync(path.join(stage, 'package.json'), 'utf8');
    const all = [manifest, ...sources.map((file) => readFileSync(file, 'utf8'))].join('\n');
    expect(all).not.toMatch(/telemetry|applicationinsights|createTelemetryLogger/i);
  });
});
