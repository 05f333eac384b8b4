/** @file The parts of a decoder block with llama's names: its layers and norms, attention, the gated perceptron, and how they join. */
import type { Value } from '../../graph/graph';
import { add, geluTanh, mul, reshape, rmsNorm, swiglu } from '../../graph/ops';
import type { Block, BlockLinear } from './decoder';
import type { DecoderConfig } from './decoderConfig';

/** The seven projections of llama, in its order. */
export function llamaLinears({
  hiddenSize: hidden,
  intermediateSize: inner,
  biases,
  ...c
}: DecoderConfig): BlockLinear[] {
  const linear = (name: string, inFeatures: number, outFeatures: number, hasBias: boolean): BlockLinear => ({
    name,
    inFeatures,
    outFeatures,
    hasBias,
  });
  const width = c.heads * c.headDim;
  const kvWidth = c.kvHeads * c.headDim;
  return [
    linear('self_attn.q_proj', hidden, width, biases.qkv),
    linear('self_attn.k_proj', hidden, kvWidth, biases.qkv),
    linear('self_attn.v_proj', hidden, kvWidth, biases.qkv),
    linear('self_attn.o_proj', width, hidden, biases.o),
    linear('mlp.gate_proj', hidden, inner, biases.mlp),
    linear('mlp.up_proj', hidden, inner, biases.mlp),
    linear('mlp.down_proj', inner, hidden, biases.mlp),
  ];
}

/** The two norms of llama. */
export const llamaNorms = ({ hiddenSize }: DecoderConfig): Readonly<Record<string, number>> => ({
  input_layernorm: hiddenSize,
  post_attention_layernorm: hiddenSize,
});

/** A norm before each half of the block: x + attention(norm(x)), then x + mlp(norm(x)). */
export function preNormBlock(x: Value, { norm }: Block, attend: (x: Value) => Value, mlp: (x: Value) => Value): Value {
  const attended = add(x, attend(norm('input_layernorm', x)));
  return add(attended, mlp(norm('post_attention_layernorm', attended)));
}

/** Norms before and behind each half: x + norm(attention(norm(x))), then x + norm(mlp(norm(x))). */
export function sandwichBlock(x: Value, { norm }: Block, attend: (x: Value) => Value, mlp: (x: Value) => Value): Value {
  const attended = add(x, norm('post_attention_layernorm', attend(norm('input_layernorm', x))));
  return add(attended, norm('post_feedforward_layernorm', mlp(norm('pre_feedforward_layernorm', attended))));
}

/** Weights of the norms of a `sandwichBlock`. */
export const sandwichNorms = (config: DecoderConfig): Readonly<Record<string, number>> => ({
  ...llamaNorms(config),
  pre_feedforward_layernorm: config.hiddenSize,
  post_feedforward_layernorm: config.hiddenSize,
});

/** Weights of the norms of `attentionWithNormedHeads`. */
export const headNorms = ({ headDim }: DecoderConfig): Readonly<Record<string, number>> => ({
  'self_attn.q_norm': headDim,
  'self_attn.k_norm': headDim,
});

/** [tokens, hidden] → [tokens, hidden]. */
export const attention = ({ project, attend }: Block, x: Value): Value =>
  project(
    'self_attn.o_proj',
    attend({ q: project('self_attn.q_proj', x), k: project('self_attn.k_proj', x), v: project('self_attn.v_proj', x) }),
  );

/** Attention whose queries and keys are normed head by head before they are turned. */
export function attentionWithNormedHeads({ project, norm, attend }: Block, x: Value, headDim: number): Value {
  const heads = (name: string, v: Value): Value => {
    const [tokens = 0, width = 0] = v.type.shape;
    return reshape(norm(name, reshape(v, [tokens, width / headDim, headDim])), [tokens, width]);
  };
  return project(
    'self_attn.o_proj',
    attend({
      q: heads('self_attn.q_norm', project('self_attn.q_proj', x)),
      k: heads('self_attn.k_norm', project('self_attn.k_proj', x)),
      v: project('self_attn.v_proj', x),
    }),
  );
}

/** down(activation(gate(x), up(x))): swiglu or geglu. */
export const gatedMlp = ({ project }: Block, x: Value, activation: (gate: Value, up: Value) => Value): Value =>
  project('mlp.down_proj', activation(project('mlp.gate_proj', x), project('mlp.up_proj', x)));

/** gelu(gate) ⊙ up, with gelu in its approximation by tanh (Shazeer 2020, equation 6). */
export const geglu = (gate: Value, up: Value): Value => mul(geluTanh(gate), up);

/** All that families share whose block is llama's own and who differ in what config.json says. */
export const llamaParts = {
  defaultTargetModules: ['q_proj', 'v_proj'],
  linears: llamaLinears,
  norms: llamaNorms,
  norm: rmsNorm,
  block: (x: Value, block: Block): Value =>
    preNormBlock(
      x,
      block,
      (v) => attention(block, v),
      (v) => gatedMlp(block, v, swiglu),
    ),
} as const;
