/**
 * @file The llama family: RMS norms, rotary positions, grouped-query attention, SwiGLU. llama, mistral and qwen2 differ
 * in which projections have biases and in what their config.json leaves out.
 */
import type { Value } from '../graph/graph';
import { add, gatherRows, rmsNorm, swiglu } from '../graph/ops';
import { selfAttention } from './blocks/selfAttention';
import type { RopeConfig, RopeScaling } from './blocks/rope';
import { ConfigReader } from './configReader';
import type { CommonConfig, ModelArchitecture, TargetSite } from './types';

export interface LlamaConfig extends CommonConfig {
  readonly intermediateSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly normEpsilon: number;
  readonly rope: RopeConfig;
  readonly biases: { readonly qkv: boolean; readonly o: boolean; readonly mlp: boolean };
  readonly isTied: boolean;
}

interface Variant {
  readonly id: string;
  readonly biases: (read: ConfigReader) => LlamaConfig['biases'];
}

const EMBEDDING = 'model.embed_tokens.weight';
/** Fields of a Hugging Face config.json that say nothing about the computation of a causal language model. */
const HARMLESS = (
  'model_type torch_dtype dtype transformers_version use_cache ' +
  'unk_token_id sep_token_id initializer_range pretraining_tp max_window_layers return_dict output_attentions ' +
  'output_hidden_states name_or_path attn_implementation is_llama_config rope_interleaved task_specific_params id2label ' +
  'label2id problem_type tokenizer_class chunk_size_feed_forward is_encoder_decoder is_decoder add_cross_attention ' +
  'tie_encoder_decoder cross_attention_hidden_size torchscript finetuning_task prefix head_dim'
).split(' ');

/** The deepest models have a few hundred. */
const MOST_LAYERS = 10_000;

export const llama = family({
  id: 'llama',
  biases: (read) => {
    const attention = read.flag('attention_bias', false);
    return { qkv: attention, o: attention, mlp: read.flag('mlp_bias', false) };
  },
});
export const mistral = family({ id: 'mistral', biases: () => ({ qkv: false, o: false, mlp: false }) });
export const qwen2 = family({ id: 'qwen2', biases: () => ({ qkv: true, o: false, mlp: false }) });

