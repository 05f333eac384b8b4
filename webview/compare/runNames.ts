/** @file A name for each of several runs: runs of one configuration have the same one, so they get the end of their folder's. */
import type { ComparedRun } from '../protocol/compare';

export function runNames(runs: readonly Pick<ComparedRun, 'folder' | 'info'>[]): readonly string[] {
  const names = runs.map(({ folder, info }) => info?.name ?? lastPart(folder));
  return names.map((name, i) => {
    if (names.every((other, k) => k === i || other !== name)) return name;
    const ends = runs.map(({ folder }) => lastPart(folder).split('-').at(-1) ?? '');
    const isTold = ends.every((end, k) => k === i || end !== ends[i]);
    return `${name} ${isTold ? ends[i] : i + 1}`;
  });
}

function lastPart(folder: string): string {
  return folder.split(/[\\/]/).at(-1) ?? folder;
}
