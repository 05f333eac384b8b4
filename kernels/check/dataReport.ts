/** @file The data files of a configuration for the editor: problems by line, and what is in each file. Streaming and bounded. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import * as l10n from '@vscode/l10n';
import type { ResolvedConfig } from '../config/loadConfig';
import { parseSample, isFault, type SampleFormat } from '../data/samples';
import { keptTokenizer } from '../formats/tokenizerCache';
import { sampleTask } from '../models/baseModel';
import { modelHeader, type ModelHeader } from '../models/modelHeader';
import type { DataFileFacts, DataReport } from '../protocol/calls/data';
import { KernelError, type Problem } from '../protocol/errors';
import { checkData, type CheckedSample, type DataCheck } from './checkData';
import { learnsOnlySpace } from './emptySample';
import type { CheckContext } from './types';

export interface DataReportOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (message: string) => void;
  /** Rows after which reading a set of files ends. */
  readonly mostRows?: number;
}

const MOST_ROWS = 30_000;
const MOST_PROBLEMS = 200;

/** Reports of configurations whose files have not changed since. */
const MOST_KEPT = 8;
const kept = new Map<string, DataReport>();

/** Reads the files, or finds what was read before. Throws `cancelled` when the signal says so. */
export async function dataReport(config: ResolvedConfig, options: DataReportOptions): Promise<DataReport> {
  const key = reportKey(config);
  const known = kept.get(key);
  if (known) return known;
  const sets = [
    { key: 'train', files: config.data.train },
    { key: 'eval', files: config.data.eval ?? [] },
  ] as const;
  const reports: DataReport[] = [];
  for (const { key: name, files } of sets) {
    if (files.length > 0) reports.push(await new SetReport(name, files, config, options).make());
  }
  const report = { files: reports.flatMap((r) => r.files), problems: reports.flatMap((r) => r.problems) };
  kept.set(key, report);
  const oldest = kept.keys().next().value;
  if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest);
  return report;
}

/** The same when it is known already: for what is asked at each keystroke. */
export const knownDataReport = (config: ResolvedConfig): DataReport | undefined => kept.get(reportKey(config));

function reportKey({ model, data }: ResolvedConfig): string {
  const { train, eval: evaluation = [], format, loss_on, max_length } = data;
  const stamps = [...train, ...evaluation, model, `${model}/tokenizer.json`, `${model}/tokenizer_config.json`].map(
    (file) => {
      const stats = statSync(file, { throwIfNoEntry: false });
      return [file, stats?.size, stats?.mtimeMs];
    },
  );
  return JSON.stringify([train.length, stamps, format, loss_on, max_length]);
}

interface FileCount {
  rows: number;
  samples: number;
  longest: number;
  cut: number;
  format: SampleFormat | undefined;
  problems: number;
  hidden: number;
}

class SetReport {
  private readonly problems: Problem[] = [];
  private readonly counts = new Map<string, FileCount>();
  /** Digest of a sample → where it was first. */
  private readonly seen = new Map<string, { readonly file: string; readonly line: number }>();
  private readonly stop = new AbortController();
  private rows = 0;

  constructor(
    private readonly key: DataFileFacts['key'],
    private readonly files: readonly string[],
    private readonly config: ResolvedConfig,
    private readonly options: DataReportOptions,
  ) {}

  async make(): Promise<DataReport> {
    const { files, options } = this;
    for (const file of files) {
      this.counts.set(file, { rows: 0, samples: 0, longest: 0, cut: 0, format: undefined, problems: 0, hidden: 0 });
      if (hasByteOrderMark(file)) {
        const found = l10n.t('found a byte order mark');
        this.report({
          file,
          line: 1,
          severity: 'warning',
          found,
          expected: l10n.t('it is left out; save the file as UTF-8 without one'),
        });
      }
    }
    const context: CheckContext = {
      signal: AbortSignal.any([options.signal, this.stop.signal]),
      report: (problem) => this.report(problem),
      progress: (message) => options.onProgress?.(message),
    };
    let isComplete = true;
    try {
      await checkData(files, this.check(), context);
    } catch (error) {
      if (options.signal.aborted || !this.stop.signal.aborted || !KernelError.is(error, 'cancelled')) throw error;
      isComplete = false;
    }
    return { files: files.map((file) => this.facts(file, isComplete)), problems: [...this.problems, ...this.hidden()] };
  }

