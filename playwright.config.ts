/** @file Tests in a browser: the pages by themselves, and the packaged extension in the real workbench. Run by `npm test -- e2e`. */
import { defineConfig } from '@playwright/test';
import { availableParallelism } from 'node:os';

/** What a Chromium that is not installed in the system brings with it. */
const { CHROMIUM_PATH, CHROMIUM_LIBRARIES, CHROMIUM_FONTS } = process.env;
const browserEnv = {
  ...process.env,
  ...(CHROMIUM_LIBRARIES ? { LD_LIBRARY_PATH: CHROMIUM_LIBRARIES } : {}),
  ...(CHROMIUM_FONTS ? { FONTCONFIG_FILE: CHROMIUM_FONTS } : {}),
};

export default defineConfig({
  projects: [
    { name: 'pages', testDir: 'test/webview', testMatch: '**/*.spec.ts' },
    { name: 'workbench', testDir: 'test/e2e', testMatch: '*.spec.ts' },
  ],
  outputDir: 'test-results',
  timeout: 120_000,
  expect: { timeout: 20_000 },
  // Every test has its own page; in the workbench its own server, folders and ports, too.
  fullyParallel: true,
  workers: Math.min(availableParallelism(), 4),
  forbidOnly: Boolean(process.env.CI),
  // The workbench is a large program on a small machine: once more in CI, and the report says that it was needed.
  retries: process.env.CI ? 1 : 0,
  use: {
    viewport: { width: 1280, height: 800 },
    actionTimeout: 30_000,
    screenshot: 'only-on-failure',
    // Every step of every test with its pictures is a sixth of the time: in CI only of a test that is tried again.
    trace: process.env.CI ? 'on-first-retry' : 'retain-on-failure',
    launchOptions: {
      executablePath: CHROMIUM_PATH ?? '/usr/bin/chromium',
      env: browserEnv,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
