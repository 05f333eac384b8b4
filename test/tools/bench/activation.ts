/**
 * @file `npm run bench -- activation`: how long the packaged extension takes to activate in the real workbench, as the workbench
 * itself measures it: loading the bundle and the call of `activate`. Each turn is a new extension host, and the extension is
 * activated when the workbench has come to rest: before, the clock counts what the workbench itself does on the same cores.
 */
import { chromium, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import path from 'node:path';
import { builtVsix, openFile, openWorkbench, runCommand, startHost } from '../../e2e/workbench';
import { projectRoot } from '../shared/projectRoot';
import { say } from '../shared/table';
import { median } from './statistics';
import type { BenchContext, BenchReport } from './types';

const LIMIT_MS = 50;
const IDLE_SHARE = 0.9;
const REST_TIMEOUT_MS = 60_000;
const CONFIGURATION = 'questions.adapter.yaml';

export async function benchActivation({ cases, turns }: BenchContext): Promise<BenchReport> {
  if (cases) throw new Error('activation has one workload; leave --cases out');
  execFileSync(process.execPath, [path.join(projectRoot, 'test/tools/run.mjs'), 'package'], { stdio: 'ignore' });
  const host = await startHost({ workspace: path.join(projectRoot, 'media/sample'), vsix: builtVsix() });
  const times: number[] = [];
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    for (let turn = 0; turn < turns; turn++) {
      const page = await browser.newPage();
      await openWorkbench(page, host);
      await rest();
      await openFile(page, CONFIGURATION);
      await runCommand(page, 'Developer: Show Running Extensions');
      times.push(await activationTime(page));
      say(`  ${times.at(-1)} ms`);
      await page.close();
    }
  } finally {
    await browser.close();
    await host.stop();
  }
  const middle = median(times);
  return {
    rows: [
      ['extension', 'median', 'lowest', 'highest', 'limit'],
      ['packaged', ...[middle, Math.min(...times), Math.max(...times), LIMIT_MS].map((ms) => `${ms} ms`)],
    ],
    verdicts: [
      {
        name: 'activation, bundle included',
        measured: `${middle} ms`,
        limit: `below ${LIMIT_MS} ms`,
        isPassed: middle < LIMIT_MS,
      },
    ],
    notes: [
      `${turns} extension hosts of the browser workbench, a remote window; activated by opening ${CONFIGURATION} in a workbench at rest`,
      'as "Developer: Show Running Extensions" states it: loading the bundle and the call of activate',
    ],
    data: { times },
  };
}

/** Resolves when the machine has done nearly nothing for a second, which a busy one never does. */
async function rest(): Promise<void> {
  for (const end = Date.now() + REST_TIMEOUT_MS; ;) {
    const before = cpuTimes();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const after = cpuTimes();
    if ((after.idle - before.idle) / (after.all - before.all) > IDLE_SHARE) return;
    if (Date.now() > end) throw new Error('the machine does not come to rest; measure when nothing else runs on it');
  }
}

/** Milliseconds of all processors since the machine started. */
function cpuTimes(): { readonly idle: number; readonly all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return { idle: sum(times.map(({ idle }) => idle)), all: sum(times.flatMap((each) => Object.values(each))) };
}

/** What the list of running extensions says once ours is in it. */
async function activationTime(page: Page): Promise<number> {
  const row = page.locator('.runtime-extensions-editor .monaco-list-row').filter({ hasText: 'Adapter Studio' });
  const time = row.locator('.activation-time');
  await time.filter({ hasText: /\d+ms/ }).waitFor({ timeout: 20_000 });
  const [, milliseconds] = /(\d+)ms/.exec((await time.textContent()) ?? '') ?? [];
  return Number(milliseconds);
}