function family({ id, biases }: Variant): ModelArchitecture<LlamaConfig> {
  return {
    id,
    defaultTargetModules: ['q_proj', 'v_proj'],

    parseConfig: (json, file) => {
      const read = new ConfigReader(json, file);
      const hiddenSize = read.count('hidden_size');
      const heads = read.count('num_attention_heads');
      const kvHeads = read.count('num_key_value_heads', heads);
      const share = hiddenSize / heads;
      const isDivided = (read.raw('head_dim') ?? null) === null;
      if (isDivided && share % 1 > 0) {
        const expected = `expected a multiple of num_attention_heads, ${heads}, or head_dim beside it`;
        read.refuse('hidden_size', hiddenSize, expected);
      }
      const headDim = read.count('head_dim', share % 1 > 0 ? NaN : share);
      if (heads % kvHeads > 0) {
        read.refuse('num_key_value_heads', kvHeads, `expected a divisor of num_attention_heads, ${heads}`);
      }
      if (headDim % 2 > 0) read.refuse('head_dim', headDim, 'expected an even number, for rotary positions');
      read.only('hidden_act', ['silu', 'swish'], 'expected silu, the only activation supported in this family');
      read.only('attention_dropout', [0], 'expected 0; dropout inside the base model is not supported');
      read.only('quantization_config', [], 'expected none; give a checkpoint in F32, F16 or BF16');
      read.only('partial_rotary_factor', [1], 'expected 1; partly rotated heads are not supported');
      const config: LlamaConfig = {
        hiddenSize,
        heads,
        kvHeads,
        headDim,
        layers: read.count('num_hidden_layers', undefined, MOST_LAYERS),
        vocabularySize: read.count('vocab_size'),
        intermediateSize: read.count('intermediate_size'),
        normEpsilon: read.positive('rms_norm_eps', 1e-6),
        maxLength: slidingWindow(read, read.count('max_position_embeddings', 2048)),
        rope: ropeConfig(read),
        biases: biases(read),
        isTied: read.flag('tie_word_embeddings', false),
      };
      read.specialTokens(config.vocabularySize);
      read.classNames();
      read.ownCode();
      read.harmless(HARMLESS);
      return { config, warnings: read.finish() };
    },

    tensors: (config) => {
      const shapes = new Map<string, readonly number[]>([
        [EMBEDDING, [config.vocabularySize, config.hiddenSize]],
        ['model.norm.weight', [config.hiddenSize]],
      ]);
      if (!config.isTied) shapes.set('lm_head.weight', [config.vocabularySize, config.hiddenSize]);
      for (let layer = 0; layer < config.layers; layer++) {
        shapes.set(`model.layers.${layer}.input_layernorm.weight`, [config.hiddenSize]);
        shapes.set(`model.layers.${layer}.post_attention_layernorm.weight`, [config.hiddenSize]);
        for (const site of layerSites(config, layer)) {
          shapes.set(site.weight, [site.outFeatures, site.inFeatures]);
          if (site.bias) shapes.set(site.bias, [site.outFeatures]);
        }
      }
      return shapes;
    },

    sites: (config) => Array.from({ length: config.layers }, (_, i) => layerSites(config, i)).flat(),

    head: ({ isTied }) => ({ path: 'lm_head', weight: 'lm_head.weight', tiedTo: isTied ? EMBEDDING : null }),

    kept: ({ kvHeads, headDim }) => ({ kvHeads, headDim }),

    hidden: (config, inputs, weights, linear) => {
      const { graph, ids } = inputs;
      const { normEpsilon } = config;
      const attend = selfAttention(config, inputs, config.rope);
      const norm = (x: Value, name: string): Value => rmsNorm(x, weights.get(`${name}.weight`), normEpsilon);
      let x = graph.scoped('embed', () => gatherRows(weights.get(EMBEDDING), ids)); // [tokens, hidden]
      for (let layer = 0; layer < config.layers; layer++) {
        graph.scoped(`layers.${layer}`, () => {
          const on = new Map(layerSites(config, layer).map((s) => [s.projection, s]));
          const project = (name: string, v: Value): Value => {
            const site = on.get(name);
            if (!site) throw new Error(`llama has no projection ${name}`);
            return graph.scoped(name, () => linear(site, v));
          };
          const a = norm(x, `model.layers.${layer}.input_layernorm`);
          const attended = graph.scoped('attention', () =>
            attend(layer, { q: project('q_proj', a), k: project('k_proj', a), v: project('v_proj', a) }),
          );
          x = add(x, project('o_proj', attended));
          const m = norm(x, `model.layers.${layer}.post_attention_layernorm`);
          x = add(x, project('down_proj', swiglu(project('gate_proj', m), project('up_proj', m))));
        });
      }
      return graph.scoped('norm', () => norm(x, 'model.norm'));
    },
  };
}

function layerSites(c: LlamaConfig, layer: number): readonly TargetSite[] {
  const site = (
    parent: string,
    projection: string,
    inFeatures: number,
    outFeatures: number,
    hasBias: boolean,
  ): TargetSite => {
    const path = `model.layers.${layer}.${parent}.${projection}`;
    const bias = hasBias ? `${path}.bias` : null;
    return { path, projection, layer, inFeatures, outFeatures, weight: `${path}.weight`, bias, layout: 'out-in' };
  };
  const { hiddenSize: hidden, intermediateSize: inner, biases } = c;
  const width = c.heads * c.headDim;
  const kvWidth = c.kvHeads * c.headDim;
  return [
    site('self_attn', 'q_proj', hidden, width, biases.qkv),
    site('self_attn', 'k_proj', hidden, kvWidth, biases.qkv),
    site('self_attn', 'v_proj', hidden, kvWidth, biases.qkv),
    site('self_attn', 'o_proj', width, hidden, biases.o),
    site('mlp', 'gate_proj', hidden, inner, biases.mlp),
    site('mlp', 'up_proj', hidden, inner, biases.mlp),
    site('mlp', 'down_proj', inner, hidden, biases.mlp),
  ];
}

