/**
 * @file Goes through the samples of a data set one at a time, for people: by number, by text, by what is odd about them. Rows
 * that training leaves out have their number as well.
 */
import * as l10n from '@vscode/l10n';
import type { SampleGoal, SampleLengths, SampleTokens, TokenWarningKind } from '../protocol/calls/tokens';
import { KernelError } from '../protocol/errors';
import { growingFloat64, growingInt32 } from '../util/columns';
import { isPieces } from './dataset';
import { cutTokens, placeTokens } from './encodeSample';
import { explainSample } from './explainSample';
import { detectFormat, rowProblem } from './setFormat';
import { piecesOf, type Pieces } from './pieces';
import { readRow, readRows } from './rows';
import { isFault, parseSample, type RowFault, type Sample, type SampleFormat, type SampleTask } from './samples';
import { sampleWarnings, type SampleContext } from './sampleWarnings';

export interface BrowseOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string, fraction?: number) => void;
}

/** The rows of data files by number: where each one is. Read once for a set of files. */
export class RowPlaces {
  private readonly file = growingInt32();
  private readonly line = growingInt32();
  private readonly size = growingInt32();
  private readonly offset = growingFloat64();
  /** What is wrong with rows that cannot be read at all. */
  private readonly faults = new Map<number, RowFault>();

  private constructor(private readonly files: readonly string[]) {}

  static async read(files: readonly string[], { signal, onProgress }: BrowseOptions): Promise<RowPlaces> {
    const places = new RowPlaces(files);
    for (const [index, file] of files.entries()) {
      for await (const { rows } of readRows(file)) {
        if (signal?.aborted) throw new KernelError('cancelled', 'reading the data was cancelled');
        for (const row of rows) {
          if (row.fault) places.faults.set(places.count, row.fault);
          places.file.push(index);
          places.line.push(row.line);
          places.size.push(row.size);
          places.offset.push(row.offset);
        }
        onProgress?.(l10n.t('Reading {0}', file));
      }
    }
    return places;
  }

  get count(): number {
    return this.file.length;
  }

  /** File and line of a row, counted from 0. */
  place(at: number): { readonly file: string; readonly line: number } {
    return { file: this.files[this.file.values()[at] ?? 0] ?? '', line: this.line.values()[at] ?? 0 };
  }

  fault(at: number): RowFault | undefined {
    return this.faults.get(at);
  }

  value(at: number): Promise<unknown> {
    return readRow(this.place(at).file, this.offset.values()[at] ?? 0, this.size.values()[at] ?? 0);
  }
}

export interface BrowserContext extends SampleContext {
  readonly files: readonly string[];
  readonly format: SampleFormat | 'auto';
  readonly task?: SampleTask;
  /** The day a chat template sees that asks for it. */
  readonly now: Date;
}

/** Bins of the histogram of lengths, at most. */
const MOST_BINS = 60;

export class SampleBrowser {
  /** Set by a scan: lengths before the cut (0: unreadable), and whether there is a warning. */
  private scanned: { readonly lengths: Int32Array; readonly hasWarning: Uint8Array } | undefined;
  private summary: SampleLengths | undefined;

  private constructor(
    private readonly context: BrowserContext,
    private readonly rows: RowPlaces,
    private readonly format: SampleFormat,
  ) {}

  /** Throws `input/refused` when the format cannot be told. */
  static async open(context: BrowserContext, rows: RowPlaces, { signal }: BrowseOptions = {}): Promise<SampleBrowser> {
    const format = context.format === 'auto' ? await detectFormat(context.files, signal, context.task) : context.format;
    return new SampleBrowser(context, rows, format);
  }

  get count(): number {
    return this.rows.count;
  }

  /** Sample `number`, from 1. Throws `input/refused` when there is no such row or it is no sample. */
  async show(number: number): Promise<SampleTokens> {
    const at = number - 1;
    if (!Number.isInteger(number) || at < 0 || at >= this.count) {
      const expected =
        this.count === 0 ? l10n.t('the data is empty') : l10n.t('expected a number from 1 to {0}', this.count);
      throw new KernelError('input/refused', l10n.t('there is no sample {0}; {1}', number, expected));
    }
    const place = this.rows.place(at);
    const { sample, pieces } = await this.sampleAt(at);
    if (!sample) throw KernelError.refused([rowProblem(place.file, { ...place, offset: 0, size: 0 }, pieces)]);
    return { sample: number, ...place, format: this.format, ...explainSample(sample, pieces, this.context) };
  }

  /** The number of the sample that is looked for, null when there is none. */
  async find(goal: SampleGoal, options: BrowseOptions = {}): Promise<number | null> {
    switch (goal.to) {
      case 'number':
        return goal.number;
      case 'random':
        return this.count === 0 ? null : 1 + Math.floor(Math.random() * this.count);
      case 'longest': {
        const { lengths } = await this.scan(options);
        const longest = lengths.reduce((best, length, i) => (length > (lengths[best] ?? 0) ? i : best), 0);
        return this.count === 0 ? null : longest + 1;
      }
      case 'next':
      case 'previous':
        return this.search(goal, options);
    }
  }

