/**
 * @file A data set as tokens. The files are read once, sample by sample, and what comes out is kept on disk under a
 * digest of everything it depends on; in memory there are only a few numbers for each sample.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, statSync } from 'node:fs';
import { join } from 'node:path';
import * as l10n from '@vscode/l10n';
import { makeFolders } from '../formats/atomicFile';
import { openPlainFile } from '../formats/plainFile';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { KernelError, type Problem } from '../protocol/errors';
import type { TokenSample } from './batches';
import { encodeSample, renderSample, type RenderedPiece } from './encodeSample';
import { LabelNames } from './labels';
import { piecesOf, type LossOn, type PieceOptions, type Pieces } from './pieces';
import type { RawRow } from './rawRow';
import { readRow, readRows } from './rows';
import {
  formatsFor,
  formatsOf,
  isFault,
  isLabelled,
  isRow,
  meantFormat,
  parseSample,
  undecidedFormat,
  unreadLabel,
  type RowFault,
  type SampleFormat,
  type SampleTask,
} from './samples';
import { TokenFile, TokenFileWriter, TOKEN_FILE_VERSION } from './tokenFile';

export interface DatasetOptions {
  /** Absolute paths, read in this order as one set. */
  readonly files: readonly string[];
  readonly format: SampleFormat | 'auto';
  /** What the samples are for; default: to learn the next token. `auto` looks for formats of it alone. */
  readonly task?: SampleTask;
  readonly lossOn: LossOn;
  /** Longer samples are cut on the right. */
  readonly maxLength: number;
  /** Also brings the chat template. */
  readonly tokenizer: CheckpointTokenizer;
  /** Folder for tokenised sets; it is made when it does not exist, and can be deleted at any time. */
  readonly cacheDir: string;
  /** The day a chat template sees that asks for it; default: today. A resumed run gives that of its start. */
  readonly now?: Date;
  readonly signal?: AbortSignal;
  /** Share of the files that was read, 0 to 1. */
  readonly onProgress?: (fraction: number) => void;
}

export interface SourcedSample extends TokenSample {
  readonly source: { readonly file: string; readonly line: number };
}

export interface TokenDataset {
  /** Samples that can be trained on. */
  readonly length: number;
  /** Tokens of each sample. */
  readonly tokenLengths: Int32Array;
  /** Tokens of each sample that carry loss. */
  readonly supervisedCounts: Int32Array;
  /** The format of the samples, given or detected. */
  readonly format: SampleFormat;
  /** Samples left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Samples that were longer than `maxLength`. */
  readonly truncated: number;
  /** Of labelled samples: names of the classes by their place; empty where labels are numbers; null: no labels. */
  readonly labels: readonly string[] | null;
  /** The label of a sample, without reading its tokens: the place of its name, or the number. */
  label(i: number): number;
  /** Where a sample is from. */
  source(i: number): SourcedSample['source'];
  /** Identifies the tokens: files, tokenizer, template and options. */
  readonly digest: string;
  read(i: number): SourcedSample;
  /** The text of a sample with and without loss, read from its file again. */
  render(i: number): Promise<readonly RenderedPiece[]>;
  close(): void;
}

/** Reading goes on after a bad row, so that a person sees more than one; then it ends. */
const MOST_PROBLEMS = 50;
/** Rows of each file by which `auto` tells the format. */
const ROWS_TO_DETECT = 50;
/** Why a sample is left out, as the file of tokens has it. */
type SkipReason = 'cut off' | 'nothing learnt';

/**
 * Tokenises the files, or finds the tokens of an earlier time. Throws `input/refused` with the line of every row that is
 * not a sample of the format, and `cancelled` when the signal says so.
 */
export async function openDataset(given: DatasetOptions): Promise<TokenDataset> {
  const options = { ...given, now: given.now ?? new Date() };
  const digest = await datasetDigest(options);
  const path = join(options.cacheDir, `${digest}.tokens`);
  const cached = TokenFile.open(path);
  if (cached) return dataset(cached, digest, options);
  makeFolders(options.cacheDir);
  await tokenizeFiles(path, options);
  const written = TokenFile.open(path);
  if (!written) throw new KernelError('internal', `${path} was written and cannot be read`);
  return dataset(written, digest, options);
}

