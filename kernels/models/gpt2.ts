/**
 * @file GPT-2: layer norms before each part, learned positions, one projection for queries, keys and values together, weights
 * stored [in, out] (Conv1D).
 */
import * as l10n from '@vscode/l10n';
import type { Value } from '../graph/graph';
import { add, gatherRows, geluTanh, layerNorm, mul, normalCdf, slice } from '../graph/ops';
import { plainRule } from './blocks/attention';
import { selfAttention } from './blocks/selfAttention';
import { ConfigReader } from './configReader';
import { embeddingSite } from './outerSites';
import type { CommonConfig, ModelArchitecture, ModelInputs, TargetSite } from './types';

interface Gpt2Config extends CommonConfig {
  readonly innerSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly normEpsilon: number;
  readonly activation: 'tanh' | 'exact';
  readonly isTied: boolean;
  /** Before the names of all tensors but the head's. Checkpoints saved from the model without a head have none. */
  readonly prefix: '' | 'transformer.';
}

/** Approximations by tanh under their several names, and the exact function. */
const ACTIVATIONS: Readonly<Record<string, Gpt2Config['activation']>> = {
  gelu_new: 'tanh',
  gelu_pytorch_tanh: 'tanh',
  gelu_fast: 'tanh',
  gelu: 'exact',
};
const HARMLESS = (
  'model_type torch_dtype dtype transformers_version use_cache initializer_range n_ctx resid_pdrop embd_pdrop ' +
  'summary_type summary_use_proj summary_activation summary_proj_to_labels summary_first_dropout task_specific_params ' +
  'return_dict output_attentions output_hidden_states name_or_path attn_implementation id2label label2id problem_type ' +
  'tokenizer_class is_encoder_decoder is_decoder torchscript prefix gradient_checkpointing reorder_and_upcast_attn'
).split(' ');

/** The deepest models have a few hundred. */
const MOST_LAYERS = 10_000;

