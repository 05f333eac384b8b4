/** @file Runs in the workbench: the dashboard of one among the open pages, and the end of all that a test left. */
import { expect, type Frame, type Page } from '@playwright/test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The dashboard that shows the run of this name. */
export async function dashboard(page: Page, name: string): Promise<Frame> {
  let found: Frame | undefined;
  await expect(async () => {
    for (const frame of page.frames()) {
      const title = frame.locator('as-run-header h1').filter({ hasText: new RegExp(`^${name}$`) });
      // A frame that is going away has no answer.
      if (await title.isVisible().catch(() => false)) found = frame;
    }
    expect(found, `no dashboard shows ${name}`).toBeDefined();
  }).toPass({ timeout: 90_000 });
  return found!;
}

/** A run outlives the editor, so a test that failed half-way ends it before its folder is removed. */
export function endRuns(folder: string): void {
  for (const run of existsSync(folder) ? readdirSync(folder) : []) {
    const file = path.join(folder, run, 'state.json');
    if (!existsSync(file)) continue;
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}
