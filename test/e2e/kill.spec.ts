/** @file The extension host of the real workbench is killed while a run trains: the run goes on, and the next windows have it all. */
import { expect, test, type Locator, type Page } from '@playwright/test';
import { existsSync, mkdtempSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { builtVsix, openFile, openWorkbench, runCommand, showView, startHost } from './workbench';

const CONFIG = 'questions.adapter.yaml';

test('a run outlives the extension host, whose kernel ends with it', async ({ page }) => {
  test.setTimeout(600_000);
  const workspace = mkdtempSync(path.join(tmpdir(), 'adapter-studio-kill-'));
  cpSync('media/sample', workspace, { recursive: true });
  const text = readFileSync(path.join(workspace, CONFIG), 'utf8').replace(/max_steps: \d+/, 'max_steps: 5000');
  writeFileSync(path.join(workspace, CONFIG), text);
  const host = await startHost({ workspace, vsix: builtVsix(), settings: { 'files.autoSave': 'off' } });
  const runs = path.join(host.workspace, 'runs');
  const run = (): string => path.join(runs, readdirSync(runs)[0] ?? '');
  const stepsOf = (dir: string): number[] =>
    readFileSync(path.join(dir, 'metrics.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { kind: string; step: number })
      .flatMap((record) => (record.kind === 'train' ? [record.step] : []));
  try {
    await openWorkbench(page, host);
    await openFile(page, CONFIG);
    await runCommand(page, 'Adapter Studio: Train');
    const hasSteps = (least: number): boolean =>
      existsSync(runs) && existsSync(path.join(run(), 'metrics.jsonl')) && stepsOf(run()).length >= least;
    await expect.poll(() => hasSteps(3), { timeout: 90_000 }).toBe(true);

    const home = path.dirname(host.data);
    const [extensionHost] = processesOf(home, '--type=extensionHost');
    const kernels = processesOf(home, 'kernel.js serve');
    expect(extensionHost).toBeDefined();
    expect(kernels).toHaveLength(1);
    process.kill(extensionHost as number, 'SIGKILL');
    await expect.poll(() => kernels.filter(isThere)).toEqual([]);

    const before = stepsOf(run()).length;
    await expect.poll(() => stepsOf(run()).length, { timeout: 60_000 }).toBeGreaterThan(before + 3);
    expect(stepsOf(run())).toEqual(Array.from({ length: stepsOf(run()).length }, (_, i) => i + 1));
    expect(readFileSync(path.join(host.workspace, CONFIG), 'utf8')).toBe(text);

    // Two new windows find the run at work; what one of them does, the other sees.
    const other = await page.context().newPage();
    for (const window of [page, other]) {
      await openWorkbench(window, host);
      await showView(window, 'Adapter Studio');
      await expect(row(window, /^questions.*\d+\/5000/)).toBeVisible({ timeout: 90_000 });
    }
    await runCommand(other, 'Adapter Studio: Stop Run');
    for (const window of [page, other]) await expect(row(window, /^Stopped/)).toBeVisible({ timeout: 90_000 });
    const status = (): string =>
      (JSON.parse(readFileSync(path.join(run(), 'state.json'), 'utf8')) as { status: string }).status;
    await expect.poll(status, { timeout: 60_000 }).toBe('stopped');
  } finally {
    for (const pid of processesOf(path.dirname(host.data), 'kernel.js run')) process.kill(pid, 'SIGKILL');
    await host.stop();
    rmSync(workspace, { recursive: true });
  }
});

/** A row of the Runs view, group or run. */
const row = (page: Page, text: RegExp): Locator =>
  page.locator('.pane').filter({ hasText: 'Runs' }).locator('.monaco-list-row').filter({ hasText: text });

/** Processes of this test's host, told by its home folder, whose command line holds `words`. */
function processesOf(home: string, words: string): number[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
    } catch {
      return ''; // gone, or not ours
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(name, 'cmdline').includes(words))
    .filter((pid) => read(pid, 'environ').includes(`HOME=${home} `))
    .map(Number);
}

const isThere = (pid: number): boolean => existsSync(`/proc/${pid}`);
