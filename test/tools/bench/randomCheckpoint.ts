/** @file A checkpoint of random weights in a given shape, with a byte-level tokenizer that has no merges. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AtomicFolder, writeFileAtomic } from '../../../kernels/formats/atomicFile';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { architectureOf } from '../../../kernels/models/registry';
import { say } from '../shared/table';
import { fillUniform } from './randomValues';
import type { LlamaShape } from './shapes';

const END = '<|endoftext|>';

/** Returns `dir`, making the folder first where it does not exist. The same shape gives the same bytes. */
export function ensureRandomCheckpoint(dir: string, shape: LlamaShape, dtype: RandomDtype = 'F32'): Promise<string> {
  return ensureRandomModel(dir, llamaConfig(shape), dtype);
}

/** The same for any family, from what its config.json says; a head for whole texts is left out, so that training starts it. */
export function ensureRandomModel(dir: string, config: ModelJson, dtype: RandomDtype): Promise<string> {
  if (existsSync(dir)) return Promise.resolve(dir);
  say(`writing random weights to ${dir}`);
  const folder = AtomicFolder.create(dir);
  try {
    const json = (name: string, content: unknown) =>
      writeFileAtomic(join(folder.temporaryPath, name), `${JSON.stringify(content)}\n`);
    json('config.json', config);
    json('tokenizer.json', tokenizer(config.vocab_size));
    json('tokenizer_config.json', { tokenizer_class: 'PreTrainedTokenizerFast', eos_token: END, pad_token: END });
    writeWeights(join(folder.temporaryPath, 'model.safetensors'), weightShapes(config), dtype);
    folder.commit();
  } finally {
    folder.abort();
  }
  return Promise.resolve(dir);
}

type RandomDtype = 'F32' | 'F16' | 'BF16';
type ModelJson = Readonly<Record<string, unknown>> & { readonly model_type: string; readonly vocab_size: number };
type Shapes = readonly (readonly [name: string, shape: readonly number[]])[];

function writeWeights(path: string, shapes: Shapes, dtype: RandomDtype): void {
  const tensors = shapes.map(([name, shape]) => ({ name, dtype, shape }));
  const writer = SafetensorsWriter.create(path, tensors, { metadata: new Map([['format', 'pt']]) });
  try {
    tensors.forEach(({ name, shape }, seed) => {
      const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
      // Norm weights are 1 and biases 0; the others have the usual standard deviation of 0.02.
      const isMatrix = shape.length > 1;
      if (!isMatrix) values.fill(name.endsWith('.bias') ? 0 : 1);
      writer.writeF32(name, isMatrix ? fillUniform(values, 0.02 * Math.sqrt(3), seed + 1) : values);
    });
    writer.commit();
  } finally {
    writer.abort();
  }
}

function weightShapes(json: ModelJson): Shapes {
  const family = architectureOf(json, 'config.json');
  const { config } = family.parseConfig(json, 'config.json', () => false);
  const head = family.head(config);
  const fresh = head.kind === 'sequence' ? [...head.modules.values()].flat().map(({ name }) => name) : [];
  return [...family.tensors(config)].filter(([name]) => !fresh.includes(name));
}

function llamaConfig(shape: LlamaShape): ModelJson {
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