function inWords(skipped: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const words: Readonly<Record<SkipReason, string>> = {
    'cut off': l10n.t('max_length leaves none of the tokens that carry loss'),
    'nothing learnt': l10n.t('no token carries loss'),
  };
  return Object.fromEntries(Object.entries(skipped).map(([reason, count]) => [words[reason as SkipReason], count]));
}

type DatedOptions = DatasetOptions & { readonly now: Date };

function dataset(tokens: TokenFile, digest: string, options: DatedOptions): TokenDataset {
  const { format, skipped, truncated } = tokens.info;
  const fileOf = (i: number) => options.files[tokens.place(i).file] ?? '';
  const source = (i: number) => ({ file: fileOf(i), line: tokens.place(i).line });
  return {
    length: tokens.lengths.length,
    tokenLengths: tokens.lengths,
    supervisedCounts: tokens.supervised,
    format: format as SampleFormat,
    skipped: inWords(skipped),
    truncated,
    digest,
    labels: tokens.info.labels ?? null,
    label: (i) => tokens.label(i),
    source,
    read: (i) => ({ ...tokens.read(i), source: source(i) }),
    render: async (i) => {
      const { offset, size } = tokens.place(i);
      const pieces = toPieces(await readRow(fileOf(i), offset, size), format as SampleFormat, pieceOptions(options));
      if (isPieces(pieces)) return renderSample(pieces, options.tokenizer);
      throw new KernelError(
        'input/refused',
        l10n.t('{0} was changed since it was tokenised: {1}', fileOf(i), pieces.found),
      );
    },
    close: () => tokens.close(),
  };
}

