/** @file What the editor may ask of the interactive kernel. Calls have one answer; long ones report progress and can be cancelled. */
import type { ConfigCalls } from './calls/config';
import type { DataCalls } from './calls/data';
import type { EstimateCalls } from './calls/estimate';
import type { GenerateCalls } from './calls/generate';
import type { InspectCalls } from './calls/inspect';
import type { ModelCalls } from './calls/models';
import type { RunCalls } from './calls/runs';
import type { TokensCalls } from './calls/tokens';

export type { ConfigSummary } from './calls/config';

/** Changes whenever a call, an event or a shape in this folder changes its meaning. */
export const PROTOCOL_VERSION = 2;

export interface Progress {
  /** 0 to 1, or undefined while the length is not known. */
  readonly fraction?: number;
  readonly message: string;
  /** Text that came since the last report, of a call that streams text. */
  readonly text?: string;
}

interface ConnectionCalls {
  hello(p: { version: number }): { version: number; engine: string; runtime: string };
}

export interface KernelApi {
  calls: ConnectionCalls &
    ConfigCalls &
    EstimateCalls &
    DataCalls &
    InspectCalls &
    RunCalls &
    ModelCalls &
    TokensCalls &
    GenerateCalls;
  events: { log: { level: 'debug' | 'info' | 'warn' | 'error'; scope: string; message: string } };
}
