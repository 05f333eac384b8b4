/** @file Data files row by row: every row that cannot be read, and, with a tokenizer, what cannot be learnt from. */
import { existsSync } from 'node:fs';
import * as l10n from '@vscode/l10n';
import { isFaulty, labelOf, noSamples, readSample } from '../data/dataset';
import { encodeSample, type EncodedSample } from '../data/encodeSample';
import { foreignToken } from '../data/foreignToken';
import { LabelNames } from '../data/labels';
import type { LossOn } from '../data/pieces';
import type { RawRow } from '../data/rawRow';
import { RepeatedFaults } from '../data/repeatedFaults';
import { beginsWithMark, readRows } from '../data/rows';
import type { RowFault, SampleFormat, SampleTask } from '../data/samples';
import { isFault, parseSample } from '../data/samples';
import { firstRows, FormatVotes, noFormat, rowProblem, strayFormat } from '../data/setFormat';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { KernelError, type Problem } from '../protocol/errors';
import { learnsOnlySpace } from './emptySample';
import { SeenSamples } from './seenSamples';
import type { CheckContext } from './types';
import { reporting } from './types';

export interface DataCheck {
  readonly format: SampleFormat | 'auto';
  /** What the samples are for; default: to learn the next token. */
  readonly task?: SampleTask;
  readonly lossOn: LossOn;
  readonly maxLength: number;
  /** Without one the rows are only read. */
  readonly tokenizer?: CheckpointTokenizer;
  /** Tokens of the model; ids beyond cannot be trained on. */
  readonly vocabularySize?: number;
  /** What the set is for, where that is known. */
  readonly usedFor?: 'training' | 'evaluation';
  /** Hears of each row that is a sample; what is lost of it is then the listener's to say, and is not counted here. */
  readonly onSample?: (sample: CheckedSample) => void;
  /** Hears of the names of all classes in the end. */
  readonly onLabels?: (names: readonly string[]) => void;
}

export interface CheckedSample {
  readonly file: string;
  readonly line: number;
  readonly format: SampleFormat;
  readonly value: unknown;
  /** Cut at `maxLength`; absent without a tokenizer. */
  readonly tokens?: EncodedSample;
}

/** How a data file is read that no configuration speaks of: as by a configuration that says nothing. */
export const PLAIN: DataCheck = { format: 'auto', lossOn: 'completion', maxLength: Infinity };

/** Files that are read as one set. */
export async function checkData(files: readonly string[], check: DataCheck, context: CheckContext): Promise<void> {
  const present = files.filter((file) => existsSync(file));
  const format = check.format === 'auto' ? await anyFormat(present, check.task, context) : check.format;
  const labels = new LabelNames();
  for (const file of present) {
    await reporting(context, file, () => new FileCheck(file, format, check, labels, context).run());
  }
  if (format === 'classification') {
    reportLabels(labels.names, present, check, context);
    check.onLabels?.(labels.names);
  }
}

/** One class alone teaches nothing but to always say it. */
function reportLabels(
  names: readonly string[],
  files: readonly string[],
  { usedFor }: DataCheck,
  context: CheckContext,
): void {
  const [only] = names;
  const [file] = files;
  if (usedFor === 'evaluation' || names.length !== 1 || only === undefined || file === undefined) return;
  const found = l10n.t('all samples have the label {0}', JSON.stringify(only));
  const severity = usedFor === 'training' ? 'error' : 'warning';
  context.report({ file, severity, found, expected: l10n.t('expected samples of two labels or more') });
}

/** Where nobody says what the samples are for, they may be for either. */
async function anyFormat(
  files: readonly string[],
  task: SampleTask | undefined,
  context: CheckContext,
): Promise<SampleFormat | null> {
  if (task) return likelyFormat(files, task, context, true);
  return (
    (await likelyFormat(files, 'next-token', context, false)) ??
    (await likelyFormat(files, 'classification', context, false))
  );
}

/** The format of most of the first rows; rows that do not have it are problems. `null`: no row has any. `isKnown`: the task is. */
async function likelyFormat(
  files: readonly string[],
  task: SampleTask,
  context: CheckContext,
  isKnown: boolean,
): Promise<SampleFormat | null> {
  const votes = new FormatVotes(task);
  for (const file of files) {
    await reporting(context, file, async () => {
      for await (const row of firstRows(file, context.signal)) votes.add(file, row);
    });
  }
  const { undecided, labelled } = votes;
  if (undecided) context.report(undecided);
  else if (isKnown && labelled) context.report(labelled);
  return votes.winner;
}

/** Rows that have something in common: how many, and the line of the first. */
interface Count {
  count: number;
  line: number;
}

/** Roles that chat templates know; another one is more often a slip of the pen than a wish. */
const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool', 'function', 'ipython']);

class FileCheck {
  private rows = 0;
  private cut = 0;
  private readonly idle: Count = { count: 0, line: 0 };
  private readonly blank: Count = { count: 0, line: 0 };
  private readonly unanswered: Count = { count: 0, line: 0 };
  private readonly repeated: Count & { before: number } = { count: 0, line: 0, before: 0 };
  private readonly strange = new Map<string, Count>();
  private readonly seen = new SeenSamples();
  private readonly faults: Pick<RepeatedFaults, 'add' | 'finish'>;

  constructor(
    private readonly file: string,
    private readonly format: SampleFormat | null,
    private readonly check: DataCheck,
    private readonly labels: LabelNames,
    private readonly context: CheckContext,
  ) {
    const report = (problem: Problem): void => context.report(problem);
    // A listener counts the rows itself, by their problems too.
    this.faults = check.onSample ? { add: report, finish: () => undefined } : new RepeatedFaults(file, report);
  }

