/** @file Quantises weights as bitsandbytes stores them, for tests: each value becomes the nearest level of its block. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bytesOf } from '../../kernels/formats/dtype';
import { openSafetensors, type TensorSpec } from '../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../kernels/formats/safetensorsWriter';
import { LEVELS } from '../../kernels/util/fourBitLevels';

export interface Scheme {
  readonly form: 'nf4' | 'fp4' | 'int8';
  /** Values in a block of 4 bits; default 64. */
  readonly blockSize?: number;
  /** The absmax are quantised as well, in blocks of so many. */
  readonly nested?: number;
}

export interface StoredTensor extends TensorSpec {
  readonly bytes: Uint8Array;
}

/** The tensors that a weight [out, in] becomes; `from` is what it was before. */
export function quantise(
  name: string,
  values: Float32Array,
  shape: readonly number[],
  { form, blockSize = 64, nested }: Scheme,
  from = 'float32',
): readonly StoredTensor[] {
  if (form === 'int8') return int8(name, values, shape);
  const levels = LEVELS[form];
  const absmax = maxima(values, blockSize);
  const codes = Uint8Array.from(values, (v, i) => nearest(levels, v / (absmax[Math.floor(i / blockSize)] || 1)));
  const packed = Uint8Array.from({ length: Math.ceil(codes.length / 2) }, (_, i) => {
    return ((codes[2 * i] ?? 0) << 4) | (codes[2 * i + 1] ?? 0);
  });
  const state = { quant_type: form, blocksize: blockSize, dtype: from, shape };
  const tensors = [
    { name, dtype: 'U8' as const, shape: [packed.length, 1], bytes: packed },
    floats(`${name}.quant_map`, levels),
  ];
  const statePart = (fields: object): StoredTensor => {
    const bytes = new Uint8Array(Buffer.from(JSON.stringify(fields)));
    return { name: `${name}.quant_state.bitsandbytes__${form}`, dtype: 'U8', shape: [bytes.length], bytes };
  };
  if (nested === undefined) return [...tensors, floats(`${name}.absmax`, absmax), statePart(state)];
  const offset = absmax.reduce((sum, v) => sum + v, 0) / absmax.length;
  const rest = absmax.map((v) => v - offset);
  const scales = maxima(rest, nested);
  const map = Float32Array.from({ length: 256 }, (_, i) => (i - 127.5) / 127.5);
  const outer = Uint8Array.from(rest, (v, i) => nearest(map, v / (scales[Math.floor(i / nested)] || 1)));
  return [
    ...tensors,
    { name: `${name}.absmax`, dtype: 'U8', shape: [outer.length], bytes: outer },
    floats(`${name}.nested_absmax`, scales),
    floats(`${name}.nested_quant_map`, map),
    statePart({ ...state, nested_blocksize: nested, nested_dtype: 'float32', nested_offset: offset }),
  ];
}

function int8(name: string, values: Float32Array, shape: readonly number[]): readonly StoredTensor[] {
  const [, width = 1] = shape;
  const module = name.slice(0, -'.weight'.length);
  const max = maxima(values, width);
  const codes = Int8Array.from(values, (v, i) => Math.round((127 * v) / (max[Math.floor(i / width)] || 1)));
  return [
    { name, dtype: 'I8', shape, bytes: new Uint8Array(codes.buffer) },
    floats(`${module}.SCB`, max),
    { name: `${module}.weight_format`, dtype: 'U8', shape: [], bytes: new Uint8Array(1) },
  ];
}

/** Of each block of `size` values. */
const maxima = (values: Float32Array, size: number): Float32Array =>
  Float32Array.from({ length: Math.ceil(values.length / size) }, (_, block) =>
    values.subarray(block * size, (block + 1) * size).reduce((max, v) => Math.max(max, Math.abs(v)), 0),
  );

function nearest(levels: Float32Array, value: number): number {
  let best = 0;
  levels.forEach((level, i) => {
    if (Math.abs(level - value) < Math.abs((levels[best] ?? NaN) - value)) best = i;
  });
  return best;
}

const floats = (name: string, values: Float32Array): StoredTensor => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  bytes: bytesOf(values),
});

/** Quantises every projection of a checkpoint in one file, as transformers does: all but embedding and head. */
export function quantiseCheckpoint(dir: string, scheme: Scheme): void {
  const file = path.join(dir, 'model.safetensors');
  const source = openSafetensors(file);
  const tensors = [...source.tensors.values()].flatMap((spec): readonly StoredTensor[] => {
    const isProjection = /_proj\.weight$/.test(spec.name);
    const from = { F16: 'float16', BF16: 'bfloat16' }[spec.dtype as string] ?? 'float32';
    return isProjection
      ? quantise(spec.name, source.readF32(spec.name), spec.shape, scheme, from)
      : [{ name: spec.name, dtype: spec.dtype, shape: spec.shape, bytes: source.readBytes(spec.name) }];
  });
  source.close();
  writeTensors(file, tensors);
  const config = JSON.parse(readFileSync(path.join(dir, 'config.json'), 'utf8')) as object;
  const quantization = {
    quant_method: 'bitsandbytes',
    load_in_4bit: scheme.form !== 'int8',
    load_in_8bit: scheme.form === 'int8',
    ...(scheme.form !== 'int8' && {
      bnb_4bit_quant_type: scheme.form,
      bnb_4bit_use_double_quant: scheme.nested !== undefined,
    }),
  };
  writeFileSync(path.join(dir, 'config.json'), JSON.stringify({ ...config, quantization_config: quantization }));
}

/** Writes a safetensors file of these bytes, in place of one that is there. */
export function writeTensors(file: string, tensors: readonly StoredTensor[]): void {
  const writer = SafetensorsWriter.create(
    `${file}.new`,
    tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    { metadata: new Map([['format', 'pt']]) },
  );
  for (const { name, bytes } of tensors) writer.write(name, bytes);
  writer.commit();
  renameSync(`${file}.new`, file);
}
