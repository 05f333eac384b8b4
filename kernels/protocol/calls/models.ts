/** @file What the editor may ask about checkpoints, adapters and devices. */
import type { ConvertReport, DeviceReport, MergeReport, ModelEntry, UnmergeReport } from '../types';

export interface ModelCalls {
  'models/list'(p: { folders: readonly string[] }): { models: readonly ModelEntry[] };
  'devices/list'(p: object): { devices: readonly DeviceReport[] };
  'adapter/merge'(p: {
    base: string;
    adapter: string;
    out: string;
    dtype: 'keep' | 'f32' | 'f16' | 'bf16';
    /** Of a method with several merges, none of them exact; what the adapter says unless told. */
    way?: string;
    /** A data file over whose samples the ways are compared; the run's evaluation data unless told. */
    data?: string;
    /** Merges an adapter that was merged into the base already a second time. */
    again?: boolean;
  }): MergeReport;
  /** To plain LoRA: with one rank for all modules, or with the share of each delta weight's energy that is kept (0 to 1). */
  'adapter/convert'(p: {
    base: string;
    adapter: string;
    out: string;
    wanted: { readonly rank: number } | { readonly energy: number };
    dtype: 'f32' | 'f16' | 'bf16';
  }): ConvertReport;
  'adapter/unmerge'(p: {
    merged: string;
    adapter: string;
    out: string;
    /** What the result is compared with; what the adapter names unless told. */
    base?: string;
    /** Though no record shows that the adapter is in these weights. */
    unverified?: boolean;
  }): UnmergeReport;
}
