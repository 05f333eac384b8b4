/** @file The fields of config.json that decoders of the llama kind share, read and checked once for all of them. */
import * as l10n from '@vscode/l10n';
import type { ConfigReader } from '../configReader';
import type { CommonConfig } from '../types';
import type { AttentionRule } from './attention';

export interface DecoderConfig extends CommonConfig {
  readonly intermediateSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly normEpsilon: number;
  readonly biases: Biases;
  readonly isTied: boolean;
  /** Logits are bent into (−softCap, softCap); null: they are not. */
  readonly logitSoftCap: number | null;
  /** How each layer attends. */
  readonly rules: readonly AttentionRule[];
}

/** Which linear layers have a bias. */
export interface Biases {
  readonly qkv: boolean;
  readonly o: boolean;
  readonly mlp: boolean;
}

export const NO_BIASES: Biases = { qkv: false, o: false, mlp: false };

/** `attention_bias` alone, on all four projections of the attention. */
export function attentionBiases(read: ConfigReader): Biases {
  const attention = read.flag('attention_bias', false);
  return { qkv: attention, o: attention, mlp: false };
}

/** The deepest models have a few hundred. */
const MOST_LAYERS = 10_000;

/** Fields of a Hugging Face config.json that say nothing about the computation of a causal language model. */
const HARMLESS = (
  'model_type torch_dtype dtype transformers_version use_cache cache_implementation ' +
  'unk_token_id sep_token_id initializer_range pretraining_tp max_window_layers return_dict output_attentions ' +
  'output_hidden_states name_or_path attn_implementation is_llama_config rope_interleaved task_specific_params id2label ' +
  'label2id problem_type tokenizer_class chunk_size_feed_forward is_encoder_decoder is_decoder add_cross_attention ' +
  'tie_encoder_decoder cross_attention_hidden_size torchscript finetuning_task prefix head_dim'
).split(' ');

/** What a family says beside the fields that all have. */
export interface OwnFields {
  /** Refuses activations that are not the family's. */
  activation(read: ConfigReader): void;
  /** The rule of each layer; the sizes were read by then. */
  rules(sizes: { readonly layers: number; readonly headDim: number }): readonly AttentionRule[];
  readonly biases: Biases;
  readonly isTied?: boolean;
  readonly normEpsilon?: number;
  readonly logitSoftCap?: number | null;
  /** Code of the family itself that its published checkpoints name. */
  readonly publishedCode?: RegExp;
}

/** Reads what all families have; `isTied` and `normEpsilon` of `own` stand for fields that are left out. */
export function readDecoder(read: ConfigReader, own: OwnFields): DecoderConfig {
  const hiddenSize = read.count('hidden_size');
  const heads = read.count('num_attention_heads');
  const kvHeads = read.count('num_key_value_heads', heads);
  const share = hiddenSize / heads;
  const isDivided = (read.raw('head_dim') ?? null) === null;
  if (isDivided && share % 1 > 0) {
    const expected = l10n.t('expected a multiple of num_attention_heads, {0}, or head_dim beside it', heads);
    read.refuse('hidden_size', hiddenSize, expected);
  }
  const headDim = read.count('head_dim', share % 1 > 0 ? NaN : share);
  if (heads % kvHeads > 0) {
    read.refuse('num_key_value_heads', kvHeads, l10n.t('expected a divisor of num_attention_heads, {0}', heads));
  }
  if (headDim % 2 > 0) read.refuse('head_dim', headDim, l10n.t('expected an even number, for rotary positions'));
  own.activation(read);
  read.only('attention_dropout', [0], l10n.t('expected 0; dropout inside the base model is not supported'));
  read.quantization();
  read.only('partial_rotary_factor', [1], l10n.t('expected 1; partly rotated heads are not supported'));
  read.only('use_bidirectional_attention', [false], l10n.t('expected false; a decoder sees what came before alone'));
  const layers = read.count('num_hidden_layers', undefined, MOST_LAYERS);
  const config: DecoderConfig = {
    hiddenSize,
    heads,
    kvHeads,
    headDim,
    layers,
    vocabularySize: read.count('vocab_size'),
    intermediateSize: read.count('intermediate_size'),
    normEpsilon: read.positive('rms_norm_eps', own.normEpsilon ?? 1e-6),
    maxLength: read.count('max_position_embeddings', 2048),
    biases: own.biases,
    isTied: read.flag('tie_word_embeddings', own.isTied ?? false),
    logitSoftCap: own.logitSoftCap ?? null,
    rules: own.rules({ layers, headDim }),
  };
  read.specialTokens(config.vocabularySize);
  read.classNames();
  read.ownCode(own.publishedCode);
  read.harmless(HARMLESS);
  return config;
}
