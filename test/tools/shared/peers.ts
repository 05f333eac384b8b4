/** @file The Python side of a comparison: is torch with PEFT there, and how its scripts are run. */
import { join } from 'node:path';
import { runChecked, runToEnd, type Finished } from './childProcess';
import { projectRoot } from './projectRoot';

export interface Peers {
  readonly python: string;
  /** `torch 2.13.0+cpu, peft 0.21.2, transformers 5.23.0` */
  readonly versions: string;
}

const PROBE = `
import torch, peft, transformers
print(", ".join(f"{m.__name__} {m.__version__}" for m in (torch, peft, transformers)))`;

/** The peers of this Python, or the reason why nothing can be compared with them. */
export async function findPeers(python: string | undefined): Promise<Peers | { readonly reason: string }> {
  if (python === undefined) return { reason: 'no --python given' };
  const probe = await runToEnd(python, ['-c', PROBE]).catch((error: unknown) => error as Error);
  if (probe instanceof Error) return { reason: probe.message };
  if (probe.exitCode === 0) return { python, versions: probe.stdout.trim() };
  return { reason: `${python} has no torch with peft and transformers: ${probe.stderr.trim().split('\n').at(-1)}` };
}

/** Runs `test/tools/<script>` and returns when it has ended well. */
export function runPeer({ python }: Peers, script: string, ...args: readonly string[]): Promise<Finished> {
  return runChecked(python, [join(projectRoot, 'test', 'tools', script), ...args]);
}
