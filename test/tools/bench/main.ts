/**
 * @file `npm run bench -- NAME [--python PATH] [--turns N] [--cases a,b] [--cache DIR] [--checkpoint DIR] [--json FILE]`: paired
 * measurements of the built engine and, with --python, of PEFT. Exit status 1 when a limit is not met.
 */
import { spawn } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { trainingEnvironment } from '../../../kernels/runtime/allocator';
import { defaultCache, withWorkFolder } from '../shared/cache';
import { findPeers, type Peers } from '../shared/peers';
import { formatTable, print, say } from '../shared/table';
import { benchActivation } from './activation';
import { benchDashboard } from './dashboard';
import { benchEstimate } from './estimate';
import { benchInspect } from './inspect';
import { benchMerge } from './merge';
import { benchMethods } from './methods';
import { benchTrain } from './train';
import type { BenchContext, BenchReport } from './types';

const BENCHMARKS: Readonly<Record<string, (context: BenchContext) => Promise<BenchReport>>> = {
  activation: benchActivation,
  train: benchTrain,
  methods: benchMethods,
  merge: benchMerge,
  estimate: benchEstimate,
  dashboard: benchDashboard,
  inspect: benchInspect,
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      python: { type: 'string' },
      json: { type: 'string' },
      cache: { type: 'string', default: defaultCache() },
      turns: { type: 'string', default: '3' },
      cases: { type: 'string' },
      checkpoint: { type: 'string' },
    },
  });
  const [name = ''] = positionals;
  const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (!benchmark || positionals.length !== 1) {
    throw new Error(
      `one benchmark is expected, found "${positionals.join(' ')}"; known: ${Object.keys(BENCHMARKS).join(', ')}`,
    );
  }
  if (benchmark === benchMethods && !hasTrainingEnvironment()) return againAsTrained();
  const turns = Number(values.turns);
  if (!Number.isInteger(turns) || turns < 1)
    throw new Error(`--turns ${values.turns} found; a whole number from 1 is expected`);

  const peers = await askedPeers(values.python);
  const load = loadavg()[0]!;
  if (load > 0.5) say(`load average ${load.toFixed(2)}: other work on this machine distorts what is measured now`);
  const report = await withWorkFolder(values.cache, (work) =>
    benchmark({
      cache: values.cache,
      work,
      peers,
      turns,
      cases: values.cases?.split(','),
      ...(values.checkpoint !== undefined && { checkpoint: resolve(values.checkpoint) }),
    }),
  );
  const machine = `${cpus()[0]?.model ?? process.arch} (${cpus().length} logical CPUs), Node ${process.versions.node}`;
  const loadNote = `load average before the first measurement: ${load.toFixed(2)}`;
  const versions = peers ? peers.versions : 'PEFT not measured: no --python given';
  print(
    [formatTable(report.rows), '', ...[machine, versions, loadNote, ...report.notes].map((note) => `- ${note}`)].join(
      '\n',
    ),
  );
  if (report.verdicts.length > 0) print(`\n${verdictTable(report)}`);
  if (values.json !== undefined) {
    const content = {
      benchmark: name,
      machine,
      versions,
      loadAverage: load,
      turns,
      verdicts: report.verdicts,
      results: report.data,
    };
    await writeFile(values.json, `${JSON.stringify(content, null, 2)}\n`);
  }
  const failed = report.verdicts.filter(({ isPassed }) => !isPassed).length;
  print(`\n${report.verdicts.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

/** Whether the allocator is set as it is for a run in the background. */
const hasTrainingEnvironment = (): boolean =>
  Object.entries(trainingEnvironment()).every(([name, value]) => process.env[name] === value);

/** The same measurement in a process whose allocator is set as that of a run in the background. */
async function againAsTrained(): Promise<number> {
  const args = [...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: trainingEnvironment() });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** A Python that was asked for and has no PEFT is an error: the comparison must not vanish silently. */
async function askedPeers(python: string | undefined): Promise<Peers | null> {
  if (python === undefined) return null;
  const peers = await findPeers(python);
  if ('reason' in peers) throw new Error(peers.reason);
  return peers;
}

function verdictTable({ verdicts }: BenchReport): string {
  const rows = verdicts.map(({ name, measured, limit, isPassed }) => [
    name,
    measured,
    limit,
    isPassed ? 'passed' : 'FAILED',
  ]);
  return formatTable([['check', 'measured', 'limit', 'verdict'], ...rows]);
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  },
);
