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
});
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
    expect(named.filter((file) => file !== undefined && !files.includes(file))).toEqual([]);
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
