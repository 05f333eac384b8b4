/**
 * @file `npm run fuzz -- [TARGET…] [--count N] [--seed N] [--json FILE]`: damaged texts to the readers of foreign files.
 * Prints how many were accepted and refused, the slowest, and the peak memory. Exit status 1 at the first crash, hang (an
 * input of more than a second) or refusal that does not say what was found and expected.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { formatTable, print, say } from '../shared/table';
import { fuzz } from './fuzz';
import { targets } from './targets';

const HANG_MS = 1000;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' }, json: { type: 'string' } },
  });
  const unknown = positionals.find((name) => !targets.some((t) => t.name === name));
  if (unknown !== undefined) {
    throw new Error(`found ${unknown}; expected some of ${targets.map((t) => t.name).join(', ')}`);
  }
  const seed = Number(values.seed ?? 20_261_122);
  const chosen = targets.filter((t) => positionals.length === 0 || positionals.includes(t.name));
  const results = [];
  for (const target of chosen) {
    const count = Number(values.count ?? target.count);
    const before = process.memoryUsage().rss;
    const report = await fuzz(target, count, seed, (done) => say(`${target.name}: ${done} of ${count}`));
    // The high-water mark of the whole process so far.
    results.push({ target: target.name, seed, ...report, rss_before: before, rss_peak: peakRss() });
  }
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  print(
    formatTable([
      ['target', 'inputs', 'accepted', 'refused', 'slowest', 'seconds', 'memory before', 'peak'],
      ...results.map((r) => [
        r.target,
        String(r.count),
        String(r.accepted),
        String(r.refused),
        `${r.slowestMs.toFixed(1)} ms`,
        r.seconds.toFixed(1),
        megabytes(r.rss_before),
        megabytes(r.rss_peak),
      ]),
    ]),
  );
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
  const hung = results.filter((r) => r.slowestMs > HANG_MS);
  for (const { target, slowestMs } of hung) say(`${target}: one input took ${slowestMs.toFixed(0)} ms`);
  return hung.length === 0 ? 0 : 1;
}

const peakRss = (): number => process.resourceUsage().maxRSS * 1024;

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  },
);
