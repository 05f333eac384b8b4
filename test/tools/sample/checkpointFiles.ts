/** @file The base model as a Hugging Face folder: config.json, generation_config.json, the tokenizer's files and the weights. */
import path from 'node:path';
import { writeFileAtomic } from '../../../kernels/formats/atomicFile';
import { canonicalOrder } from '../../../kernels/formats/safetensorsHeader';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { llama } from '../../../kernels/models/llama';
import { createRandom } from '../../../kernels/util/random';
import { RECIPE } from './recipe';
import { END_ID } from './tokenizerFiles';

export type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

/** `vocabularySize` is what the tokenizer came out with. */
export function modelConfig(vocabularySize: number, dtype: 'float32' | 'float16'): Readonly<Record<string, unknown>> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    attention_bias: false,
    attention_dropout: 0,
    bos_token_id: null,
    eos_token_id: END_ID,
    pad_token_id: END_ID,
    head_dim: RECIPE.hidden / RECIPE.heads,
    hidden_act: 'silu',
    hidden_size: RECIPE.hidden,
    initializer_range: RECIPE.initialStd,
    intermediate_size: RECIPE.intermediate,
    max_position_embeddings: RECIPE.maxLength,
    mlp_bias: false,
    num_attention_heads: RECIPE.heads,
    num_hidden_layers: RECIPE.layers,
    num_key_value_heads: RECIPE.keyValueHeads,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    tie_word_embeddings: true,
    torch_dtype: dtype,
    use_cache: true,
    vocab_size: vocabularySize,
  };
}

export const generationConfig = { do_sample: false, eos_token_id: END_ID, pad_token_id: END_ID };

/** Norm weights 1, all others normal; each tensor draws from a stream of its own. */
export function initialWeights(config: Readonly<Record<string, unknown>>): Weights {
  const shapes = [...llama.tensors(llama.parseConfig(config, 'config.json', () => true).config)];
  return new Map(
    shapes.map(([name, shape], index) => {
      const values = new Float32Array(shape.reduce((n, size) => n * size, 1));
      if (shape.length === 1) values.fill(1);
      else fillNormal(values, RECIPE.initialStd, createRandom(RECIPE.seeds.weights, index).uint32);
      return [name, { shape, values }];
    }),
  );
}

/** Box and Muller. */
function fillNormal(values: Float32Array, std: number, uint32: () => number): void {
  for (let i = 0; i < values.length; i++) {
    const radius = Math.sqrt(-2 * Math.log((uint32() + 1) / 2 ** 32));
    values[i] = std * radius * Math.cos((2 * Math.PI * uint32()) / 2 ** 32);
  }
}

export function writeWeights(folder: string, weights: Weights, dtype: 'F32' | 'F16'): void {
  const specs = canonicalOrder([...weights].map(([name, { shape }]) => ({ name, dtype, shape })));
  const file = path.join(folder, 'model.safetensors');
  const writer = SafetensorsWriter.create(file, specs, { metadata: new Map([['format', 'pt']]) });
  try {
    for (const [name, { values }] of weights) writer.writeF32(name, values);
    writer.commit();
  } finally {
    writer.abort();
  }
}

export function writeJson(file: string, content: unknown): void {
  writeFileAtomic(file, `${JSON.stringify(content, null, 2)}\n`);
}
