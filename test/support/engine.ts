/** @file The real program for tests: bundled as it ships, started as a process, its output and exit status kept. */
import { build } from 'esbuild';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll } from 'vitest';

export interface Finished {
  /** Exit status; `null` when a signal ended the process. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** One object for each line of stdout; fails when a line is no JSON. */
  records(): readonly Record<string, unknown>[];
}

export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when `test` holds for what was written to stdout so far; fails when the process ends before. */
  until(test: (stdout: string) => boolean): Promise<void>;
}

export interface Engine {
  /** The bundle; in a folder from which onnxruntime-node is found. */
  readonly program: string;
  /** Environment of every process: a cache of its own, so that tests neither use nor leave anything in the user's. */
  readonly env: NodeJS.ProcessEnv;
  run(...args: readonly string[]): Promise<Finished>;
  start(args: readonly string[], env?: NodeJS.ProcessEnv): Started;
}

/** Builds once for a test file; the bundle and everything still running is removed when the file is done. */
export function useEngine(): Engine {
  const parent = path.resolve('.cache');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, 'engine-'));
  const program = path.join(folder, 'kernel.js');
  const env = { ...process.env, ADAPTER_STUDIO_CACHE: path.join(folder, 'cache') };
  const running = new Set<ChildProcess>();
  beforeAll(async () => {
    await build({
      entryPoints: [path.resolve('kernels/server/main.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      external: ['onnxruntime-node'],
      logLevel: 'error',
    });
  });
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const start = (args: readonly string[], extra: NodeJS.ProcessEnv = {}): Started => {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...env, ...extra },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('close', () => running.delete(child));
    return watch(child);
  };
  return { program, env, start, run: (...args) => start(args).finished };
}

function watch(child: ChildProcess): Started {
  let [stdout, stderr] = ['', ''];
  const waiting = new Set<() => void>();
  const wake = (): void => [...waiting].forEach((check) => check());
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    wake();
  });
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  let isOver = false;
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      isOver = true;
      resolve({ status, signal, stdout, stderr, records: () => parseLines(stdout) });
      wake();
    });
  });
  const until = (test: (stdout: string) => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        if (test(stdout)) resolve();
        else if (isOver) reject(new Error(`the process ended before:\n${stdout}\n${stderr}`));
        else return;
        waiting.delete(check);
      };
      waiting.add(check);
      check();
    });
  return { child, finished, until };
}

function parseLines(stdout: string): Record<string, unknown>[] {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}
