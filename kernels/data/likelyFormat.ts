/** @file The format that most of the first rows have, where some of them may have none: for whoever looks at data that has mistakes. */
import type { RawRow } from './rawRow';
import { formatsFor, formatsOf, isRow, meantFormat, undecidedFormat, unreadLabel } from './samples';
import type { RowFault, SampleFormat, SampleTask } from './samples';

/** What a row could be, counted row by row. Rows that cannot be read have no vote. */
export class FormatVotes {
  private readonly votes = new Map<SampleFormat, number>();
  private firstUndecided: UndecidedRow | undefined;
  private firstLabelled: UndecidedRow | undefined;

  constructor(private readonly task: SampleTask) {}

  add(file: string, row: RawRow): void {
    const { task } = this;
    if (row.fault || !isRow(row.value)) return;
    const own = formatsOf(row.value, task);
    for (const format of own) this.votes.set(format, (this.votes.get(format) ?? 0) + 1);
    if (own.length > 1 && !meantFormat(own, task))
      this.firstUndecided ??= { file, row, fault: undecidedFormat(row.value, own, task) };
    const unread = unreadLabel(row.value, meantFormat(own, task), task);
    if (unread) this.firstLabelled ??= { file, row, fault: unread };
  }

  /** The format with most votes, the first in order among equals; `null`: no row has any. */
  get winner(): SampleFormat | null {
    return this.leaders[0] ?? null;
  }

  /** A row that could be more than one, when the votes do not decide between them. */
  get undecided(): UndecidedRow | undefined {
    return this.leaders.length > 1 ? this.firstUndecided : undefined;
  }

  /** A row of plain text with a label that would not be learnt, when plain text has most votes. */
  get labelled(): UndecidedRow | undefined {
    return this.winner === 'text' ? this.firstLabelled : undefined;
  }

  private get leaders(): readonly SampleFormat[] {
    const most = Math.max(0, ...this.votes.values());
    return most === 0 ? [] : formatsFor(this.task).filter((format) => this.votes.get(format) === most);
  }
}

export interface UndecidedRow {
  readonly file: string;
  readonly row: RawRow;
  readonly fault: RowFault;
}
