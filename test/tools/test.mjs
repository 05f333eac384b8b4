/**
 * @file `npm test`: vitest (unit, golden, WebGPU), then the VSIX, then Playwright on the VSIX in the real workbench.
 * `npm test -- unit …` and `npm test -- e2e …` run one part; what follows goes to that runner, a file name for example.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildProduct } from '../../esbuild.mjs';
import { browserEnvironment, vulkanEnvironment } from './browser.mjs';
import { ensureHost, hostObstacle } from './install.mjs';
import { packageExtension } from './package.mjs';
import { inCI, Refusal, root, runBin, say } from './process.mjs';
import { playwrightReport, tally, vitestReport } from './tally.mjs';

const parts = { unit, e2e };

/** @returns {Promise<number>} 0 if every test passed */
export async function test([part, ...args]) {
  if (part !== undefined && !(part in parts)) throw new Refusal(`npm test -- PART: PART is unit or e2e, not '${part}'`);
  for (const report of [vitestReport, playwrightReport]) rmSync(report, { force: true });
  mkdirSync(path.dirname(vitestReport), { recursive: true });
  await buildProduct();
  const chosen = part === undefined ? Object.keys(parts) : [part];
  let status = 0;
  for (const name of chosen) status = Math.max(status, await parts[name](args).catch(asFailure));
  const counts = tally({ test: status });
  process.stdout.write(`${counts.text}\n`);
  return counts.failed === 0 ? 0 : 1;
}

/** A part that cannot even begin fails; the other one still runs and the sum is still printed. */
function asFailure(error) {
  say(error instanceof Refusal ? error.message : String(error.stack));
  return 1;
}

async function unit(args) {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${vitestReport}`];
  const vulkan = hostObstacle() === undefined ? await vulkanEnvironment() : {};
  return runBin('vitest/vitest.mjs', ['run', ...reporters, ...args], { env: { ...process.env, ...vulkan } });
}

async function e2e(args) {
  const obstacle = hostObstacle();
  if (obstacle !== undefined) {
    if (inCI) throw new Refusal(obstacle);
    say(`SKIPPED, all end-to-end tests: ${obstacle}`);
    return 0;
  }
  await ensureHost();
  await packageExtension([]);
  const env = { ...process.env, ...(await browserEnvironment()), PLAYWRIGHT_JSON_OUTPUT_FILE: playwrightReport };
  return runBin('@playwright/test/cli.js', ['test', '--reporter=list,json', ...args], { env });
}
