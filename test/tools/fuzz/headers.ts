/** @file Fuzzes the safetensors header: what is accepted must lie in the file without gap or overlap, in whole bytes. */
import { byteLengthOf, DTYPE_BITS } from '../../../kernels/formats/dtype';
import { readHeaderBytes } from '../../../kernels/formats/safetensors';
import type { FuzzTarget } from './targets';

type Entries = Record<string, unknown>;

/** A header of tensors of the given types and shapes, one after the other. */
function headerOf(specs: readonly (readonly [string, keyof typeof DTYPE_BITS, readonly number[]])[]): Entries {
  let end = 0;
  const entries: Entries = {};
  for (const [name, dtype, shape] of specs) {
    const begin = end;
    end += byteLengthOf(dtype, shape) ?? 0;
    entries[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  return entries;
}

const adapter = headerOf(
  [0, 1].flatMap((layer) =>
    ['q_proj', 'v_proj'].flatMap((projection) => {
      const module = `base_model.model.model.layers.${layer}.self_attn.${projection}`;
      return [
        [`${module}.lora_A.weight`, 'F32', [8, 64]],
        [`${module}.lora_B.weight`, 'BF16', [64, 8]],
      ] as const;
    }),
  ),
);
const everyType = headerOf(
  (Object.keys(DTYPE_BITS) as (keyof typeof DTYPE_BITS)[]).map((dtype) => [dtype, dtype, [4, 2]] as const),
);
const rare = headerOf([
  ['scalar', 'F64', []],
  ['', 'U8', [3]],
  ['empty', 'BF16', [5, 0, 7]],
  ['ünï\u0000\ud83d\ude00', 'F16', [1, 1, 1, 1, 1]],
]);

const seeds = [
  '{}',
  JSON.stringify({ __metadata__: { format: 'pt', note: 'line\nline' } }),
  JSON.stringify({ __metadata__: { format: 'pt' }, ...adapter }),
  `${JSON.stringify(everyType)}      `,
  JSON.stringify({ ...rare, __metadata__: null }, null, 2),
];

const sizeOf = (text: string): number => {
  const entries = Object.values(JSON.parse(text) as Record<string, { data_offsets?: [number, number] } | null>);
  return Math.max(0, ...entries.map((entry) => entry?.data_offsets?.[1] ?? 0));
};
const sizes = seeds.map(sizeOf);

export const headers: FuzzTarget = {
  name: 'headers',
  count: 1_000_000,
  seeds: seeds.map((text) => Buffer.from(text)),
  read: (bytes, random) => {
    const dataBytes = sizes[random.below(sizes.length)] ?? 0;
    const dataStart = 8 + bytes.length;
    const { tensors } = readHeaderBytes(bytes, 'fuzz.safetensors', dataStart + dataBytes);
    let end = dataStart;
    for (const { name, offset, byteLength, dtype, shape } of tensors.values()) {
      const isWhole = byteLengthOf(dtype, shape) === byteLength;
      if (offset !== end || !isWhole) throw new Error(`${JSON.stringify(name)} was accepted at ${offset}, not ${end}`);
      end += byteLength;
    }
    if (end !== dataStart + dataBytes) throw new Error(`${end} of ${dataStart + dataBytes} bytes were accepted`);
  },
};
