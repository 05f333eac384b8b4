/** @file What the estimate of a configuration may ask of the editor, and what it hears. The host keeps the estimate. */
import type { EstimateReport } from '../../kernels/protocol/calls/estimate';
import type { Problem } from '../../kernels/protocol/errors';

export interface EstimateWork {
  readonly kind: 'estimating' | 'measuring';
  /** What the engine is at. */
  readonly message: string;
  /** 0 to 1, or undefined while the length is not known. */
  readonly fraction?: number;
}

export interface EstimateFailure {
  readonly message: string;
  /** Of the configuration or its files; empty when something else went wrong. */
  readonly problems: readonly Problem[];
}

export interface EstimateSnapshot {
  /**
   * Uri of the configuration. The page keeps it in its saved state under the key `config`: after a reload of the window the
   * editor restores the panel from that.
   */
  readonly config: string;
  /** Path relative to its workspace folder. */
  readonly name: string;
  /** The last estimate that could be made; null before the first. */
  readonly report: EstimateReport | null;
  /** Why there is none of the configuration as it is on disk; what is shown then is of an earlier state. */
  readonly failure: EstimateFailure | null;
  readonly work: EstimateWork | null;
  /** The editor holds changes that are not saved: the estimate is that of the file. */
  readonly isDirty: boolean;
  /** False in an untrusted workspace: estimating yes, measuring and training no. */
  readonly canRun: boolean;
}

export const ESTIMATE_COMMANDS = ['measure', 'cancel', 'again', 'train', 'openText'] as const;
export type EstimateCommand = (typeof ESTIMATE_COMMANDS)[number];

export interface EstimatePage {
  calls: {
    /** The first call of a page, made once: what an earlier page in the same place still waited for is forgotten. */
    'page/open'(p: object): EstimateSnapshot;
    'estimate/command'(p: { command: EstimateCommand }): void;
    /** Opens the file of a problem or of the longest sample; `line` counts from 1. */
    'estimate/openFile'(p: { file: string; line?: number }): void;
  };
  /** At most four a second. */
  events: { 'estimate/changed': EstimateSnapshot };
}
