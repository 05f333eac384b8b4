/**
 * @file Every form of an adapter that PEFT and this engine both write or read, on tiny random models. `own`: what this engine
 * trains and writes, for PEFT to load. `theirs`: what PEFT trains and writes, for this engine to load.
 */

export interface OwnAdapter {
  /** The `adapter:` section of a configuration. */
  readonly adapter: Readonly<Record<string, unknown>> & { readonly method: string };
  /** Merged and begun anew after its first step. */
  readonly isRestarted?: boolean;
  /** Made to plain LoRA of one rank or of a share of the energy, as what is loaded. */
  readonly convert?: {
    readonly wanted: { rank: number } | { energy: number };
    readonly dtype?: 'f32' | 'f16' | 'bf16';
  };
}

export interface TheirAdapter {
  readonly config: 'LoraConfig' | 'VeraConfig' | 'LoHaConfig';
  readonly fields: Readonly<Record<string, unknown>>;
  /** PEFT's conversion of a start that changed the base weights. */
  readonly convert?: true;
  readonly dtype?: 'float16' | 'bfloat16';
  /** The keys that stay in adapter_config.json, and what is set in it: a file of an older version. */
  readonly keep?: readonly string[];
  readonly set?: Readonly<Record<string, unknown>>;
}

export interface FormatCase {
  readonly name: string;
  /** A folder of test/golden/bases. */
  readonly base: string;
  /** The key of adapter_config.json for which `theirs` must be refused: PEFT's way is not ours, and must not be misread. */
  readonly refused?: string;
  /** The base is given without the modules that answer: its adapter has them, for so many labels. */
  readonly headless?: number;
  readonly own?: OwnAdapter;
  readonly theirs?: TheirAdapter;
}

const ATTENTION = ['q_proj', 'v_proj'];
const SMALL = { r: 3, lora_alpha: 5 };

/** A format in both directions: the same fields under the same names, but for what each calls the method. */
function both(
  name: string,
  base: string,
  fields: Readonly<Record<string, unknown>>,
  { method = 'lora', marks = {}, task = 'CAUSAL_LM', convert, ...more }: Both = {},
): FormatCase {
  const shared = { ...SMALL, ...fields };
  const made = { ...shared, ...marks, task_type: task };
  const theirs = { config: 'LoraConfig', fields: made, ...(convert && { convert }) } as const;
  return { name, base, own: { adapter: { method, ...shared } }, theirs, ...more };
}

interface Both {
  readonly method?: string;
  /** What PEFT's configuration says beside the fields. */
  readonly marks?: Readonly<Record<string, unknown>>;
  readonly task?: string;
  readonly convert?: true;
  readonly headless?: number;
}

const dora = { method: 'dora', marks: { use_dora: true } };
const labelled = { task: 'SEQ_CLS' };

function vera(name: string, base: string, fields: Readonly<Record<string, unknown>>, task = 'CAUSAL_LM'): FormatCase {
  const shared = { r: 6, projection_prng_key: 11, ...fields };
  return {
    name,
    base,
    own: { adapter: { method: 'vera', ...shared } },
    theirs: { config: 'VeraConfig', fields: { ...shared, task_type: task } },
  };
}

/** A way of PEFT's own, whose adapter this engine must refuse and name the key. */
function refused(key: string, fields: Readonly<Record<string, unknown>>, name = key): FormatCase {
  const made = { ...SMALL, target_modules: ATTENTION, task_type: 'CAUSAL_LM', ...fields };
  return {
    name: `refused-${name.replaceAll('_', '-')}`,
    base: 'mistral',
    refused: key,
    theirs: { config: 'LoraConfig', fields: made },
  };
}

function converted(name: string, adapter: OwnAdapter['adapter'], more: Partial<OwnAdapter> = {}): FormatCase {
  return { name, base: 'mistral', own: { adapter, convert: { wanted: { rank: 4 } }, ...more } };
}

/** The keys of adapter_config.json in PEFT 0.2; those that it had and nobody reads any more are set. */
const PEFT_02: Pick<TheirAdapter, 'keep' | 'set'> = {
  keep: [
    'base_model_name_or_path',
    'bias',
    'fan_in_fan_out',
    'inference_mode',
    'lora_alpha',
    'lora_dropout',
    'modules_to_save',
    'peft_type',
    'r',
    'target_modules',
    'task_type',
  ],
  set: { enable_lora: null, merge_weights: false },
};

