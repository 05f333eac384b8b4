/** @file What the editor may ask of the interactive kernel. Calls have one answer; long ones report progress and can be cancelled. */
import type { Problem } from './errors';
import type { DeviceReport, MergeReport, ModelEntry, UnmergeReport } from './types';

/** Changes whenever a call, an event or a shape in this folder changes its meaning. */
export const PROTOCOL_VERSION = 1;

export interface Progress {
  /** 0 to 1, or undefined while the length is not known. */
  readonly fraction?: number;
  readonly message: string;
}

/** What a valid configuration will do; shown over the document and in the form. */
export interface ConfigSummary {
  readonly trainableParameters: number;
  readonly baseParameters: number;
  readonly adaptedModules: number;
  readonly method: string;
  readonly modelType: string;
}

export interface KernelApi {
  calls: {
    hello(p: { version: number }): { version: number; engine: string; runtime: string };
    /** Validates a configuration; `text` is the unsaved text of an editor, read in place of the file. */
    'config/check'(p: { path: string; text?: string }): { problems: readonly Problem[]; summary?: ConfigSummary };
    /** The JSON Schema of `*.adapter.yaml`, with titles, help, defaults and limits. */
    'config/schema'(p: object): { schema: Readonly<Record<string, unknown>> };
    /** Makes the run folder and starts the detached run process. Refused input is an error with problems. */
    'run/start'(p: { config: string }): { run: string };
    'run/resume'(p: { run: string }): { run: string };
    /** Asks the run to save a checkpoint and stop; returns when it has. */
    'run/stop'(p: { run: string }): { step: number };
    'models/list'(p: { folders: readonly string[] }): { models: readonly ModelEntry[] };
    'devices/list'(p: object): { devices: readonly DeviceReport[] };
    'adapter/merge'(p: {
      base: string;
      adapter: string;
      out: string;
      dtype: 'keep' | 'f32' | 'f16' | 'bf16';
    }): MergeReport;
    'adapter/unmerge'(p: { merged: string; adapter: string; out: string }): UnmergeReport;
  };
  events: { log: { level: 'debug' | 'info' | 'warn' | 'error'; scope: string; message: string } };
}
