/** @file Installs what is missing: the packages of the repository, and the browser workbench in test/host. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { prepare, Refusal, root } from './process.mjs';

const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined);
// Windows starts npm.cmd only through a shell.
const npm = (what, args) => prepare(what, 'npm', args, { shell: process.platform === 'win32' });

/** Runs `npm ci` unless node_modules holds just the versions of package-lock.json (an `npm install` by hand is as good). */
export async function ensurePackages() {
  if (!isInstalled()) await npm('installing packages', ['ci', '--no-audit', '--no-fund']);
}

/** npm writes node_modules/.package-lock.json last, so it also tells a complete install from a broken-off one. */
function isInstalled() {
  const wanted = readJson(path.join(root, 'package-lock.json')).packages;
  const installed = readJson(path.join(root, 'node_modules/.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(([place, { version, optional }]) => {
    if (place === '') return true;
    const found = installed[place];
    return found === undefined ? optional === true : found.version === version;
  });
}

const host = path.join(root, 'test/host');
const stamp = path.join(host, 'node_modules/.installed');

/** Says why this machine cannot run the browser workbench, or returns undefined. */
export function hostObstacle() {
  return process.platform === 'linux' && process.arch === 'x64'
    ? undefined
    : `the browser workbench runs on Linux x64, this is ${process.platform} ${process.arch}`;
}

/** Installs the browser workbench unless it was installed by this install.sh from this lock file. */
export async function ensureHost() {
  const obstacle = hostObstacle();
  if (obstacle !== undefined) throw new Refusal(obstacle);
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', 'install.sh']) hash.update(readFileSync(path.join(host, file)));
  const digest = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  await prepare('installing the browser workbench', 'sh', [path.join(host, 'install.sh')]);
  writeFileSync(stamp, digest);
}
