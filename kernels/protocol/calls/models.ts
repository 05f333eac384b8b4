/** @file What the editor may ask about checkpoints, adapters and devices. */
import type { DeviceReport, MergeReport, ModelEntry, UnmergeReport } from '../types';

export interface ModelCalls {
  'models/list'(p: { folders: readonly string[] }): { models: readonly ModelEntry[] };
  'devices/list'(p: object): { devices: readonly DeviceReport[] };
  'adapter/merge'(p: {
    base: string;
    adapter: string;
    out: string;
    dtype: 'keep' | 'f32' | 'f16' | 'bf16';
  }): MergeReport;
  'adapter/unmerge'(p: { merged: string; adapter: string; out: string }): UnmergeReport;
}