  private check(): DataCheck {
    const { data, model } = this.config;
    const [tokenizer, header] = [attempt(() => keptTokenizer(model)), attempt(() => modelHeader(model))] as [
      ReturnType<typeof keptTokenizer> | undefined,
      ModelHeader | undefined,
    ];
    return {
      format: data.format,
      lossOn: data.loss_on,
      // Not cut, so that the length of each sample is known; what is cut in training is found here.
      maxLength: Infinity,
      ...(tokenizer && { tokenizer }),
      ...(header && { vocabularySize: header.config.vocabularySize, task: sampleTask(header) }),
      usedFor: this.key === 'train' ? 'training' : 'evaluation',
      onSample: (sample) => this.take(sample),
    };
  }

  private take(sample: CheckedSample): void {
    const { file, line, format, value, tokens } = sample;
    const count = this.counts.get(file);
    if (!count) return;
    this.countRow();
    count.rows++;
    count.format = format;
    const warn = (found: string, expected: string) => this.report({ file, line, severity: 'warning', found, expected });
    const before = this.repeated(sample);
    if (before) {
      const place =
        before.file === file ? l10n.t('line {0}', before.line) : l10n.t('{0}, line {1}', before.file, before.line);
      warn(
        l10n.t('the same sample as in {0}', place),
        l10n.t('expected each sample once; it counts twice in training'),
      );
    }
    const parsed = parseSample(value, format);
    const nothing = !isFault(parsed) && learnsOnlySpace(parsed);
    if (nothing) warn(l10n.t('what is to be learnt of this sample is empty'), l10n.t('expected text'));
    if (!tokens) {
      count.samples++;
      return;
    }
    const limit = this.config.data.max_length;
    const { length } = tokens.ids;
    count.longest = Math.max(count.longest, length);
    // The label of a whole text is learnt from whatever of it is left.
    const supervised = tokens.tokenTypes
      ? tokens.supervised
      : tokens.lossMask.subarray(1, limit).reduce((sum, carries) => sum + carries, 0);
    if (supervised > 0) count.samples++;
    if (length > limit) count.cut++;
    if (nothing) return;
    if (supervised > 0 && length > limit)
      warn(
        l10n.t('this sample has {0} tokens', length),
        l10n.t('expected at most {0}, the max_length; the rest is cut off in training', limit),
      );
    else if (supervised === 0 && tokens.supervised > 0)
      warn(
        l10n.t('this sample has {0} tokens and what is learnt begins behind max_length ({1})', length, limit),
        l10n.t('expected some of it before; the sample is left out in training'),
      );
    else if (supervised === 0)
      warn(
        l10n.t('no token of this sample carries loss'),
        l10n.t('expected something to learn; the sample is left out in training'),
      );
  }

  /** A row that is none counts as well: a file of another kind has nothing else. */
  private countRow(): void {
    if (++this.rows >= (this.options.mostRows ?? MOST_ROWS)) this.stop.abort();
  }

  private repeated({ file, line, value }: CheckedSample): { readonly file: string; readonly line: number } | undefined {
    const digest = createHash('sha1').update(JSON.stringify(value)).digest('base64');
    const before = this.seen.get(digest);
    if (!before) this.seen.set(digest, { file, line });
    return before;
  }

  private report(problem: Problem): void {
    const count = this.counts.get(problem.file);
    if (problem.severity === 'error') this.countRow();
    if (count && ++count.problems > MOST_PROBLEMS) count.hidden++;
    else this.problems.push(problem);
  }

  /** One problem for all that are not listed. */
  private hidden(): Problem[] {
    return [...this.counts].flatMap(([file, { hidden }]): Problem[] => {
      if (hidden === 0) return [];
      const found = l10n.t('{0} more problems in this file are not listed', hidden);
      return [
        {
          file,
          line: 1,
          severity: 'warning',
          found,
          expected: l10n.t('expected none; they appear as those above are mended'),
        },
      ];
    });
  }

  private facts(file: string, isComplete: boolean): DataFileFacts {
    const { rows, samples, longest, cut, format } = this.counts.get(file) ?? {
      rows: 0,
      samples: 0,
      longest: 0,
      cut: 0,
    };
    return {
      path: file,
      key: this.key,
      ...(format !== undefined && { format }),
      rows,
      samples,
      ...(longest > 0 && { longest }),
      cut,
      isComplete,
    };
  }
}

/** A model that cannot be used is the check of the configuration's to refuse; the rows can be read without one. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

function hasByteOrderMark(file: string): boolean {
  if (extname(file).toLowerCase() === '.parquet') return false;
  try {
    const handle = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(3);
      return readSync(handle, bytes, 0, 3, 0) === 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    } finally {
      closeSync(handle);
    }
  } catch {
    return false; // not readable: whoever reads the rows says so
  }
}
