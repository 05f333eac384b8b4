/** @file Lists the faults of rows one by one, and those that many rows have in common once, with the lines. */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';

/** Rows with just the same fault that are listed one by one. */
const LISTED = 4;
/** Of a file in which every row has a fault of its own. */
const MOST_LISTED = 1000;
/** Stretches of lines that are named. */
const MOST_RANGES = 50;

interface Group {
  readonly first: Problem;
  count: number;
  /** [from, to] of neighbouring lines. */
  readonly ranges: [number, number][];
}

export class RepeatedFaults {
  private readonly groups = new Map<string, Group>();
  private listed = 0;
  private unlisted = 0;

  constructor(
    private readonly file: string,
    private readonly report: (problem: Problem) => void,
  ) {}

  add(problem: Problem): void {
    const { where, found, expected, line = 0 } = problem;
    const key = JSON.stringify([where, found, expected]);
    const group = this.groups.get(key);
    if (group && group.count >= LISTED) {
      group.count++;
      const last = group.ranges.at(-1);
      if (last && last[1] >= line - 1) last[1] = line;
      else if (group.ranges.length <= MOST_RANGES) group.ranges.push([line, line]);
      return;
    }
    if (this.listed >= MOST_LISTED) {
      this.unlisted++;
      return;
    }
    if (group) group.count++;
    else this.groups.set(key, { first: problem, count: 1, ranges: [] });
    this.listed++;
    this.report(problem);
  }

  /** What was not listed line by line. */
  finish(): void {
    for (const { first, count, ranges } of this.groups.values()) {
      const [begin] = ranges;
      if (!begin) continue;
      const named = ranges.slice(0, MOST_RANGES).map(([from, to]) => (from === to ? `${from}` : `${from}–${to}`));
      const lines = `${named.join(', ')}${ranges.length > MOST_RANGES ? ', …' : ''}`;
      const more = count - LISTED;
      const found =
        more === 1
          ? l10n.t('{0}: the same on 1 more line ({1})', first.found, lines)
          : l10n.t('{0}: the same on {1} more lines ({2})', first.found, more, lines);
      this.report({ ...first, line: begin[0], found });
    }
    if (this.unlisted === 0) return;
    const found = l10n.t('{0} more rows with mistakes of their own are not listed', this.unlisted);
    this.report({ file: this.file, severity: 'error', found, expected: l10n.t('expected a file with few mistakes') });
  }
}