  async run(): Promise<void> {
    const { file, context } = this;
    for await (const { rows } of readRows(file)) {
      if (context.signal.aborted) throw new KernelError('cancelled', 'reading the data was cancelled');
      for (const row of rows) {
        this.rows++;
        const fault = row.fault ?? this.faultOf(row);
        if (fault) this.faults.add(rowProblem(file, row, fault));
        // Every other row would have it too.
        if (fault?.concernsAll) {
          this.finished();
          return;
        }
        if (!fault && !this.check.onSample) this.look(row);
      }
      context.progress(l10n.t('{0}: {1} rows', file, this.rows));
    }
    this.finished();
  }

  private finished(): void {
    this.faults.finish();
    this.reportCounts();
  }

  /** What is odd about a sample by itself, whatever the tokenizer. */
  private look({ value, line }: RawRow): void {
    const before = this.seen.before(value, line);
    if (before !== undefined && this.repeated.count === 0) this.repeated.before = before;
    if (before !== undefined) note(this.repeated, line);
    const sample = this.format ? parseSample(value, this.format) : undefined;
    if (!sample || isFault(sample)) return;
    if (learnsOnlySpace(sample)) note(this.blank, line);
    if (sample.kind !== 'messages') return;
    for (const { role } of sample.messages) {
      if (ROLES.has(role)) continue;
      const count = this.strange.get(role) ?? { count: 0, line: 0 };
      if (this.strange.size < MOST_ROLES) this.strange.set(role, count);
      note(count, line);
    }
    const isAnswered = sample.messages.slice(sample.firstLearnt).some(({ role }) => role === 'assistant');
    if (!isAnswered && !this.check.tokenizer && this.check.lossOn !== 'all') note(this.unanswered, line);
  }

  private faultOf(row: RawRow): RowFault | null {
    const { format } = this;
    const { tokenizer, lossOn, maxLength, vocabularySize = Infinity, task = 'next-token' } = this.check;
    const isTold = this.check.format === 'auto';
    const { value } = row;
    if (!format) return noFormat(value, this.check.task ?? 'next-token');
    if (!tokenizer) {
      const stray = isTold ? strayFormat(value, format) : undefined;
      if (stray) return stray;
      const sample = parseSample(value, format);
      if (isFault(sample)) return sample;
      if (sample.kind === 'labelled') {
        const label = labelOf({ pieces: [], addsStartAndEnd: false, label: sample.label }, format, this.labels);
        if (typeof label === 'object') return label;
      }
      this.tell(row, format);
      return null;
    }
    const { chatTemplate } = tokenizer;
    const read = readSample(row, {
      ...{ format, isTold, task, lossOn, now: new Date(), labels: this.labels },
      ...(chatTemplate && { chatTemplate }),
    });
    if (isFaulty(read)) return read;
    const tokens = encodeSample(read.pieces, tokenizer, maxLength);
    const { ids, supervised, wasCut } = tokens;
    if (wasCut) this.cut++;
    const foreign = foreignToken(ids, tokenizer, vocabularySize);
    if (foreign) return foreign;
    if (supervised === 0) note(this.idle, row.line);
    this.tell(row, format, tokens);
    return null;
  }

  private tell({ line, value }: RawRow, format: SampleFormat, tokens?: EncodedSample): void {
    this.check.onSample?.({ file: this.file, line, format, value, ...(tokens && { tokens }) });
  }

  private reportCounts(): void {
    const { file, context, idle, blank, unanswered, repeated, cut, rows, check } = this;
    if (rows === 0) context.report(noSamples(file));
    if (check.onSample) return;
    const warn = (found: string, expected: string, line?: number): void =>
      context.report({ file, ...(line !== undefined && { line }), severity: 'warning', found, expected });
    if (idle.count > 0) {
      const found = l10n.t('{0} of {1} samples hold no token that carries loss; this is the first', idle.count, rows);
      warn(
        found,
        l10n.t('expected a completion that begins within max_length; they are skipped in training'),
        idle.line,
      );
    }
    if (blank.count > 0) {
      const found = l10n.t('of {0} of {1} samples what is to be learnt is empty; this is the first', blank.count, rows);
      warn(found, l10n.t('expected text'), blank.line);
    }
    if (unanswered.count > 0) {
      const found = l10n.t(
        '{0} of {1} samples hold no answer of the assistant; this is the first',
        unanswered.count,
        rows,
      );
      warn(found, l10n.t('expected a turn to learn; they are skipped in training'), unanswered.line);
    }
    for (const [role, { count, line }] of this.strange) {
      const found = l10n.t(
        '{0} messages have the role {1}; this is the first',
        count,
        JSON.stringify(role.slice(0, 60)),
      );
      warn(found, l10n.t('expected {0}; what becomes of it is up to the chat template', [...ROLES].join(', ')), line);
    }
    if (repeated.count > 0) {
      const found = l10n.t(
        '{0} of {1} samples repeat an earlier one; this is the first, it repeats line {2}',
        repeated.count,
        rows,
        repeated.before,
      );
      warn(found, l10n.t('expected each sample once; they count twice in training'), repeated.line);
    }
    if (cut > 0) {
      const found = l10n.t('{0} of {1} samples have more than {2} tokens', cut, rows, check.maxLength);
      warn(found, l10n.t('expected max_length to hold them; they are cut in training'));
    }
    if (beginsWithMark(file)) {
      warn(l10n.t('found a byte order mark'), l10n.t('it is left out; save the file as UTF-8 without one'), 1);
    }
  }
}

const MOST_ROLES = 20;

function note(count: Count, line: number): void {
  if (count.count++ === 0) count.line = line;
}