/** With a sliding window our full attention is the model's own only up to the window. */
function slidingWindow(read: ConfigReader, maxPositions: number): number {
  const window = read.raw('sliding_window');
  const isUsed = read.flag('use_sliding_window', true);
  const types = read.raw('layer_types');
  if (Array.isArray(types) && types.every((t) => t === 'full_attention')) return maxPositions;
  if (window === undefined || window === null || !isUsed) return maxPositions;
  return Math.min(maxPositions, read.count('sliding_window'));
}

/** `rope_theta` and `rope_scaling`, or both inside `rope_parameters` as newer checkpoints have it. */
function ropeConfig(read: ConfigReader): RopeConfig {
  const theta = read.positive('rope_theta', 10000);
  const [key, raw] = (['rope_parameters', 'rope_scaling'] as const)
    .map((k) => [k, read.raw(k)] as const)
    .find(([, v]) => v !== undefined && v !== null) ?? ['rope_scaling', {}];
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    read.refuse(key, raw, 'expected an object');
    return { theta, scaling: { type: 'default' } };
  }
  const fields = raw as Readonly<Record<string, unknown>>;
  refuseTwoMeanings(read, key, fields);
  const numberOf = (name: string): number => {
    const value = fields[name];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    read.refuse(`${key}.${name}`, value, 'expected a number above 0');
    return 1;
  };
  const type = fields.rope_type ?? fields.type ?? 'default';
  let scaling: RopeScaling = { type: 'default' };
  if (type === 'linear') scaling = { type, factor: numberOf('factor') };
  else if (type === 'llama3') {
    scaling = {
      type,
      factor: numberOf('factor'),
      lowFreqFactor: numberOf('low_freq_factor'),
      highFreqFactor: numberOf('high_freq_factor'),
      originalMaxPositions: numberOf('original_max_position_embeddings'),
    };
    // Equal ones would divide by zero; the wrong way round, short and long wave lengths change places.
    if (scaling.lowFreqFactor >= scaling.highFreqFactor) {
      read.refuse(`${key}.low_freq_factor`, fields.low_freq_factor, 'expected a number below high_freq_factor');
    }
  } else if (type !== 'default') {
    read.refuse(`${key}.rope_type`, type, 'expected default, linear or llama3');
  }
  return { theta: fields.rope_theta === undefined ? theta : numberOf('rope_theta'), scaling };
}

/** Fields of older and newer checkpoints that say the same thing; where they differ it is not known which one holds. */
function refuseTwoMeanings(read: ConfigReader, key: string, fields: Readonly<Record<string, unknown>>): void {
  const differ = (a: unknown, b: unknown): boolean =>
    (a ?? null) !== null && (b ?? null) !== null && JSON.stringify(a) !== JSON.stringify(b);
  if (differ(fields.rope_type, fields.type)) {
    read.refuse(`${key}.type`, fields.type, `expected ${JSON.stringify(fields.rope_type)}, as rope_type says`);
  }
  if (differ(fields.rope_theta, read.raw('rope_theta'))) {
    const expected = `expected ${JSON.stringify(fields.rope_theta)}, as ${key} says`;
    read.refuse('rope_theta', read.raw('rope_theta'), expected);
  }
  if (differ(read.raw('rope_parameters'), read.raw('rope_scaling'))) {
    read.refuse('rope_scaling', read.raw('rope_scaling'), 'expected what rope_parameters says, or only one of the two');
  }
}