  /** Tokenises all samples, once. */
  async lengths(options: BrowseOptions = {}): Promise<SampleLengths> {
    await this.scan(options);
    if (!this.summary) throw new KernelError('internal', 'a scan left no summary');
    return this.summary;
  }

  private async search(
    { to, from, query = '', withWarning = false }: Extract<SampleGoal, { to: 'next' | 'previous' }>,
    options: BrowseOptions,
  ): Promise<number | null> {
    const step = to === 'next' ? 1 : -1;
    const wanted = query.toLowerCase();
    const marks = withWarning ? (await this.scan(options)).hasWarning : undefined;
    for (let number = from + step, looked = 0; number >= 1 && number <= this.count; number += step) {
      if (marks && marks[number - 1] !== 1) continue;
      if (wanted === '' || holds(await this.valueOrNull(number - 1), wanted)) return number;
      if (++looked % 1000 === 0) await breathe(options.signal);
    }
    return null;
  }

  private async scan(options: BrowseOptions): Promise<{ lengths: Int32Array; hasWarning: Uint8Array }> {
    if (this.scanned) return this.scanned;
    const lengths = new Int32Array(this.count);
    const hasWarning = new Uint8Array(this.count);
    const warnings: Partial<Record<TokenWarningKind, number>> = {};
    const totals = { tokens: 0, loss: 0, cut: 0, unreadable: 0 };
    let at = 0;
    for (const file of this.context.files) {
      for await (const { rows } of readRows(file)) {
        for (const row of rows.slice(0, this.count - at)) {
          const { sample, pieces } = row.fault ? { sample: null, pieces: row.fault } : this.parse(row.value);
          if (sample) {
            const placed = placeTokens(pieces, this.context.tokenizer);
            const kept = cutTokens(placed, this.context.maxLength);
            const kinds = new Set(sampleWarnings(sample, pieces, placed, this.context).map((w) => w.kind));
            for (const kind of kinds) warnings[kind] = (warnings[kind] ?? 0) + 1;
            lengths[at] = placed.ids.length;
            hasWarning[at] = kinds.size > 0 ? 1 : 0;
            totals.tokens += kept.ids.length;
            totals.loss += kept.supervised;
            if (kept.wasCut) totals.cut++;
          } else {
            hasWarning[at] = 1;
            totals.unreadable++;
          }
          at++;
        }
        options.onProgress?.(l10n.t('Tokenising all samples'), this.count === 0 ? 1 : at / this.count);
        await breathe(options.signal);
      }
    }
    const longest = lengths.reduce((most, n) => Math.max(most, n), 0);
    const read = this.count - totals.unreadable;
    const { binWidth, bins } = histogram(lengths, longest);
    this.summary = {
      samples: this.count,
      ...totals,
      maxLength: this.context.maxLength,
      longest,
      mean: read === 0 ? 0 : lengths.reduce((sum, n) => sum + n, 0) / read,
      warnings,
      binWidth,
      bins,
    };
    return (this.scanned = { lengths, hasWarning });
  }

  private async sampleAt(at: number): Promise<ParsedRow> {
    const fault = this.rows.fault(at);
    return fault ? { sample: null, pieces: fault } : this.parse(await this.rows.value(at));
  }

  private async valueOrNull(at: number): Promise<unknown> {
    return this.rows.fault(at) ? null : this.rows.value(at);
  }

  /** As `toPieces` of the training data, with the sample beside it. */
  private parse(value: unknown): ParsedRow {
    const { tokenizer, lossOn, now } = this.context;
    const sample = parseSample(value, this.format);
    if (isFault(sample)) return { sample: null, pieces: sample };
    try {
      const { chatTemplate } = tokenizer;
      const pieces = piecesOf(sample, { lossOn, now, ...(chatTemplate && { chatTemplate }) });
      return isPieces(pieces) ? { sample, pieces } : { sample: null, pieces };
    } catch (error) {
      if (!KernelError.is(error, 'input/refused')) throw error;
      return { sample: null, pieces: { found: error.message, expected: l10n.t('expected other messages') } };
    }
  }
}

type ParsedRow =
  { readonly sample: Sample; readonly pieces: Pieces } | { readonly sample: null; readonly pieces: RowFault };

/** Whether any text in a row contains `wanted`, which is in lower case. */
function holds(value: unknown, wanted: string): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(wanted);
  return typeof value === 'object' && value !== null && Object.values(value).some((inner) => holds(inner, wanted));
}

/** Widths of 1, 2, 4, 8 … so that the edges are whole numbers and `max_length`, mostly a power of two, is one. */
function histogram(lengths: Int32Array, longest: number): { binWidth: number; bins: number[] } {
  let binWidth = 1;
  while (longest / binWidth > MOST_BINS) binWidth *= 2;
  const bins = new Array<number>(Math.ceil(longest / binWidth)).fill(0);
  for (const length of lengths) {
    if (length > 0) bins[Math.ceil(length / binWidth) - 1]! += 1;
  }
  return { binWidth, bins };
}

async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resume) => setImmediate(resume));
  if (signal?.aborted) throw new KernelError('cancelled', 'reading the data was cancelled');
}