export const gpt2: ModelArchitecture<Gpt2Config> = {
  id: 'gpt2',
  defaultTargetModules: ['c_attn'],

  parseConfig: (json, file, has) => {
    const read = new ConfigReader(json, file);
    const hiddenSize = read.count('n_embd');
    const heads = read.count('n_head');
    if (hiddenSize % heads > 0) read.refuse('n_embd', hiddenSize, l10n.t('expected a multiple of n_head, {0}', heads));
    const activation = read.raw('activation_function') ?? 'gelu_new';
    if (typeof activation !== 'string' || !(activation in ACTIVATIONS)) {
      read.refuse(
        'activation_function',
        activation,
        l10n.t('expected one of {0}', Object.keys(ACTIVATIONS).join(', ')),
      );
    }
    read.only('attn_pdrop', [0, 0.1], l10n.t('expected 0 or the default; dropout inside the base model is not used'));
    read.only('scale_attn_weights', [true], l10n.t('expected true, the only scaling of scores supported'));
    read.only(
      'scale_attn_by_inverse_layer_idx',
      [false],
      l10n.t('expected false, the only scaling of scores supported'),
    );
    read.only('add_cross_attention', [false], l10n.t('expected false; this is a decoder alone'));
    read.quantization();
    const config: Gpt2Config = {
      hiddenSize,
      heads,
      kvHeads: heads,
      headDim: hiddenSize / heads,
      layers: read.count('n_layer', undefined, MOST_LAYERS),
      vocabularySize: read.count('vocab_size'),
      innerSize: read.count('n_inner', 4 * hiddenSize),
      normEpsilon: read.positive('layer_norm_epsilon', 1e-5),
      maxLength: read.count('n_positions'),
      activation: (typeof activation === 'string' ? ACTIVATIONS[activation] : undefined) ?? 'tanh',
      isTied: read.flag('tie_word_embeddings', true),
      prefix: has('wte.weight') ? '' : 'transformer.',
    };
    read.specialTokens(config.vocabularySize);
    read.classNames();
    read.ownCode();
    read.harmless(HARMLESS);
    return { config, warnings: read.finish() };
  },

  tensors: (config) => {
    const { hiddenSize: hidden, layers, prefix } = config;
    const shapes = new Map<string, readonly number[]>([
      [`${prefix}wte.weight`, [config.vocabularySize, hidden]],
      [`${prefix}wpe.weight`, [config.maxLength, hidden]],
    ]);
    const norm = (path: string): void => {
      shapes.set(`${path}.weight`, [hidden]);
      shapes.set(`${path}.bias`, [hidden]);
    };
    for (let layer = 0; layer < layers; layer++) {
      norm(`${prefix}h.${layer}.ln_1`);
      norm(`${prefix}h.${layer}.ln_2`);
      for (const { weight, bias, inFeatures, outFeatures } of layerSites(config, layer)) {
        shapes.set(weight, [inFeatures, outFeatures]);
        if (bias) shapes.set(bias, [outFeatures]);
      }
    }
    norm(`${prefix}ln_f`);
    if (!config.isTied) shapes.set('lm_head.weight', [config.vocabularySize, hidden]);
    return shapes;
  },

  sites: (config) => Array.from({ length: config.layers }, (_, i) => layerSites(config, i)).flat(),

  embedding: table,

  head: ({ isTied, prefix }) => ({
    kind: 'next-token',
    path: 'lm_head',
    weight: 'lm_head.weight',
    tiedTo: isTied ? `${prefix}wte.weight` : null,
    softCap: null,
  }),

  kept: ({ kvHeads, headDim }) => ({ kvHeads, headDim, windows: [null] }),

  hidden: (config, inputs, weights, linear) => {
    const { graph, ids } = inputs;
    const { hiddenSize: hidden, normEpsilon, prefix } = config;
    const rule = plainRule(config.headDim, null);
    const attend = selfAttention(config, inputs, () => rule);
    const norm = (x: Value, name: string): Value =>
      layerNorm(x, weights.get(`${name}.weight`), weights.get(`${name}.bias`), normEpsilon);
    let x = graph.scoped('embed', () =>
      add(
        linear(embeddingSite(table(config), config), ids),
        gatherRows(weights.get(`${prefix}wpe.weight`), positions(inputs)),
      ),
    );
    for (let layer = 0; layer < config.layers; layer++) {
      graph.scoped(`layers.${layer}`, () => {
        const block = `${prefix}h.${layer}`;
        const on = new Map(layerSites(config, layer).map((s) => [s.path, s]));
        const project = (name: string, v: Value): Value => {
          const site = on.get(`transformer.h.${layer}.${name}`);
          if (!site) throw new Error(`gpt2 has no projection ${name}`);
          return graph.scoped(name, () => linear(site, v));
        };
        const qkv = project('attn.c_attn', norm(x, `${block}.ln_1`));
        const third = (i: number): Value => slice(qkv, 1, i * hidden, (i + 1) * hidden);
        const attended = graph.scoped('attention', () => attend(layer, { q: third(0), k: third(1), v: third(2) }));
        x = add(x, project('attn.c_proj', attended));
        const inner = project('mlp.c_fc', norm(x, `${block}.ln_2`));
        const active = config.activation === 'tanh' ? geluTanh(inner) : mul(inner, normalCdf(inner));
        x = add(x, project('mlp.c_proj', active));
      });
    }
    return graph.scoped('norm', () => norm(x, `${prefix}ln_f`));
  },
};

/** Module paths are those of the model with its head, as PEFT sees them. */
function table({ prefix }: Gpt2Config): { readonly path: string; readonly weight: string } {
  return { path: 'transformer.wte', weight: `${prefix}wte.weight` };
}

/** The position of every token, counted from 0 in each row: i32[batch·length]. */
function positions({ graph, batch, length, past }: ModelInputs): Value {
  if (past) return past.positions;
  return graph.constant(
    Int32Array.from({ length: batch * length }, (_, i) => i % length),
    [batch * length],
  );
}

function layerSites(
  { hiddenSize: hidden, innerSize: inner, prefix }: Gpt2Config,
  layer: number,
): readonly TargetSite[] {
  const site = (parent: string, projection: string, inFeatures: number, outFeatures: number): TargetSite => {
    // Module paths are those of the model with its head, as PEFT sees them.
    const path = `transformer.h.${layer}.${parent}.${projection}`;
    const tensor = `${prefix}h.${layer}.${parent}.${projection}`;
    const tensors = { weight: `${tensor}.weight`, bias: `${tensor}.bias` };
    return { path, projection, layer, inFeatures, outFeatures, ...tensors, layout: 'in-out' };
  };
  return [
    site('attn', 'c_attn', hidden, 3 * hidden),
    site('attn', 'c_proj', hidden, hidden),
    site('mlp', 'c_fc', hidden, inner),
    site('mlp', 'c_proj', inner, hidden),
  ];
}
