/** @file What the page that tries models may ask of the editor. Answers come as progress of their call, piece by piece. */
import type { GeneratedText, GeneratePrompt, GenerateSettings } from '../../kernels/protocol/calls/generate';
import type { RunStatus } from '../../kernels/protocol/types';

/** A folder with what to call it. */
export interface TryItFolder {
  readonly path: string;
  readonly name: string;
}

export interface TryItRun {
  readonly folder: string;
  readonly name: string;
  readonly status: RunStatus;
  /** The base model it trains. */
  readonly base: string;
  /** Latest first; `step` is null for the adapter of a finished run. */
  readonly checkpoints: readonly { readonly path: string; readonly step: number | null }[];
}

export interface TryItSnapshot {
  readonly runs: readonly TryItRun[];
  /** Those that belong to no run of `runs`. */
  readonly adapters: readonly TryItFolder[];
  readonly checkpoints: readonly TryItFolder[];
  /** False in an untrusted workspace. */
  readonly canWrite: boolean;
  /** A run is at work: models share the machine with it. */
  readonly isRunAtWork: boolean;
}

/** What the person opened the panel with; a run stands for its latest checkpoint. */
export interface TryItOffer {
  readonly base: string | null;
  readonly adapter: string | null;
}

export interface TryItPage {
  calls: {
    /** The first call of a page, made once: what an earlier page in the same place still waited for is forgotten. */
    'page/open'(p: object): { readonly snapshot: TryItSnapshot; readonly offer: TryItOffer | null };
    /** The base that an adapter says it is for, when that is a folder on this machine; null when it is not. */
    'tryIt/baseOf'(p: { adapter: string }): string | null;
    'tryIt/about'(p: { base: string }): { readonly hasChatTemplate: boolean; readonly maxLength: number };
    /** Can be cancelled between any two tokens; the text that came until then was told as progress. */
    'tryIt/write'(p: {
      base: string;
      adapter?: string;
      prompt: GeneratePrompt;
      settings: GenerateSettings;
    }): GeneratedText;
    /** Lets the person choose a folder; null when none was chosen. */
    'tryIt/browse'(p: { what: 'base' | 'adapter' | 'merged' }): string | null;
    'tryIt/copy'(p: { text: string }): void;
  };
  events: { 'tryIt/changed': TryItSnapshot; 'tryIt/offer': TryItOffer };
}
