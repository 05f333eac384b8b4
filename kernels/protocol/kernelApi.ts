/** @file What the editor may ask of the interactive kernel. Calls have one answer; long ones report progress and can be cancelled. */
import type { ConfigCalls } from './calls/config';
import type { ModelCalls } from './calls/models';
import type { RunCalls } from './calls/runs';

export type { ConfigSummary } from './calls/config';

/** Changes whenever a call, an event or a shape in this folder changes its meaning. */
export const PROTOCOL_VERSION = 2;

export interface Progress {
  /** 0 to 1, or undefined while the length is not known. */
  readonly fraction?: number;
  readonly message: string;
}

interface ConnectionCalls {
  hello(p: { version: number }): { version: number; engine: string; runtime: string };
}

export interface KernelApi {
  calls: ConnectionCalls & ConfigCalls & RunCalls & ModelCalls;
  events: { log: { level: 'debug' | 'info' | 'warn' | 'error'; scope: string; message: string } };
}
