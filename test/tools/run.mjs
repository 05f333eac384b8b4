/**
 * @file `node test/tools/run.mjs NAME ARGUMENTS`: every command of package.json. It installs what is missing, builds what
 * has changed and passes on the command's exit status. stdout is the command's own; all else goes to stderr.
 */
import { ensurePackages } from './install.mjs';
import { Refusal, run, say } from './process.mjs';

/** Modules that are loaded after the packages are there, because they import some. */
const commands = {
  build: async () => (await import('../../esbuild.mjs')).buildProduct(),
  check: async (args) => (await import('./check.mjs')).check(args),
  test: async (args) => (await import('./test.mjs')).test(args),
  start: async (args) => (await import('./start.mjs')).start(args),
  package: async (args) => (await import('./package.mjs')).packageExtension(args),
  l10n: async (args) => (await import('./l10n.mjs')).l10n(args),
};
/** Programs in TypeScript, bundled when asked for. */
const tools = ['docs', 'golden', 'bench', 'interop', 'sample', 'headless', 'soak', 'fuzz'];

/** Builds the product and the tool, then runs it; the tool's arguments are relative to where the command was given. */
async function runTool(name, args) {
  const { buildProduct, buildTool } = await import('../../esbuild.mjs');
  await buildProduct();
  return run(process.execPath, ['--enable-source-maps', await buildTool(name), ...args], { cwd: process.cwd() });
}

async function main([name = '', ...args]) {
  if (Number.parseInt(process.versions.node, 10) < 20) {
    throw new Refusal(`this is Node ${process.versions.node}; Node 20 or newer is needed`);
  }
  const isHeadless = name === 'start' && args.includes('--headless');
  const tool = isHeadless ? 'headless' : name;
  if (!(name in commands) && !tools.includes(tool)) {
    throw new Refusal(`there is no command '${name}'; known are ${[...Object.keys(commands), ...tools].join(', ')}`);
  }
  await ensurePackages();
  if (tools.includes(tool)) return runTool(tool, isHeadless ? args.filter((arg) => arg !== '--headless') : args);
  const status = await commands[name](args);
  return typeof status === 'number' ? status : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error instanceof Refusal ? error.message : String(error instanceof Error ? error.stack : error));
  process.exitCode = 1;
}