export const FORMAT_CASES: readonly FormatCase[] = [
  both('lora', 'mistral', { target_modules: 'all-linear' }),
  both('rslora', 'mistral', { target_modules: ATTENTION, use_rslora: true }),
  both('lora-patterns', 'mistral', {
    target_modules: [...ATTENTION, 'down_proj'],
    rank_pattern: { 'layers.1.self_attn.q_proj': 2, down_proj: 5 },
    alpha_pattern: { v_proj: 9, '^model.layers.0.mlp.down_proj': 2 },
  }),
  both('rslora-patterns', 'mistral', {
    target_modules: ATTENTION,
    use_rslora: true,
    rank_pattern: { 'layers.0.self_attn.q_proj': 2 },
    alpha_pattern: { q_proj: 7 },
  }),
  both('lora-layers', 'gemma3', {
    target_modules: [...ATTENTION, 'up_proj'],
    layers_to_transform: [0, 2],
    layers_pattern: 'layers',
    exclude_modules: ['up_proj'],
  }),
  both('lora-regex', 'mistral', {
    target_modules: '.*\\.layers\\.1\\..*(q_proj|gate_proj)',
    exclude_modules: '.*mlp.*',
  }),
  both('lora-bias', 'llama-headdim-bias', { target_modules: ATTENTION, lora_bias: true }),
  both('bias-all', 'qwen2', { target_modules: ATTENTION, bias: 'all' }),
  both('bias-lora-only', 'qwen2', { target_modules: ATTENTION, bias: 'lora_only' }),
  both('saved-modules', 'mistral', { target_modules: ATTENTION, modules_to_save: ['lm_head', 'embed_tokens'] }),
  both('saved-tied-head', 'qwen3', { target_modules: ATTENTION, modules_to_save: ['lm_head'] }),
  both('saved-tied-embedding', 'qwen3', { target_modules: ATTENTION, modules_to_save: ['embed_tokens'] }),
  both('lora-embedding', 'mistral', { target_modules: ['embed_tokens', 'q_proj'] }),
  both('lora-tied-embedding', 'qwen3', { target_modules: ['embed_tokens', 'q_proj'] }),
  both('lora-head', 'mistral', { target_modules: ['lm_head', 'q_proj'] }),
  both('lora-tied-head', 'qwen3', { target_modules: ['lm_head', 'q_proj'] }),
  both('lora-tied-both', 'qwen3', { target_modules: ['embed_tokens', 'lm_head'] }),
  both('lora-embedding-gemma', 'gemma', { target_modules: ['embed_tokens', 'q_proj'] }),
  both('lora-embedding-gemma3', 'gemma3', { target_modules: ['embed_tokens', 'q_proj'] }),
  both('dora-embedding-gemma3', 'gemma3', { target_modules: ['embed_tokens', 'q_proj'] }, dora),
  both('lora-embedding-gpt2', 'gpt2', { target_modules: ['wte', 'c_proj'] }),
  both('lora-embedding-bert', 'bert', { target_modules: ['word_embeddings', 'query'] }, labelled),
  both(
    'dora-embedding-roberta',
    'roberta',
    { r: 1, target_modules: ['word_embeddings', 'query'] },
    { ...dora, ...labelled },
  ),
  both('lora-all-bert', 'bert', { target_modules: 'all-linear' }, labelled),
  both('lora-all-gpt2', 'gpt2', { r: 1, target_modules: 'all-linear' }),
  both('saved-norms', 'mistral', { target_modules: ATTENTION, modules_to_save: ['norm', 'o_proj'] }),
  both('dora-head', 'mistral', { target_modules: ['lm_head', 'v_proj'] }, dora),
  both('lora-gpt2', 'gpt2', { target_modules: ['c_attn', 'c_fc'], layers_to_transform: [1] }),
  both('lora-phi3', 'phi3', { target_modules: ['qkv_proj', 'gate_up_proj'] }),
  both('lora-pissa', 'mistral', { target_modules: ATTENTION, init_lora_weights: 'pissa' }, { convert: true }),
  both(
    'rslora-pissa',
    'mistral',
    { target_modules: ATTENTION, init_lora_weights: 'pissa_niter_16', use_rslora: true },
    { convert: true },
  ),
  both('lora-orthogonal', 'mistral', { r: 4, target_modules: ATTENTION, init_lora_weights: 'orthogonal' }),
  {
    name: 'dora-pissa',
    base: 'mistral',
    own: { adapter: { method: 'dora', ...SMALL, target_modules: ATTENTION, init_lora_weights: 'pissa' } },
  },
  both('dora', 'mistral', { target_modules: 'all-linear' }, dora),
  both(
    'dora-rslora-patterns',
    'mistral',
    { target_modules: ATTENTION, use_rslora: true, rank_pattern: { q_proj: 2 } },
    dora,
  ),
  both('dora-embedding', 'mistral', { target_modules: ['embed_tokens', 'v_proj'] }, dora),
  both('dora-gpt2', 'gpt2', { target_modules: ['c_attn'], layers_to_transform: [0] }, dora),
  both('dora-phi3', 'phi3', { target_modules: ['qkv_proj'] }, dora),
  vera('vera', 'mistral', { target_modules: ['q_proj', 'v_proj', 'down_proj'] }),
  vera('vera-saved-head', 'mistral', { target_modules: ATTENTION, modules_to_save: ['lm_head'] }),
  vera('vera-bias', 'qwen2', {
    target_modules: ATTENTION,
    bias: 'vera_only',
    layers_to_transform: [1],
    layers_pattern: 'layers',
  }),
  vera('vera-gpt2', 'gpt2', { target_modules: ['c_attn'] }),
  vera('vera-bert', 'bert', { target_modules: ['query', 'value'] }, 'SEQ_CLS'),
  {
    name: 'vera-seeded',
    base: 'mistral',
    theirs: {
      config: 'VeraConfig',
      fields: {
        r: 6,
        projection_prng_key: 5,
        save_projection: false,
        target_modules: ['q_proj', 'down_proj'],
        task_type: 'CAUSAL_LM',
      },
    },
  },
  both('classifier-bert', 'bert', { target_modules: ['query', 'value'] }, labelled),
  both('classifier-roberta', 'roberta', { target_modules: ['query', 'value'], layers_to_transform: [2] }, labelled),
  both('regression-bert', 'bert-regression', { target_modules: ['query', 'value'] }, { ...dora, ...labelled }),
  both('new-head-bert', 'bert', { target_modules: ['query', 'value'] }, { ...labelled, headless: 4 }),
  {
    name: 'config-of-peft-0.2',
    base: 'mistral',
    theirs: {
      config: 'LoraConfig',
      fields: { ...SMALL, target_modules: ATTENTION, task_type: 'CAUSAL_LM' },
      ...PEFT_02,
    },
  },
  {
    ...converted(
      'lora-f16',
      { method: 'lora', ...SMALL, target_modules: ATTENTION },
      { convert: { wanted: { rank: 3 }, dtype: 'f16' } },
    ),
    theirs: {
      config: 'LoraConfig',
      fields: { ...SMALL, target_modules: ATTENTION, task_type: 'CAUSAL_LM' },
      dtype: 'float16',
    },
  },
  {
    ...converted(
      'lora-bf16',
      { method: 'lora', ...SMALL, target_modules: ATTENTION },
      { convert: { wanted: { rank: 3 }, dtype: 'bf16' } },
    ),
    theirs: {
      config: 'LoraConfig',
      fields: { ...SMALL, target_modules: ATTENTION, task_type: 'CAUSAL_LM' },
      dtype: 'bfloat16',
    },
  },
  { name: 'asylora', base: 'mistral', own: { adapter: { method: 'asylora', ...SMALL, target_modules: ATTENTION } } },
  {
    name: 'relora-stacked',
    base: 'mistral',
    own: { adapter: { method: 'lora', ...SMALL, target_modules: ATTENTION }, isRestarted: true },
  },
  converted('relora-converted', { method: 'lora', ...SMALL, target_modules: ATTENTION }, { isRestarted: true }),
  converted('dora-converted', { method: 'dora', ...SMALL, target_modules: ATTENTION }),
  converted('mora-converted', { method: 'mora', r: 2, mora_type: 6, target_modules: ATTENTION }),
  converted(
    'remora-converted',
    { method: 'mora', r: 2, mora_type: 1, target_modules: ATTENTION },
    { isRestarted: true, convert: { wanted: { energy: 0.99 } } },
  ),
  converted('reslora-converted', { method: 'reslora', ...SMALL, variant: 'bs', target_modules: ATTENTION }),
  converted('reslora-is-converted', { method: 'reslora', ...SMALL, variant: 'is', target_modules: ATTENTION }),
  converted('vera-converted', { method: 'vera', r: 6, target_modules: ATTENTION }),
  converted('dvora-converted', { method: 'dvora', r: 6, target_modules: ATTENTION }),
  refused('trainable_token_indices', { trainable_token_indices: [3, 5] }),
  refused('target_parameters', { target_modules: [], target_parameters: ['q_proj.weight'] }),
  refused('layer_replication', {
    layer_replication: [
      [0, 2],
      [1, 2],
    ],
  }),
  refused('alora_invocation_tokens', { alora_invocation_tokens: [4] }),
  refused('init_lora_weights', { init_lora_weights: 'pissa' }, 'unconverted-pissa'),
  {
    name: 'refused-loha',
    base: 'mistral',
    refused: 'peft_type',
    theirs: { config: 'LoHaConfig', fields: { r: 2, alpha: 3, target_modules: ATTENTION, task_type: 'CAUSAL_LM' } },
  },
];
