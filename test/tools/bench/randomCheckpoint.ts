/** @file A llama checkpoint of random weights in a given shape, with a byte-level tokenizer that has no merges. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AtomicFolder, writeFileAtomic } from '../../../kernels/formats/atomicFile';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { say } from '../shared/table';
import { fillUniform } from './randomValues';
import { projections, type LlamaShape } from './shapes';

const END = '<|endoftext|>';

/** Returns `dir`, making the folder first where it does not exist. The same shape gives the same bytes. */
export function ensureRandomCheckpoint(
  dir: string,
  shape: LlamaShape,
  dtype: 'F32' | 'F16' | 'BF16' = 'F32',
): Promise<string> {
  if (existsSync(dir)) return Promise.resolve(dir);
  say(`writing random weights to ${dir}`);
  const folder = AtomicFolder.create(dir);
  try {
    const json = (name: string, content: unknown) =>
      writeFileAtomic(join(folder.temporaryPath, name), `${JSON.stringify(content)}\n`);
    json('config.json', modelConfig(shape));
    json('tokenizer.json', tokenizer(shape.vocabulary));
    json('tokenizer_config.json', { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: END, pad_token: END });
    writeWeights(join(folder.temporaryPath, 'model.safetensors'), shape, dtype);
    folder.commit();
  } finally {
    folder.abort();
  }
  return Promise.resolve(dir);
}

function writeWeights(path: string, shape: LlamaShape, dtype: 'F32' | 'F16' | 'BF16'): void {
  const tensors = weightShapes(shape).map(([name, size]) => ({ name, dtype, shape: size }));
  const writer = SafetensorsWriter.create(path, tensors, { metadata: new Map([['format', 'pt']]) });
  try {
    tensors.forEach(({ name, shape: size }, seed) => {
      const values = new Float32Array(size.reduce((product, n) => product * n, 1));
      // Norm weights are 1; the others have the usual standard deviation of 0.02.
      writer.writeF32(name, size.length === 1 ? values.fill(1) : fillUniform(values, 0.02 * Math.sqrt(3), seed + 1));
    });
    writer.commit();
  } finally {
    writer.abort();
  }
}

function weightShapes(shape: LlamaShape): (readonly [string, readonly number[]])[] {
  const layers = Array.from({ length: shape.layers }, (_, i) => `model.layers.${i}`);
  return [
    ['model.embed_tokens.weight', [shape.vocabulary, shape.hidden]] as const,
    ...layers.flatMap((layer) => [
      [`${layer}.input_layernorm.weight`, [shape.hidden]] as const,
      [`${layer}.post_attention_layernorm.weight`, [shape.hidden]] as const,
      ...Object.entries(projections(shape)).map(([module, size]) => [`${layer}.${module}.weight`, size] as const),
    ]),
    ['model.norm.weight', [shape.hidden]] as const,
  ];
}

function modelConfig(shape: LlamaShape): Readonly<Record<string, unknown>> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: shape.hidden,
    intermediate_size: shape.intermediate,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    vocab_size: shape.vocabulary,
    max_position_embeddings: 2048,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: 0,
    eos_token_id: 0,
    pad_token_id: 0,
    torch_dtype: 'float32',
  };
}

/** Token 0 ends a text, 1 to 256 are the bytes, the rest of the vocabulary is named but never produced. */
function tokenizer(vocabulary: number): Readonly<Record<string, unknown>> {
  const named = [END, ...byteAlphabet()];
  const tokens = Array.from({ length: vocabulary }, (_, id) => named[id] ?? `<unused_${id}>`);
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: END, ...special }],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [],
    },
  };
}

/** GPT-2's printable stand-ins for the 256 bytes: printable Latin-1 stands for itself, the others for 256, 257, … */
function byteAlphabet(): string[] {
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let other = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : other++));
}
