/**
 * @file What `npm run interop -- --methods` trains on the real checkpoint: every method of the papers once, with the learning
 * rate its authors use at this size, and whether PEFT has a format that loads its adapter.
 */

export interface MethodCase {
  readonly name: string;
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly training: Readonly<Record<string, unknown>> & { readonly learning_rate: number };
  /** Other sections of the configuration. */
  readonly sections?: Readonly<Record<string, unknown>>;
  /** PEFT loads the adapter as it is. */
  readonly isKnownToPeft: boolean;
  /** The method cannot be had on this checkpoint; the run must be refused with a reason that holds this text. */
  readonly refusal?: RegExp;
}

const all = { target_modules: 'all-linear' } as const;
const lowRank = { r: 8, lora_alpha: 16, lora_dropout: 0, ...all } as const;

const lora = (more: object = {}) => ({ method: 'lora', ...lowRank, ...more });
const mora = (mora_type: number | string, more: object = {}) => ({ method: 'mora', r: 8, mora_type, ...all, ...more });
const reslora = (variant: 'is' | 'bs' | 'ms', more: object = {}) => ({
  method: 'reslora',
  ...lowRank,
  variant,
  ...more,
});

export const METHOD_CASES: readonly MethodCase[] = [
  { name: 'LoRA', adapter: lora(), training: { learning_rate: 1e-3 }, isKnownToPeft: true },
  {
    name: 'rsLoRA',
    adapter: lora({ use_rslora: true }),
    training: { learning_rate: 5e-4 },
    isKnownToPeft: true,
  },
  {
    name: 'LoRA+ (ratio 4)',
    adapter: lora(),
    training: { learning_rate: 5e-4, loraplus_lr_ratio: 4 },
    isKnownToPeft: true,
  },
  { name: 'DoRA', adapter: { method: 'dora', ...lowRank }, training: { learning_rate: 1e-3 }, isKnownToPeft: true },
  {
    name: 'DoRA, full gradient',
    adapter: { method: 'dora', ...lowRank, norm_gradient: 'full' },
    training: { learning_rate: 1e-3 },
    isKnownToPeft: true,
  },
  // Sharing adds k/r̂ inputs up and copies the result, so its rates are smaller.
  ...[1, 2, 3, 4].map((type) => ({
    name: `MoRA, type ${type}`,
    adapter: mora(type),
    training: { learning_rate: 3e-4 },
    isKnownToPeft: false,
  })),
  { name: 'MoRA, type 6', adapter: mora(6), training: { learning_rate: 1e-3 }, isKnownToPeft: false },
  { name: 'MoRA, truncate', adapter: mora('truncate'), training: { learning_rate: 1e-3 }, isKnownToPeft: false },
  { name: 'MoRA, decouple', adapter: mora('decouple'), training: { learning_rate: 1e-3 }, isKnownToPeft: false },
  {
    name: 'AsyLoRA (A frozen)',
    adapter: { method: 'asylora', ...lowRank, r: 16, lora_alpha: 32 },
    training: { learning_rate: 1e-3 },
    isKnownToPeft: true,
  },
  { name: 'ResLoRA is', adapter: reslora('is'), training: { learning_rate: 1e-3 }, isKnownToPeft: false },
  {
    name: 'ResLoRA bs',
    adapter: reslora('bs', { pre_num: 4 }),
    training: { learning_rate: 5e-4 },
    isKnownToPeft: false,
  },
  {
    name: 'ResLoRA ms',
    adapter: reslora('ms', { pre_num: 4 }),
    training: { learning_rate: 5e-4 },
    isKnownToPeft: false,
  },
  {
    name: 'VeRA',
    adapter: { method: 'vera', r: 128, vera_dropout: 0, ...all },
    training: { learning_rate: 1e-2 },
    isKnownToPeft: true,
  },
  {
    name: 'DVoRA',
    adapter: { method: 'dvora', r: 128, vera_dropout: 0, ...all },
    training: { learning_rate: 1e-2 },
    isKnownToPeft: false,
  },
  {
    name: 'LoRA, PiSSA start',
    adapter: lora({ init_lora_weights: 'pissa' }),
    training: { learning_rate: 5e-4 },
    isKnownToPeft: true,
  },
  {
    name: 'AsyLoRA (A from the base)',
    adapter: { method: 'asylora', ...lowRank, r: 16, lora_alpha: 32, frozen_init: 'base-singular' },
    training: { learning_rate: 1e-3 },
    isKnownToPeft: true,
  },
  {
    name: 'ReLoRA',
    adapter: lora(),
    training: { learning_rate: 1e-3, lr_scheduler_type: 'cosine_restarts' },
    sections: { relora: { every: 8 } },
    isKnownToPeft: true,
  },
  {
    name: 'ReMoRA',
    adapter: mora(1),
    training: { learning_rate: 3e-4, lr_scheduler_type: 'cosine_restarts' },
    sections: { relora: { every: 8 } },
    isKnownToPeft: false,
  },
  // The papers' baselines: all of the model needs far smaller steps than an adapter.
  { name: 'Full fine-tuning', adapter: { method: 'full' }, training: { learning_rate: 2e-5 }, isKnownToPeft: false },
  {
    name: 'Last 2 layers',
    adapter: { method: 'last_layers', num_layers: 2 },
    training: { learning_rate: 1e-4 },
    isKnownToPeft: false,
  },
  {
    name: 'BitFit',
    adapter: { method: 'bitfit' },
    training: { learning_rate: 1e-3 },
    isKnownToPeft: false,
    refusal: /has no biases/,
  },
];
