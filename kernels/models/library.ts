/** @file Finds checkpoints and adapters on disk: in the workspace's folders and in the Hugging Face cache. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import type { ModelEntry } from '../protocol/types';
import { architectures } from './registry';

const MAX_DEPTH = 6;
const SKIPPED = new Set(['node_modules', '.git', 'checkpoints', 'dist', '.venv', 'venv']);

export function findModels(folders: readonly string[]): readonly ModelEntry[] {
  const found = new Map<string, ModelEntry>();
  for (const folder of folders) {
    walk(folder, 0, (dir) => {
      const source = existsSync(path.join(path.dirname(dir), 'run.json')) ? 'run' : 'workspace';
      const entry = describe(dir, source, path.relative(folder, dir) || path.basename(dir));
      if (entry) found.set(dir, entry);
    });
  }
  for (const { dir, name } of hubSnapshots()) {
    const entry = describe(dir, 'hub-cache', name);
    if (entry) found.set(dir, entry);
  }
  return [...found.values()];
}

function walk(dir: string, depth: number, visit: (dir: string) => void): void {
  if (depth > MAX_DEPTH) return;
  visit(dir);
  for (const entry of listed(dir)) {
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) walk(path.join(dir, entry.name), depth + 1, visit);
  }
}

/** `models--ORG--NAME/snapshots/REVISION` of the cache that the Hugging Face libraries share. */
function hubSnapshots(): { readonly dir: string; readonly name: string }[] {
  const { HF_HUB_CACHE, HF_HOME } = process.env;
  const hub = HF_HUB_CACHE ?? path.join(HF_HOME ?? path.join(homedir(), '.cache', 'huggingface'), 'hub');
  return listed(hub).flatMap(({ name }) => {
    if (!name.startsWith('models--')) return [];
    const snapshots = path.join(hub, name, 'snapshots');
    const title = name.slice('models--'.length).replace('--', '/');
    return listed(snapshots).map((s) => ({ dir: path.join(snapshots, s.name), name: title }));
  });
}

function describe(dir: string, source: ModelEntry['source'], name: string): ModelEntry | null {
  const adapter = readJson(path.join(dir, 'adapter_config.json'));
  if (adapter) {
    const method = typeof adapter.peft_type === 'string' ? adapter.peft_type.toLowerCase() : 'unknown';
    return { kind: 'adapter', path: dir, name, source, type: method, sizeBytes: sizeOfFiles(dir, /\.safetensors$/) };
  }
  const config = readJson(path.join(dir, 'config.json'));
  const type = config?.model_type;
  if (typeof type !== 'string') return null;
  const sizeBytes = sizeOfFiles(dir, /\.safetensors$/);
  const problem = !architectures.some((a) => a.id === type)
    ? l10n.t('model_type {0} is not supported; supported: {1}', type, architectures.map((a) => a.id).join(', '))
    : sizeBytes === 0
      ? l10n.t('has no safetensors files')
      : undefined;
  return { kind: 'checkpoint', path: dir, name, source, type, sizeBytes, ...(problem !== undefined && { problem }) };
}

function sizeOfFiles(dir: string, pattern: RegExp): number {
  return listed(dir).reduce((n, { name }) => {
    if (!pattern.test(name)) return n;
    try {
      return n + statSync(path.join(dir, name)).size;
    } catch {
      return n; // a dangling link of an incomplete download
    }
  }, 0);
}

function listed(dir: string): { readonly name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return []; // not there, or not ours to read
  }
}

function readJson(file: string): Readonly<Record<string, unknown>> | null {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as unknown;
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
