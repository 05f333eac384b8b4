/** @file Small llama-family checkpoints with random weights, in any type and number of shards. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { SafetensorsWriter } from '../../kernels/formats/safetensorsWriter';
import { architectureOf } from '../../kernels/models/registry';
import { createRandom } from '../../kernels/util/random';
import { quantiseCheckpoint, type Scheme } from './quantise';
import { TINY_CONFIG } from './tinyConfig';

export interface TinyModel {
  /** Fields of config.json that differ from those of `TINY_CONFIG`; undefined: it has none. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly dtype?: 'F32' | 'F16' | 'BF16';
  readonly shards?: number;
  readonly seed?: number;
  /** Its projections are stored quantised; of a checkpoint in one file. */
  readonly quantised?: Scheme;
  /** Other files of the folder. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes a checkpoint into `dir`. The same arguments give the same bytes. */
export function writeTinyCheckpoint(
  dir: string,
  { config = {}, dtype = 'F32', shards = 1, seed = 1, quantised, files = {} }: TinyModel = {},
): void {
  const fields = Object.entries({ ...TINY_CONFIG, ...config }).filter(([, value]) => value !== undefined);
  const json = Object.fromEntries(fields);
  const architecture = architectureOf(json, 'config.json');
  const tensors = [...architecture.tensors(architecture.parseConfig(json, 'config.json', () => true).config)];
  const random = createRandom(seed);
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const own = tensors.filter((_, i) => i % shards === shard);
    const name = shards === 1 ? 'model.safetensors' : `model-0000${shard + 1}-of-0000${shards}.safetensors`;
    const specs = own.map(([tensor, shape]) => ({ name: tensor, dtype, shape }));
    const writer = SafetensorsWriter.create(path.join(dir, name), specs, { metadata: new Map([['format', 'pt']]) });
    for (const [tensor, shape] of own) {
      writer.writeF32(tensor, randomValues(shape, random.uint32(), tensor.includes('norm') ? 1 : 0));
      weightMap[tensor] = name;
    }
    writer.commit();
  }
  const write = (name: string, text: string): void => writeFileSync(path.join(dir, name), text);
  write('config.json', `${JSON.stringify(json, null, 2)}\n`);
  if (shards > 1) {
    const elements = tensors.reduce((n, [, shape]) => n + shape.reduce((product, d) => product * d, 1), 0);
    const totalSize = elements * (dtype === 'F32' ? 4 : 2);
    const index = { metadata: { total_size: totalSize, note: 'kept' }, weight_map: weightMap };
    write('model.safetensors.index.json', JSON.stringify(index));
  }
  for (const [name, text] of Object.entries(files)) write(name, text);
  if (quantised) quantiseCheckpoint(dir, quantised);
}

/** Uniform in centre ± 0.3. */
export function randomValues(shape: readonly number[], seed: number, centre = 0): Float32Array {
  const random = createRandom(seed);
  const size = shape.reduce((n, d) => n * d, 1);
  return Float32Array.from({ length: size }, () => centre + 0.6 * (random.uint32() / 2 ** 32 - 0.5));
}
