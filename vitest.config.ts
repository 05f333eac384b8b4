/** @file Unit tests, one project a folder. `npx vitest run --project kernels graph` runs a part; `npm test -- unit …` builds first. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const setupFiles = ['test/support/fastCheck.ts'];
/** What is waited for comes; how soon depends on what else this machine does. Vitest would give up after a second. */
const expected = { poll: { timeout: 15_000 } };

export default defineConfig({
  test: {
    // Vitest leaves one processor to itself, which on two of them is half; many tests wait for a process that they started.
    maxWorkers: availableParallelism(),
    minWorkers: 1,
    projects: [
      {
        test: {
          name: 'kernels',
          setupFiles,
          expect: expected,
          include: ['test/kernels/**/*.test.ts'],
          // A process each: onnxruntime does not like several worker threads, and a crash must name its file.
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'extension',
          setupFiles,
          expect: expected,
          include: ['test/extension/**/*.test.ts'],
          pool: 'forks',
          testTimeout: 20_000,
        },
        // The editor gives this module to its extensions; there is no package of it.
        resolve: { alias: { vscode: fileURLToPath(new URL('test/support/vscodeStub.ts', import.meta.url)) } },
      },
      {
        test: {
          name: 'webview',
          setupFiles,
          expect: expected,
          include: ['test/webview/**/*.test.ts'],
          environment: 'happy-dom',
          testTimeout: 20_000,
        },
      },
      // What the repository itself promises: the package's contents, manifest and so on.
      {
        test: {
          name: 'tools',
          include: ['test/tools/**/*.test.ts'],
          expect: expected,
          pool: 'forks',
          testTimeout: 60_000,
        },
      },
    ],
  },
});
