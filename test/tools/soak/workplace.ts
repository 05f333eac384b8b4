/** @file Where the kills happen: a tiny model, data, configurations, and what each leaves when nothing interrupts it. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import type { Random } from '../../../kernels/util/random';
import { writeTinyTraining } from '../../support/tinyTraining';

export interface Workplace {
  readonly folder: string;
  /** The engine: `dist/kernel.js`. */
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
  readonly model: string;
  /** A run of a second or two, for being killed itself, and a short one, for others being killed. */
  readonly long: Training;
  readonly short: Training;
  /** The short run's adapter merged into the model. */
  readonly merged: string;
}

export interface Training {
  readonly config: string;
  /** Its run folder, never interrupted. */
  readonly reference: string;
}

/** Makes it in an empty folder; takes a few seconds. */
export function makeWorkplace(folder: string, program: string): Workplace {
  const env = { ...process.env, ADAPTER_STUDIO_CACHE: path.join(folder, 'cache') };
  const fixture = writeTinyTraining(folder);
  const samples = { prompts: ['abc', 'one two'], max_new_tokens: 4 };
  const engine = (...args: string[]): void =>
    void execFileSync(process.execPath, [program, ...args], { env, stdio: 'pipe' });
  const training = (name: string, steps: number, limit?: number): Training => {
    const config = fixture.config(name, {
      samples,
      training: { max_steps: steps, eval_steps: 8, save_steps: 5, save_total_limit: limit },
    });
    const reference = path.join(folder, 'references', name);
    engine('train', config, '--run', reference);
    return { config, reference };
  };
  const [long, short] = [training('long', 120), training('short', 16, 2)];
  const merged = path.join(folder, 'references', 'merged');
  engine('merge', '--base', fixture.model, '--adapter', path.join(short.reference, 'adapter'), '--out', merged);
  return { folder, program, env, model: fixture.model, long, short, merged };
}

/** What one kill came to. */
export interface Kill {
  /** What the process was doing, in a word or two. */
  readonly during: string;
  /** Everything that did not hold. */
  readonly violations: readonly string[];
}

/** One kind of process that is killed; `kill` does it once and looks what is left. `finish` brings what was begun to its end. */
export interface Victim {
  readonly name: string;
  kill(): Promise<Kill>;
  finish(): Promise<readonly string[]>;
}

export function startEngine(place: Workplace, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [place.program, ...args], { env: place.env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Resolves with what ended the process. */
export const ended = (child: ChildProcess): Promise<NodeJS.Signals | number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.signalCode ?? child.exitCode)
    : new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));

export const pause = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms));

/** Uniform in [from, to). */
export const between = (random: Random, from: number, to: number): number =>
  from + random.below(Math.max(1, to - from));

/** Waits until `test` holds; false when it does not in time. */
export async function eventually(test: () => boolean, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await pause(25)) if (test()) return true;
  return test();
}
