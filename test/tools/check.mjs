/** @file `npm run check`: types, lint, format, layers, texts, dead code. All run, so one call shows everything; `-- types lint` runs some. */
import { checkTexts } from './l10n.mjs';
import { Refusal, runBin, say } from './process.mjs';

const folders = ['kernels', 'extension', 'webview', 'test'];

const checks = {
  types: async () => {
    const statuses = [];
    for (const folder of folders) statuses.push(await runBin('typescript/bin/tsc', ['--project', folder]));
    return Math.max(...statuses);
  },
  lint: () => runBin('eslint/bin/eslint.js', ['--max-warnings', '0', '.']),
  format: () => runBin('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']),
  layers: () =>
    runBin('dependency-cruiser/bin/dependency-cruise.mjs', ['--config', '.dependency-cruiser.cjs', ...folders]),
  texts: checkTexts,
  'dead code': () => runBin('knip/bin/knip.js', []),
};

/** @returns {Promise<number>} 0 if all that were asked for passed */
export async function check(names) {
  const unknown = names.find((name) => !(name in checks));
  if (unknown !== undefined)
    throw new Refusal(`there is no check '${unknown}'; known are ${Object.keys(checks).join(', ')}`);
  const failed = [];
  for (const name of names.length > 0 ? names : Object.keys(checks)) {
    const started = Date.now();
    const status = await checks[name]();
    say(`${name}: ${status === 0 ? 'passed' : 'FAILED'} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
    if (status !== 0) failed.push(name);
  }
  return failed.length === 0 ? 0 : 1;
}
