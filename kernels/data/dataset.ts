/**
 * @file A data set as tokens. The files are read once, sample by sample, and what comes out is kept on disk under a
 * digest of everything it depends on; in memory there are only a few numbers for each sample.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, statSync } from 'node:fs';
import { extname, join } from 'node:path';
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
import { RepeatedFaults } from './repeatedFaults';
import { readRow, readRows } from './rows';
import { isFault, isLabelled, parseSample } from './samples';
import type { RowFault, SampleFormat, SampleTask } from './samples';
import { noFormat, rowProblem, strayFormat, votesOf } from './setFormat';
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
  const { files, tokenizer, maxLength, task = 'next-token', signal } = options;
  const problems: Problem[] = [];
  const isTold = options.format === 'auto';
  const reading: RowReading = {
    ...pieceOptions(options),
    ...{ isTold, task, labels: new LabelNames() },
    format: options.format === 'auto' ? await formatOf(files, task, signal) : options.format,
  };
  const total = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const skipped: Record<string, number> = {};
  let truncated = 0;
  const writer = new TokenFileWriter(path, tokenizer.vocabularySize);
  try {
    let bytesBefore = 0;
    for (const [index, file] of files.entries()) {
      const faults = new RepeatedFaults(file, (problem) => problems.push(problem));
      let [count, isOver] = [0, false];
      for await (const { rows, bytesRead } of readRows(file)) {
        throwIfCancelled(signal);
        count += rows.length;
        for (const row of rows) {
          const read = readSample(row, reading);
          if (isFaulty(read)) {
            faults.add(rowProblem(file, row, read));
            if (read.concernsAll) {
              isOver = true;
              break;
            }
            continue;
          }
          // A set with a mistake is refused: what is left to do is to name the other mistakes.
          if (problems.length > 0) continue;
          const { pieces, label } = read;
          const sample = { ...encodeSample(pieces, tokenizer, maxLength), ...(label !== undefined && { label }) };
          if (sample.wasCut) truncated++;
          if (sample.supervised > 0) {
            writer.add(sample, sample.supervised, { file: index, line: row.line, offset: row.offset, size: row.size });
          } else {
            const reason: SkipReason = sample.wasCut ? 'cut off' : 'nothing learnt';
            skipped[reason] = (skipped[reason] ?? 0) + 1;
          }
        }
        if (isOver) break;
        options.onProgress?.(total === 0 ? 1 : Math.min(1, (bytesBefore + bytesRead) / total));
      }
      faults.finish();
      if (count === 0) problems.push(noSamples(file));
      bytesBefore += statSync(file).size;
    }
    const { format, labels } = reading;
    if (problems.length > 0 || !format) throw KernelError.refused(problems);
    writer.commit({ format, skipped, truncated, ...(isLabelled(format) && { labels: labels.names }) });
  } catch (error) {
    writer.abort();
    throw error;
  }
}

/** Of the first rows. Throws when it is not known which of several is meant. */
async function formatOf(
  files: readonly string[],
  task: SampleTask,
  signal: AbortSignal | undefined,
): Promise<SampleFormat | null> {
  const { winner, undecided, labelled } = await votesOf(files, signal, task);
  const unclear = undecided ?? labelled;
  if (unclear) throw KernelError.refused([unclear]);
  return winner;
}

export const noSamples = (file: string): Problem => ({
  file,
  severity: 'error',
  found: l10n.t('found no samples'),
  expected: l10n.t('expected at least one'),
});

/** The label of a sample as a number, where samples have one: a class by its place among `names`. */
export function labelOf({ label }: Pieces, format: SampleFormat, names: LabelNames): number | undefined | RowFault {
  if (label === undefined) return undefined;
  return format === 'regression' ? Number(label) : names.place(label);
}

/** How the rows of a set are read. */
export interface RowReading extends PieceOptions {
  /** `null`: no row has any. */
  readonly format: SampleFormat | null;
  /** Whether it was told from the rows, and not by a person. */
  readonly isTold: boolean;
  readonly task: SampleTask;
  /** Of the whole set: it grows with each row. */
  readonly labels: LabelNames;
}

/** A sample as pieces and the place of its label, or what is wrong with the row: for training and for checks alike. */
export function readSample(
  row: RawRow,
  { format, isTold, task, labels, ...options }: RowReading,
): { readonly pieces: Pieces; readonly label: number | undefined } | RowFault {
  if (row.fault) return row.fault;
  if (!format) return noFormat(row.value, task);
  const pieces = (isTold ? strayFormat(row.value, format) : undefined) ?? toPieces(row.value, format, options);
  if (!isPieces(pieces)) return pieces;
  const label = labelOf(pieces, format, labels);
  return typeof label === 'object' ? label : { pieces, label };
}

export const isFaulty = (read: ReturnType<typeof readSample>): read is RowFault => !('pieces' in read);

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

async function datasetDigest(options: DatedOptions): Promise<string> {
  const { files, format, task = 'next-token', lossOn, maxLength, tokenizer, now, signal } = options;
  const day = tokenizer.chatTemplate?.usesDate ? now.toISOString().slice(0, 10) : null;
  const hash = createHash('sha256');
  // Its ending says how a file is read: the same bytes can be a list in .json and a mistake in .jsonl.
  const endings = files.map((file) => extname(file).toLowerCase());
  hash.update(JSON.stringify([TOKEN_FILE_VERSION, tokenizer.digest, format, task, lossOn, maxLength, day, endings]));
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
