/** @file Page tests in headless Chromium: `npx playwright test -c test/webview/harness`, after `node esbuild.mjs`. */
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../../../test-results/webview/failures',
  timeout: 60_000,
  expect: { timeout: 15_000 },
  workers: 1,
  use: {
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
    },
  },
});
