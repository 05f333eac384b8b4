/** @file What the editor may ask about the data files of a configuration. */
import type { Problem } from '../errors';

/** What is in one data file, read as its configuration reads it. */
export interface DataFileFacts {
  /** Absolute. */
  readonly path: string;
  /** Under which key of `data` it is named. */
  readonly key: 'train' | 'eval';
  /** Given or detected; absent while no row has any. */
  readonly format?: string;
  readonly rows: number;
  /** Rows that can be trained on. */
  readonly samples: number;
  /** Tokens of the longest sample; absent without a tokenizer. */
  readonly longest?: number;
  /** Samples that are longer than max_length. */
  readonly cut: number;
  /** False: the file goes on, only its beginning was read. */
  readonly isComplete: boolean;
}

export interface DataReport {
  readonly files: readonly DataFileFacts[];
  /** By line, with at most a few hundred for each file and one that says how many more there are. */
  readonly problems: readonly Problem[];
}

export interface DataCalls {
  /**
   * Reads the data files that a configuration names, the beginning of very large ones; `text` is the unsaved text of an
   * editor. Empty while the configuration cannot be read. Reports progress.
   */
  'data/check'(p: { config: string; text?: string }): DataReport;
}