async function tokenizeFiles(path: string, options: DatedOptions): Promise<void> {
  const { files, tokenizer, maxLength, task } = options;
  const format = options.format === 'auto' ? await detectFormat(files, options.signal, task) : options.format;
  const total = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const howToRead = pieceOptions(options);
  const problems: Problem[] = [];
  const skipped: Record<string, number> = {};
  let truncated = 0;
  const names = new LabelNames();
  const writer = new TokenFileWriter(path, tokenizer.vocabularySize);
  try {
    let bytesBefore = 0;
    for (const [index, file] of files.entries()) {
      for await (const { rows, bytesRead } of readRows(file)) {
        throwIfCancelled(options.signal);
        for (const row of rows) {
          const pieces = row.fault ?? toPieces(row.value, format, howToRead);
          if (!isPieces(pieces)) {
            problems.push(rowProblem(file, row, pieces));
            if (pieces.concernsAll || problems.length >= MOST_PROBLEMS) throw KernelError.refused(problems);
            continue;
          }
          const label = labelOf(pieces, format, names);
          if (typeof label === 'object') {
            problems.push(rowProblem(file, row, label));
            if (problems.length >= MOST_PROBLEMS) throw KernelError.refused(problems);
            continue;
          }
          const sample = { ...encodeSample(pieces, tokenizer, maxLength), ...(label !== undefined && { label }) };
          if (sample.wasCut) truncated++;
          if (sample.supervised > 0) {
            writer.add(sample, sample.supervised, { file: index, line: row.line, offset: row.offset, size: row.size });
          } else {
            const reason: SkipReason = sample.wasCut ? 'cut off' : 'nothing learnt';
            skipped[reason] = (skipped[reason] ?? 0) + 1;
          }
        }
        options.onProgress?.(total === 0 ? 1 : Math.min(1, (bytesBefore + bytesRead) / total));
      }
      bytesBefore += statSync(file).size;
    }
    if (problems.length > 0) throw KernelError.refused(problems);
    writer.commit({ format, skipped, truncated, ...(isLabelled(format) && { labels: names.names }) });
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** The label of a sample as a number, where samples have one: a class by its place among `names`. */
export function labelOf({ label }: Pieces, format: SampleFormat, names: LabelNames): number | undefined | RowFault {
  if (label === undefined) return undefined;
  return format === 'regression' ? Number(label) : names.place(label);
}

/** The one format that fits the first rows of all files. Throws `input/refused` when there is none, or more than one. */
export async function detectFormat(
  files: readonly string[],
  signal: AbortSignal | undefined,
  task: SampleTask = 'next-token',
): Promise<SampleFormat> {
  const rows: { readonly file: string; readonly row: RawRow }[] = [];
  for (const file of files) for await (const row of firstRows(file, signal)) rows.push({ file, row });
  const refuse = (at: number, fault: RowFault): never => {
    const place = rows[at];
    if (place) throw KernelError.refused([rowProblem(place.file, place.row, fault)]);
    throw KernelError.refused([{ file: files[0] ?? '', severity: 'error', ...fault }]);
  };
  let possible = formatsFor(task);
  for (const [at, { row }] of rows.entries()) {
    if (row.fault) refuse(at, row.fault);
    const { value } = row;
    if (!isRow(value))
      return refuse(at, { found: l10n.t('found no JSON object'), expected: l10n.t('expected an object with keys') });
    const own = formatsOf(value, task);
    if (own.length === 0) refuse(at, undecidedFormat(value, own, task));
    const before = possible;
    possible = before.filter((format) => own.includes(format));
    if (possible.length === 0) {
      const found = l10n.t(
        'found a sample of format {0} after samples of format {1}',
        own.join(' or '),
        before.join(' or '),
      );
      refuse(at, { found, expected: l10n.t('expected one format in all files') });
    }
  }
  const first = rows[0]?.row.value;
  if (!isRow(first)) return refuse(0, { found: l10n.t('found no samples'), expected: l10n.t('expected at least one') });
  const format = meantFormat(possible, task) ?? refuse(0, undecidedFormat(first, possible, task));
  for (const [at, { row }] of rows.entries()) {
    const unread = isRow(row.value) ? unreadLabel(row.value, format, task) : undefined;
    if (unread) refuse(at, unread);
  }
  return format;
}

export async function* firstRows(file: string, signal: AbortSignal | undefined): AsyncGenerator<RawRow> {
  let left = ROWS_TO_DETECT;
  for await (const { rows } of readRows(file)) {
    throwIfCancelled(signal);
    for (const row of rows.slice(0, left)) yield row;
    left -= rows.length;
    if (left <= 0) return;
  }
}

export function toPieces(value: unknown, format: SampleFormat, options: PieceOptions): Pieces | RowFault {
  const sample = parseSample(value, format);
  if (isFault(sample)) return sample;
  try {
    return piecesOf(sample, options);
  } catch (error) {
    // What a template says about these messages belongs to their line.
    if (KernelError.is(error, 'input/refused'))
      return { found: error.message, expected: l10n.t('expected other messages') };
    throw error;
  }
}

export function isPieces(value: Pieces | RowFault): value is Pieces {
  return 'pieces' in value;
}

function pieceOptions({ lossOn, tokenizer, now }: DatedOptions): PieceOptions {
  const { chatTemplate } = tokenizer;
  return { lossOn, now, ...(chatTemplate ? { chatTemplate } : {}) };
}

export function rowProblem(file: string, row: RawRow, { where, found, expected }: RowFault): Problem {
  return { file, line: row.line, ...(where === undefined ? {} : { where }), severity: 'error', found, expected };
}

async function datasetDigest(options: DatedOptions): Promise<string> {
  const { files, format, task = 'next-token', lossOn, maxLength, tokenizer, now, signal } = options;
  const day = tokenizer.chatTemplate?.usesDate ? now.toISOString().slice(0, 10) : null;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([TOKEN_FILE_VERSION, tokenizer.digest, format, task, lossOn, maxLength, day]));
  for (const file of files) hash.update(await fileDigest(file, signal));
  return hash.digest('hex');
}

async function fileDigest(file: string, signal: AbortSignal | undefined): Promise<Buffer> {
  closeSync(openPlainFile(file, l10n.t('expected a data file')));
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    throwIfCancelled(signal);
    hash.update(chunk as Buffer);
  }
  return hash.digest();
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new KernelError('cancelled', 'reading the data was cancelled');
}
