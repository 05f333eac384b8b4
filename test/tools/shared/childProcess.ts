/** @file Runs another program to its end: output, wall time, peak memory. What every comparison here is made of. */
import { spawn } from 'node:child_process';
import { followPeak } from './processMemory';

export interface Finished {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** Undefined where the system does not tell it (see processMemory.ts). */
  readonly peakBytes: number | undefined;
}

/** Runs to the end, whatever the exit status. Rejects only when the program cannot be started. */
export function runToEnd(command: string, args: readonly string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const follow = child.pid === undefined ? null : followPeak(child.pid);
    // A second signal from the terminal reaches the child by itself; this one covers `kill` of this process alone.
    const forward = () => child.kill('SIGTERM');
    process.once('SIGTERM', forward);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', (error) => {
      follow?.stop();
      reject(new Error(`${command} could not be started: ${error.message}`, { cause: error }));
    });
    child.once('close', (code, signal) => {
      process.removeListener('SIGTERM', forward);
      const exitCode = code ?? (signal === null ? 1 : 128);
      resolve({ exitCode, stdout, stderr, seconds: (performance.now() - start) / 1000, peakBytes: follow?.stop() });
    });
  });
}

/** As `runToEnd`, but a non-zero exit status is an error that shows the end of what the program wrote. */
export async function runChecked(command: string, args: readonly string[]): Promise<Finished> {
  const finished = await runToEnd(command, args);
  if (finished.exitCode === 0) return finished;
  const said = `${finished.stderr}\n${finished.stdout}`.trim().split('\n').slice(-15).join('\n');
  throw new Error(`exit status ${finished.exitCode} from: ${[command, ...args].join(' ')}\n${said}`);
}
