/** @file What `npm run bench -- methods` compares: each method at LoRA's rank 16 or its equivalent, and the goal it is held to. */

export interface MethodCase {
  readonly id: string;
  readonly label: string;
  /** Of the configuration's `adapter:` section. */
  readonly adapter: Readonly<Record<string, unknown>> & { readonly method: string; readonly r: number };
  /** Step time over LoRA's: at most this. */
  readonly goal?: number;
  /** How the Python peer calls it. */
  readonly peft?: 'lora' | 'dora' | 'vera';
}

export const RANK = 16;
export const ALPHA = 32;

const all = { target_modules: 'all-linear' };
const lowRank = { r: RANK, lora_alpha: ALPHA, ...all };

/** LoRA first: the others are compared with it. */
export const METHOD_CASES: readonly MethodCase[] = [
  { id: 'lora', label: 'LoRA', adapter: { method: 'lora', ...lowRank }, peft: 'lora' },
  { id: 'dora', label: 'DoRA', adapter: { method: 'dora', ...lowRank }, goal: 1.1, peft: 'dora' },
  { id: 'mora', label: 'MoRA, type 6', adapter: { method: 'mora', r: RANK, ...all }, goal: 1.05 },
  { id: 'mora-1', label: 'MoRA, type 1', adapter: { method: 'mora', r: RANK, mora_type: 1, ...all }, goal: 1.05 },
  { id: 'reslora-is', label: 'ResLoRA is', adapter: { method: 'reslora', variant: 'is', ...lowRank }, goal: 1.15 },
  { id: 'reslora-bs', label: 'ResLoRA bs', adapter: { method: 'reslora', variant: 'bs', ...lowRank }, goal: 1.15 },
  { id: 'reslora-ms', label: 'ResLoRA ms', adapter: { method: 'reslora', variant: 'ms', ...lowRank }, goal: 1.15 },
  // With A frozen it trains half of LoRA's parameters at the same rank, which is how the paper compares the two.
  { id: 'asylora', label: 'AsyLoRA', adapter: { method: 'asylora', ...lowRank }, goal: 0.95 },
  { id: 'vera', label: 'VeRA', adapter: { method: 'vera', r: 256, ...all }, peft: 'vera' },
];
