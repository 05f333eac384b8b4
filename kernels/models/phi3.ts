/**
 * @file Phi-3: llama whose queries, keys and values come from one projection, and gate and up from another (Abdin et al. 2024,
 * section 2).
 */
import * as l10n from '@vscode/l10n';
import { slice, swiglu } from '../graph/ops';
import type { Value } from '../graph/graph';
import { onlySilu } from './blocks/activations';
import { plainRule } from './blocks/attention';
import { decoderFamily, type Block } from './blocks/decoder';
import { NO_BIASES, readDecoder, type DecoderConfig } from './blocks/decoderConfig';
import { llamaParts, preNormBlock } from './blocks/llamaBlock';
import { readRope } from './blocks/ropeFields';
import { oneWindow } from './blocks/windowRules';

export const phi3 = decoderFamily({
  ...llamaParts,
  id: 'phi3',
  defaultTargetModules: ['qkv_proj'],
  read: (read) => {
    const why = l10n.t('expected 0; dropout inside the base model is not supported');
    for (const key of ['resid_pdrop', 'embd_pdrop']) read.only(key, [0], why);
    read.only('attention_bias', [false], l10n.t('expected false; this family has no biases'));
    // It is about scaled positions only, which are refused.
    read.harmless(['original_max_position_embeddings']);
    return readDecoder(read, {
      activation: onlySilu,
      rules: ({ layers, headDim }) => oneWindow(read, layers, null, plainRule(headDim, readRope(read))),
      biases: NO_BIASES,
      normEpsilon: 1e-5,
      publishedCode: /^(.*--)?modeling_phi3\./,
    });
  },
  linears: ({ hiddenSize: hidden, intermediateSize: inner, heads, kvHeads, headDim }) => [
    { name: 'self_attn.qkv_proj', inFeatures: hidden, outFeatures: (heads + 2 * kvHeads) * headDim, hasBias: false },
    { name: 'self_attn.o_proj', inFeatures: heads * headDim, outFeatures: hidden, hasBias: false },
    { name: 'mlp.gate_up_proj', inFeatures: hidden, outFeatures: 2 * inner, hasBias: false },
    { name: 'mlp.down_proj', inFeatures: inner, outFeatures: hidden, hasBias: false },
  ],
  block: (x, block, config) =>
    preNormBlock(
      x,
      block,
      (v) => fusedAttention(block, v, config),
      (v) => fusedMlp(block, v, config),
    ),
});

function fusedAttention({ project, attend }: Block, x: Value, { heads, kvHeads, headDim }: DecoderConfig): Value {
  const qkv = project('self_attn.qkv_proj', x);
  const [q, k, v] = [heads * headDim, (heads + kvHeads) * headDim, (heads + 2 * kvHeads) * headDim];
  return project(
    'self_attn.o_proj',
    attend({ q: slice(qkv, 1, 0, q), k: slice(qkv, 1, q, k), v: slice(qkv, 1, k, v) }),
  );
}

function fusedMlp({ project }: Block, x: Value, { intermediateSize: inner }: DecoderConfig): Value {
  const both = project('mlp.gate_up_proj', x);
  return project('mlp.down_proj', swiglu(slice(both, 1, 0, inner), slice(both, 1, inner, 2 * inner)));
}
