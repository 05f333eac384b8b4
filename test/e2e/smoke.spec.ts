/** @file The test host itself: if this fails, the other end-to-end tests say nothing about the extension. */
import { expect, test } from '@playwright/test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { collectErrors, openFile, openWorkbench, runCommand, startHost } from './workbench';

test('an empty workbench opens a file, runs a command and reports no error', async ({ page }, info) => {
  const workspace = mkdtempSync(path.join(tmpdir(), 'adapter-studio-smoke-'));
  writeFileSync(path.join(workspace, 'hello.txt'), 'Guten Tag\n');
  const host = await startHost({ workspace });
  try {
    const errors = collectErrors(page);
    await openWorkbench(page, host);
    await openFile(page, 'hello.txt');
    await expect(page.locator('.monaco-editor .view-lines')).toContainText('Guten');
    await page.screenshot({ path: info.outputPath('workbench.png') });
    await runCommand(page, 'View: Close All Editors');
    await expect(page.locator('.tabs-container .tab')).toHaveCount(0);
    expect(errors).toEqual([]);
  } finally {
    await host.stop();
    rmSync(workspace, { recursive: true });
  }
});
