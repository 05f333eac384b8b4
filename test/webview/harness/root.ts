/** @file Where the project lies: the harness runs from its sources and from the bundle of a benchmark. */
import { existsSync } from 'node:fs';
import path from 'node:path';

export const root = findRoot(__dirname);

function findRoot(folder: string): string {
  return existsSync(path.join(folder, 'package.json')) ? folder : findRoot(path.dirname(folder));
}
