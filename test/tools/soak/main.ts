/**
 * @file `npm run soak -- kills [--count 200] [--seed N] [--program FILE]`: kills the process of a run, the interactive kernel
 * and an extension host, each with SIGKILL at a random moment, and looks each time whether anything that was acknowledged
 * is lost, or anything half written could be read as whole. Runs are resumed to their end, which must be that of an
 * uninterrupted run to the bit. Prints a table and a verdict; exit status 1 for a violation.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from '../../../kernels/util/random';
import { formatTable, print, say } from '../shared/table';
import { beEditor } from './editorProcess';
import { EditorVictim } from './killEditor';
import { KernelVictim } from './killKernel';
import { RunVictim } from './killRun';
import type { Victim } from './workplace';
import { makeWorkplace } from './workplace';

/** Of ten kills, how many each victim gets. */
const SHARES = [6, 2, 2] as const;

async function kills(count: number, seed: number, program: string): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'adapter-studio-soak-'));
  const started = performance.now();
  try {
    say(`kills: ${count} with seed ${seed}, in ${folder}`);
    const place = makeWorkplace(folder, program);
    const self = process.argv[1] ?? '';
    const victims: readonly Victim[] = [
      new RunVictim(place, createRandom(seed, 1)),
      new KernelVictim(place, createRandom(seed, 2)),
      new EditorVictim(place, createRandom(seed, 3), self),
    ];
    const tallies = victims.map(() => new Map<string, number>());
    const violations: string[] = [];
    for (let i = 0; i < count; i++) {
      const place = i % 10;
      const which = place < SHARES[0] ? 0 : place < SHARES[0] + SHARES[1] ? 1 : 2;
      const { during, violations: found } = await (victims[which] as Victim).kill();
      const tally = tallies[which] as Map<string, number>;
      tally.set(during, (tally.get(during) ?? 0) + 1);
      for (const text of found) say(`kill ${i + 1}: ${text}`);
      violations.push(...found);
      if ((i + 1) % 20 === 0) say(`${i + 1} of ${count}`);
    }
    for (const victim of victims) violations.push(...(await victim.finish()));
    const rows = victims.flatMap(({ name }, v) =>
      [...(tallies[v] as Map<string, number>)].map(([during, times]) => [name, during, String(times)]),
    );
    print(formatTable([['killed', 'during', 'times'], ...rows]));
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const verdict =
      violations.length === 0
        ? 'nothing was lost, no half-written file was read as whole, all losses equal to the uninterrupted run to the bit'
        : `${violations.length} violations:\n${violations.join('\n')}`;
    print(`${count} kills in ${seconds} s: ${verdict}`);
    return violations.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' }, program: { type: 'string' } },
  });
  const [what, ...rest] = positionals;
  if (what === 'editor' && rest.length === 3) {
    const [program = '', config = '', folder = ''] = rest;
    await beEditor(program, config, folder);
    return 0;
  }
  const count = Number(values.count ?? 200);
  const seed = Number(values.seed ?? Math.floor(Date.now() / 1000));
  if (what !== 'kills' || rest.length > 0 || !Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
    throw new Error('usage: npm run soak -- kills [--count 200] [--seed N]');
  }
  // Bundled into dist/tools/, beside the product.
  return kills(count, seed, path.resolve(values.program ?? path.join(__dirname, '..', 'kernel.js')));
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    process.exitCode = 1;
  },
);
