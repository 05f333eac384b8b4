/** @file Where the repository is and how the development commands start other programs. No packages: it runs before any are installed. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** True where nobody can install what is missing: there a test that cannot run is a failure. */
export const inCI = Boolean(process.env.CI);

/** For progress and chatter; stdout belongs to the program that was asked for. */
export const say = (text) => process.stderr.write(`${text}\n`);

/** What the user should read instead of a stack trace. */
export class Refusal extends Error {}

/**
 * Runs a program to its end and returns its exit status (128 + signal if killed). Signals to us reach it first, so that
 * it can save and stop; we end when it does.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>}
 */
export function run(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
  // A terminal sends Ctrl-C to the whole group, the child included: staying alive is all there is to do.
  const ignore = () => undefined;
  const forward = (signal) => child.kill(signal);
  process.on('SIGINT', ignore).on('SIGTERM', forward);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  }).finally(() => process.off('SIGINT', ignore).off('SIGTERM', forward));
}

/** Like `run`, with the program's stdout on our stderr, and an error if it fails. */
export async function prepare(what, command, args, options = {}) {
  const started = Date.now();
  say(`${what} ...`);
  const status = await run(command, args, { stdio: ['ignore', 2, 2], ...options });
  if (status !== 0) throw new Refusal(`${what} failed: ${command} ${args.join(' ')} ended with status ${status}`);
  say(`${what}: ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Runs the command line of a package in node_modules with this Node. */
export const runBin = (file, args, options) =>
  run(process.execPath, [path.join(root, 'node_modules', file), ...args], options);

/** Like `runBin`, for programs that run beside others: what one says comes out at its end, in one piece, on our stderr. */
export async function runBinQuietly(file, args) {
  const folder = mkdtempSync(path.join(tmpdir(), 'adapter-studio-said-'));
  const said = path.join(folder, 'said');
  const output = openSync(said, 'w');
  try {
    return await runBin(file, args, { stdio: ['ignore', output, output] });
  } finally {
    closeSync(output);
    process.stderr.write(readFileSync(said));
    rmSync(folder, { recursive: true });
  }
}

/**
 * Does all the work, `width` pieces at a time, begun in their order.
 * @template T
 * @param {number} width
 * @param {readonly T[]} pieces
 * @param {(piece: T) => Promise<void>} work
 */
export async function inOrder(width, pieces, work) {
  const left = pieces.values();
  const worker = async () => {
    for (const piece of left) await work(piece);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
