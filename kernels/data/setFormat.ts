/** @file The format of a set of files, told from their first rows; one for whoever trains on them, checks or shows them. */
import * as l10n from '@vscode/l10n';
import { KernelError, type Problem } from '../protocol/errors';
import type { RawRow } from './rawRow';
import { readRows } from './rows';
import { formatsOf, isLabelled, isRow, meantFormat, undecidedFormat, unreadLabel } from './samples';
import type { RowFault, SampleFormat, SampleTask } from './samples';

/** Rows of each file by which `auto` tells the format. */
const ROWS_TO_DETECT = 50;

export async function* firstRows(file: string, signal: AbortSignal | undefined): AsyncGenerator<RawRow> {
  let left = ROWS_TO_DETECT;
  for await (const { rows } of readRows(file)) {
    if (signal?.aborted) throw new KernelError('cancelled', 'reading the data was cancelled');
    for (const row of rows.slice(0, left)) yield row;
    left -= rows.length;
    if (left <= 0) return;
  }
}

/** What a row could be, counted row by row. Rows that cannot be read have no vote. */
export class FormatVotes {
  /** In the order in which the formats were first met. */
  private readonly votes = new Map<SampleFormat, number>();
  private firstUndecided: Problem | undefined;
  private firstLabelled: Problem | undefined;

  constructor(private readonly task: SampleTask) {}

  add(file: string, row: RawRow): void {
    const { task } = this;
    if (row.fault || !isRow(row.value)) return;
    const own = formatsOf(row.value, task);
    for (const format of own) this.votes.set(format, (this.votes.get(format) ?? 0) + 1);
    if (own.length > 1 && !meantFormat(own, task))
      this.firstUndecided ??= rowProblem(file, row, undecidedFormat(row.value, own, task));
    const unread = unreadLabel(row.value, meantFormat(own, task), task);
    if (unread) this.firstLabelled ??= rowProblem(file, row, unread);
  }

  /** The format with most votes, the one met first among equals; `null`: no row has any. */
  get winner(): SampleFormat | null {
    return this.leaders[0] ?? null;
  }

  /** A row that could be more than one, when the votes do not decide between them. */
  get undecided(): Problem | undefined {
    return this.leaders.length > 1 ? this.firstUndecided : undefined;
  }

  /** A row of plain text with a label that would not be learnt, when plain text has most votes. */
  get labelled(): Problem | undefined {
    return this.winner === 'text' ? this.firstLabelled : undefined;
  }

  private get leaders(): readonly SampleFormat[] {
    const most = Math.max(0, ...this.votes.values());
    return most === 0 ? [] : [...this.votes].flatMap(([format, votes]) => (votes === most ? [format] : []));
  }
}

/** The votes of the first rows of all files. */
export async function votesOf(
  files: readonly string[],
  signal: AbortSignal | undefined,
  task: SampleTask = 'next-token',
): Promise<FormatVotes> {
  const votes = new FormatVotes(task);
  for (const file of files) for await (const row of firstRows(file, signal)) votes.add(file, row);
  return votes;
}

/** The format that most of the first rows have. Throws `input/refused` when none has any, or nobody can tell which is meant. */
export async function detectFormat(
  files: readonly string[],
  signal: AbortSignal | undefined,
  task: SampleTask = 'next-token',
): Promise<SampleFormat> {
  const { winner, undecided, labelled } = await votesOf(files, signal, task);
  const unclear = undecided ?? labelled;
  if (unclear) throw KernelError.refused([unclear]);
  if (winner !== null) return winner;
  for (const file of files) {
    for await (const row of firstRows(file, signal))
      throw KernelError.refused([rowProblem(file, row, row.fault ?? noFormat(row.value, task))]);
  }
  const [file = ''] = files;
  const found = l10n.t('found no samples');
  throw KernelError.refused([{ file, severity: 'error', found, expected: l10n.t('expected at least one') }]);
}

/** Why a row has no format at all. */
export const noFormat = (value: unknown, task: SampleTask): RowFault =>
  isRow(value)
    ? undecidedFormat(value, [], task)
    : { found: l10n.t('found no JSON object'), expected: l10n.t('expected an object with keys') };

/** Why a row is not of the format that was told from the others: it is a whole sample of another one. */
export function strayFormat(value: unknown, format: SampleFormat): RowFault | undefined {
  // What is wrong with a label says more.
  if (isLabelled(format) || !isRow(value)) return undefined;
  const own = formatsOf(value, 'next-token');
  if (own.length === 0 || own.includes(format)) return undefined;
  const found = l10n.t('found a sample of format {0} among samples of format {1}', own.join(' or '), format);
  return { found, expected: l10n.t('expected one format in all files') };
}

export function rowProblem(file: string, row: RawRow, { where, found, expected }: RowFault): Problem {
  return { file, line: row.line, ...(where === undefined ? {} : { where }), severity: 'error', found, expected };
}
