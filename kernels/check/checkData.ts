/** @file Data files row by row: every row that cannot be read, and, with a tokenizer, what cannot be learnt from. */
import { existsSync } from 'node:fs';
import { firstRows, isPieces, rowProblem, toPieces } from '../data/dataset';
import { encodeSample, type EncodedSample } from '../data/encodeSample';
import type { LossOn } from '../data/pieces';
import type { RawRow } from '../data/rawRow';
import { readRows } from '../data/rows';
import type { RowFault, SampleFormat } from '../data/samples';
import { FORMATS, formatsOf, isFault, isRow, parseSample, undecidedFormat } from '../data/samples';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { KernelError } from '../protocol/errors';
import type { CheckContext } from './types';
import { reporting } from './types';

export interface DataCheck {
  readonly format: SampleFormat | 'auto';
  readonly lossOn: LossOn;
  readonly maxLength: number;
  /** Without one the rows are only read. */
  readonly tokenizer?: CheckpointTokenizer;
  /** Tokens of the model; ids beyond cannot be trained on. */
  readonly vocabularySize?: number;
  /** Hears of each row that is a sample; what is lost of it is then the listener's to say, and is not counted here. */
  readonly onSample?: (sample: CheckedSample) => void;
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

/** Files that are read as one set. Returns the number of samples that can be trained on. */
export async function checkData(files: readonly string[], check: DataCheck, context: CheckContext): Promise<number> {
  const present = files.filter((file) => existsSync(file));
  const format = check.format === 'auto' ? await likelyFormat(present, context) : check.format;
  let usable = 0;
  for (const file of present) {
    const count = await reporting(context, file, () => new FileCheck(file, format, check, context).run());
    usable += count ?? 0;
  }
  return usable;
}

/** The format of most of the first rows; rows that do not have it are problems. `null`: no row has any. */
async function likelyFormat(files: readonly string[], context: CheckContext): Promise<SampleFormat | null> {
  const votes = new Map<SampleFormat, number>();
  let undecided: (() => void) | undefined;
  for (const file of files) {
    await reporting(context, file, async () => {
      for await (const row of firstRows(file, context.signal)) {
        if (row.fault || !isRow(row.value)) continue;
        const own = formatsOf(row.value);
        for (const format of own) votes.set(format, (votes.get(format) ?? 0) + 1);
        const fault = undecidedFormat(row.value, own);
        if (own.length > 1) undecided ??= () => context.report(rowProblem(file, row, fault));
      }
    });
  }
  const most = Math.max(0, ...votes.values());
  const likely = FORMATS.filter((format) => votes.get(format) === most);
  if (likely.length > 1 && most > 0) undecided?.();
  return most === 0 ? null : (likely[0] ?? null);
}

class FileCheck {
  private usable = 0;
  private rows = 0;
  private cut = 0;
  /** Rows without loss: how many, and the line of the first. */
  private readonly idle = { count: 0, line: 0 };

  constructor(
    private readonly file: string,
    private readonly format: SampleFormat | null,
    private readonly check: DataCheck,
    private readonly context: CheckContext,
  ) {}

  async run(): Promise<number> {
    const { file, context } = this;
    for await (const { rows } of readRows(file)) {
      if (context.signal.aborted) throw new KernelError('cancelled', 'reading the data was cancelled');
      for (const row of rows) {
        this.rows++;
        const fault = row.fault ?? this.faultOf(row);
        if (fault) context.report(rowProblem(file, row, fault));
      }
      context.progress(`${file}: ${this.rows} rows`);
    }
    this.reportCounts();
    return this.usable;
  }

  private faultOf(row: RawRow): RowFault | null {
    const { format } = this;
    const { tokenizer, lossOn, maxLength, vocabularySize = Infinity } = this.check;
    const { value } = row;
    if (!format)
      return isRow(value)
        ? undecidedFormat(value, [])
        : { found: 'found no JSON object', expected: 'expected an object with keys' };
    if (!tokenizer) {
      const sample = parseSample(value, format);
      if (isFault(sample)) return sample;
      this.usable++;
      this.tell(row, format);
      return null;
    }
    const { chatTemplate } = tokenizer;
    const pieces = toPieces(value, format, { lossOn, now: new Date(), ...(chatTemplate && { chatTemplate }) });
    if (!isPieces(pieces)) return pieces;
    const tokens = encodeSample(pieces, tokenizer, maxLength);
    const { ids, supervised, wasCut } = tokens;
    if (wasCut) this.cut++;
    const beyond = ids.find((id) => id >= vocabularySize);
    if (beyond !== undefined) {
      const found = `found the token ${JSON.stringify(tokenizer.idToToken(beyond))} with id ${beyond}`;
      return { found, expected: `expected ids below ${vocabularySize}, the vocab_size of the model` };
    }
    if (supervised > 0) this.usable++;
    else if (this.idle.count++ === 0) this.idle.line = row.line;
    this.tell(row, format, tokens);
    return null;
  }

  private tell({ line, value }: RawRow, format: SampleFormat, tokens?: EncodedSample): void {
    this.check.onSample?.({ file: this.file, line, format, value, ...(tokens && { tokens }) });
  }

  private reportCounts(): void {
    const { file, context, idle, cut, rows, check } = this;
    if (rows === 0)
      context.report({ file, severity: 'error', found: 'found no samples', expected: 'expected at least one' });
    if (check.onSample) return;
    if (idle.count > 0) {
      const found = `${idle.count} of ${rows} samples hold no token that carries loss; this is the first`;
      const expected = 'expected a completion that begins within max_length; they are skipped in training';
      context.report({ file, line: idle.line, severity: 'warning', found, expected });
    }
    if (cut > 0) {
      const found = `${cut} of ${rows} samples have more than ${check.maxLength} tokens`;
      context.report({
        file,
        severity: 'warning',
        found,
        expected: 'expected max_length to hold them; they are cut in training',
      });
    }
  }
}
