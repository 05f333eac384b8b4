/**
 * @file `npm start`: opens VS Code with the extension on a copy of the sample workspace. Desktop VS Code if `code` is on the
 * PATH, else the browser workbench on 127.0.0.1 (`-- --browser` takes that in any case, `-- --port N` says where).
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { buildProduct } from '../../esbuild.mjs';
import { ensureHost, hostObstacle } from './install.mjs';
import { Refusal, root, run, say } from './process.mjs';
import { serveWorkbench } from './serveWorkbench.mjs';

const sample = path.join(root, 'media/sample');
const cache = path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'adapter-studio');

/** @returns {Promise<number>} exit status of the editor */
export async function start(args) {
  const options = parse(args);
  await buildProduct();
  const workspace = copySample();
  say(`sample workspace, a copy you may change: ${workspace}`);
  if (!options.browser && hasDesktopEditor()) {
    say('opening VS Code (code --extensionDevelopmentPath)');
    return run('code', [`--extensionDevelopmentPath=${root}`, workspace], { shell: process.platform === 'win32' });
  }
  const obstacle = hostObstacle();
  if (obstacle !== undefined) {
    throw new Refusal(
      `There is no 'code' command, and ${obstacle}. In VS Code run "Shell Command: Install 'code' command in PATH".`,
    );
  }
  await ensureHost();
  return serveWorkbench({ workspace, data: path.join(cache, 'workbench'), port: options.port });
}

function parse(args) {
  const options = { browser: false, port: undefined };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--browser') options.browser = true;
    else if (args[i] === '--port' && /^\d+$/.test(args[i + 1] ?? '')) options.port = Number(args[++i]);
    else throw new Refusal(`npm start -- [--headless | --browser] [--port N]: cannot use '${args[i]}'`);
  }
  return options;
}

/** The command of a desktop VS Code. The one in a remote or WSL terminal cannot load an extension from a folder. */
function hasDesktopEditor() {
  if (process.env.VSCODE_IPC_HOOK_CLI || process.env.WSL_DISTRO_NAME) return false;
  const extensions = process.platform === 'win32' ? ['.cmd', '.exe'] : [''];
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  return folders.some((folder) => extensions.some((extension) => existsSync(path.join(folder, `code${extension}`))));
}

/** One folder for each state of the sample: what was tried in it stays, and a changed sample gets a fresh one. */
function copySample() {
  if (!existsSync(sample)) throw new Refusal(`${path.relative(root, sample)} is missing; npm run sample makes it`);
  const files = readdirSync(sample, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const hash = createHash('sha256');
  for (const file of files.map((entry) => path.join(entry.parentPath ?? entry.path, entry.name)).sort()) {
    hash.update(path.relative(sample, file)).update(readFileSync(file));
  }
  const workspace = path.join(cache, `sample-${hash.digest('hex').slice(0, 8)}`);
  if (existsSync(workspace)) return workspace;
  mkdirSync(cache, { recursive: true });
  const temporary = `${workspace}.${process.pid}.tmp`;
  cpSync(sample, temporary, { recursive: true });
  renameSync(temporary, workspace);
  return workspace;
}
