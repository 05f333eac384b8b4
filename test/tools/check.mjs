/** @file `npm run check`: types, lint, format, layers, texts, dead code. All run, so one call shows everything; `-- types lint` runs some. */
import { availableParallelism } from 'node:os';
import { checkTexts } from './l10n.mjs';
import { inOrder, Refusal, runBinQuietly, say } from './process.mjs';

const folders = ['kernels', 'extension', 'webview', 'test'];

/** Each with the programs it is made of, the slow ones first: as many run at a time as there are processors. */
const checks = {
  lint: [() => runBinQuietly('eslint/bin/eslint.js', ['--max-warnings', '0', '.'])],
  types: folders.map((folder) => () => runBinQuietly('typescript/bin/tsc', ['--project', folder])).reverse(),
  format: [() => runBinQuietly('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.'])],
  layers: [
    () =>
      runBinQuietly('dependency-cruiser/bin/dependency-cruise.mjs', [
        '--config',
        '.dependency-cruiser.cjs',
        ...folders,
      ]),
  ],
  'dead code': [() => runBinQuietly('knip/bin/knip.js', [])],
  texts: [checkTexts],
};

/** @returns {Promise<number>} 0 if all that were asked for passed */
export async function check(names) {
  const unknown = names.find((name) => !(name in checks));
  if (unknown !== undefined)
    throw new Refusal(`there is no check '${unknown}'; known are ${Object.keys(checks).join(', ')}`);
  const chosen = names.length > 0 ? names : Object.keys(checks);
  const left = new Map(chosen.map((name) => [name, checks[name].length]));
  const failed = new Set();
  const started = Date.now();
  const programs = chosen.flatMap((name) => checks[name].map((program) => ({ name, program })));
  await inOrder(availableParallelism(), programs, async ({ name, program }) => {
    if ((await program()) !== 0) failed.add(name);
    left.set(name, left.get(name) - 1);
    if (left.get(name) > 0) return;
    say(`${name}: ${failed.has(name) ? 'FAILED' : 'passed'} (after ${((Date.now() - started) / 1000).toFixed(1)} s)`);
  });
  return failed.size === 0 ? 0 : 1;
}
