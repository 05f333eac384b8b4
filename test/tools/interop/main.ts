/**
 * @file `npm run interop -- [--methods [NAME]… | --formats [NAME]… [--record]] [--python PATH] [--short] [--cache DIR] [--json FILE]`: a real checkpoint through
 * the built command line, and the same numbers from PEFT where the given Python has torch and peft. With --methods: one fine-tune
 * of each method (or of those named) instead, and the table of docs/methods.md. With --formats: every format of PEFT in both
 * directions on tiny random models alone; --record writes those that agree into test/golden. Exit status 1 on a failure.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { defaultCache, withWorkFolder } from '../shared/cache';
import { findPeers } from '../shared/peers';
import { print, say } from '../shared/table';
import { ensureSmolLM2 } from './checkpoint';
import { Checks } from './checks';
import { checkAnswer, checkCheckpoint, checkTraining, type Amounts } from './engineChecks';
import { METHOD_CASES, type MethodCase } from './methodCases';
import { checkFormats, skipFormats } from './formatChecks';
import { checkMethod, methodTable, type MethodRow, type MethodTask } from './methodChecks';
import { writeGlosses } from './glosses';
import { checkLogits, checkLosses, skipPeft } from './peftChecks';

interface Extent {
  readonly amounts: Amounts;
  readonly lossSteps: number;
}

const FULL: Extent = { amounts: { train: 320, eval: 48, batch: 8, steps: 40 }, lossSteps: 20 };
/** Two to three minutes on two cores. */
const SHORT: Extent = { amounts: { train: 96, eval: 16, batch: 4, steps: 16 }, lossSteps: 5 };

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      python: { type: 'string' },
      short: { type: 'boolean', default: false },
      cache: { type: 'string', default: defaultCache() },
      json: { type: 'string' },
      methods: { type: 'boolean', default: false },
      formats: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.record && !values.formats) throw new Error('--record is for --formats; give both');
  if (values.methods && values.formats) throw new Error('give --methods or --formats, not both');
  const { amounts, lossSteps } = values.short ? SHORT : FULL;
  const checks = new Checks();
  const peers = await findPeers(values.python);
  await withWorkFolder(values.cache, async (work) => {
    if (values.formats) {
      if ('reason' in peers) throw new Error(`formats are compared with PEFT: ${peers.reason}`);
      print(`${await checkFormats(checks, positionals, { peers, work, isRecording: values.record })}\n`);
      return;
    }
    const base = await ensureSmolLM2(join(values.cache, 'SmolLM2-135M-Instruct-f16'), 'f16', { cache: values.cache });
    const data = await writeGlosses(join(work, 'glosses'), amounts);
    await checkCheckpoint(checks, base);
    if (values.methods) {
      const task = { base, data, work, amounts, peers: 'reason' in peers ? null : peers };
      print(`${await checkMethods(checks, chosenCases(positionals), task)}\n`);
      return;
    }
    await checkAnswer(checks, base);
    const trained = await checkTraining(checks, { base, data, work }, amounts);
    if ('reason' in peers) {
      skipPeft(checks, peers.reason);
      skipFormats(checks, peers.reason);
      return;
    }
    await checkLogits(checks, peers, { ...trained, base, work });
    await checkLosses(checks, peers, { base, data: data.train, work, steps: lossSteps });
    print(`${await checkFormats(checks, [], { peers, work, isRecording: false })}\n`);
  });
  print(`${checks.table()}\n`);
  print('reason' in peers ? `PEFT was not compared: ${peers.reason}` : `compared with ${peers.versions}`);
  if (values.json !== undefined) {
    const versions = 'reason' in peers ? null : peers.versions;
    await writeFile(
      values.json,
      `${JSON.stringify({ versions, short: values.short, checks: checks.results }, null, 2)}\n`,
    );
  }
  print(`${checks.count('passed')} passed, ${checks.count('failed')} failed`);
  return checks.count('failed') > 0 ? 1 : 0;
}

/** The table of all methods that could be trained. */
async function checkMethods(checks: Checks, cases: readonly MethodCase[], task: MethodTask): Promise<string> {
  const rows: MethodRow[] = [];
  for (const method of cases) {
    const row = await checkMethod(checks, method, task);
    if (row) rows.push(row);
  }
  return methodTable(rows);
}

function chosenCases(names: readonly string[]): readonly MethodCase[] {
  if (names.length === 0) return METHOD_CASES;
  return names.map((name) => {
    const found = METHOD_CASES.find((method) => method.name === name);
    if (!found)
      throw new Error(`no method is called ${name}; expected one of ${METHOD_CASES.map((m) => m.name).join(', ')}`);
    return found;
  });
}

main().then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    say(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  },
);
