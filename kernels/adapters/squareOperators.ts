/**
 * @file MoRA's fixed operators around its square matrix M [r̂, r̂]: compress [tokens, in] → [tokens, r̂] and decompress
 * [tokens, r̂] → [tokens, out] (Jiang et al. 2024, equations 4 to 9; where paper and released code differ, the code). Any
 * sizes are allowed: what does not divide is padded with the input's own first features, or repeated, round and round.
 */
import type { Graph, Value } from '../graph/graph';
import { add, concat, expand, gemm, pad, reduceSum, reshape, rope, slice } from '../graph/ops';
import { KernelError } from '../protocol/errors';

/** Numbers as in the released code; the last two are in the paper only (equations 4 and 8). */
export const MORA_TYPES = [1, 2, 3, 4, 6, 'truncate', 'decouple'] as const;
export type MoraType = (typeof MORA_TYPES)[number];

/** How inputs become groups and groups become outputs in the types that share. */
export interface Sharing {
  readonly compress: 'strided' | 'adjacent';
  readonly decompress: 'tile' | 'repeat';
}

export const SHARING: Readonly<Partial<Record<MoraType, Sharing>>> = {
  1: { compress: 'strided', decompress: 'tile' },
  2: { compress: 'adjacent', decompress: 'repeat' },
  3: { compress: 'adjacent', decompress: 'tile' },
  4: { compress: 'strided', decompress: 'repeat' },
};

/** Base of the rotations, as in rotary position embedding. */
const ROTATION_BASE = 10_000;

const widthOf = (v: Value): number => v.type.shape[1] ?? 0;
const rowsOf = (v: Value): number => v.type.shape[0] ?? 0;

/** decompress(M · compress(x)): [tokens, in] → [tokens, out]. `m` is [r̂, r̂]. */
export function squareForward(x: Value, m: Value, outFeatures: number, type: MoraType): Value {
  const size = rowsOf(m);
  const sharing = SHARING[type];
  const times = (v: Value): Value => gemm(v, m, { transB: true });
  if (sharing) return decompress(times(compress(x, size, sharing)), outFeatures, sharing);
  if (type === 'truncate') return pad(times(slice(x, 1, 0, size)), 1, 0, outFeatures - size);
  const tokens = rowsOf(x);
  const blocks = blocksOf(widthOf(x), size, outFeatures);
  const cut = reshape(wrap(x, blocks * size), [tokens, blocks, size]);
  const turned = type === 6 ? rotate(cut) : cut;
  const product = times(reshape(turned, [tokens * blocks, size]));
  // Outputs repeat after all blocks, also those that no output reads and that are therefore not computed.
  return wrap(reshape(product, [tokens, blocks * size]), outFeatures);
}

/** The delta weight [out, in] of the same map. */
export function squareDelta(m: Value, inFeatures: number, outFeatures: number, type: MoraType): Value {
  const size = rowsOf(m);
  const sharing = SHARING[type];
  if (sharing) {
    // Each column of M at every input of its group, the adjoint of compress; then each row at every output of its group.
    const columns =
      sharing.compress === 'adjacent'
        ? repeat(m, inFeatures)
        : fold(wrap(m, Math.ceil(inFeatures / size) * size), inFeatures);
    return sharing.decompress === 'tile' ? wrapRows(columns, outFeatures) : repeatRows(columns, outFeatures);
  }
  if (type === 'truncate') return pad(pad(m, 0, 0, outFeatures - size), 1, 0, inFeatures - size);
  // M·R_bᵀ at the inputs of block b, the blocks one under the other, round and round.
  const blocks = Array.from({ length: blocksOf(inFeatures, size, outFeatures) }, (_, block) => {
    const turned = type === 6 && block > 0 ? gemm(m, rotationMatrix(m.graph, block, size), { transB: true }) : m;
    return atColumns(turned, block * size, inFeatures);
  });
  return cycled(blocks, 0, outFeatures);
}

/** Columns of `block` in `width` columns of zeros, from `from` on; what lies behind the last starts again at the first. */
function atColumns(block: Value, from: number, width: number): Value {
  const [rows, own] = [rowsOf(block), widthOf(block)];
  if (own > width) return fold(block, width);
  const beyond = from + own - width;
  if (beyond <= 0) return pad(block, 1, from, -beyond);
  const inside = own - beyond;
  const gap = from - beyond;
  const zeros = gap > 0 ? [block.graph.constant(new Float32Array(rows * gap), [rows, gap])] : [];
  return concat([slice(block, 1, inside, own), ...zeros, slice(block, 1, 0, inside)], 1);
}

/**
 * The delta weight of the types that share, or cut off, as factors D·M [out, r̂] and C [r̂, in]; undefined for the types
 * that cut the input into blocks, whose update is not bound to rank r̂. `m`: M row by row.
 */
export function squareFactors(
  m: Float32Array,
  inFeatures: number,
  outFeatures: number,
  type: MoraType,
): { readonly a: Float32Array; readonly b: Float32Array; readonly rank: number } | undefined {
  const rank = Math.sqrt(m.length);
  const sharing = SHARING[type];
  if (!sharing && type !== 'truncate') return undefined;
  const a = new Float32Array(rank * inFeatures);
  const put = (group: number, input: number): void => void (a[group * inFeatures + input]! += 1);
  const rowOf = new Int32Array(outFeatures).fill(-1);
  if (!sharing) {
    for (let i = 0; i < rank; i++) {
      put(i, i);
      rowOf[i] = i;
    }
  } else {
    // Inputs that pad the last stride belong to a second group.
    const total = Math.ceil(inFeatures / rank) * rank;
    if (sharing.compress === 'strided') for (let t = 0; t < total; t++) put(t % rank, t % inFeatures);
    else groups(inFeatures, rank).forEach((group, input) => put(group, input));
    const rows = sharing.decompress === 'tile' ? (out: number): number => out % rank : undefined;
    groups(outFeatures, rank).forEach((group, out) => (rowOf[out] = rows?.(out) ?? group));
  }
  const b = new Float32Array(outFeatures * rank);
  rowOf.forEach((row, out) => row >= 0 && b.set(m.subarray(row * rank, (row + 1) * rank), out * rank));
  return { a, b, rank };
}

/** The group of each of `width` neighbours in `size` runs. */
function groups(width: number, size: number): readonly number[] {
  let next = 0;
  return runs(width, size).flatMap(({ count, length }) =>
    Array.from({ length: count }, () => next++).flatMap((group) => Array<number>(length).fill(group)),
  );
}

/** Blocks that some output reads; the outputs start again only behind the last of all. */
export function blocksOf(inFeatures: number, size: number, outFeatures: number): number {
  return Math.min(Math.ceil(inFeatures / size), Math.ceil(outFeatures / size));
}

function compress(x: Value, size: number, { compress: kind }: Sharing): Value {
  const [tokens, width] = [rowsOf(x), widthOf(x)];
  if (kind === 'strided') {
    const whole = Math.floor(width / size) * size;
    if (whole === width) return sumOfStrides(x, size);
    // The last stride is filled up with the first features.
    const last = concat([slice(x, 1, whole, width), wrap(x, size - (width - whole))], 1);
    return whole === 0 ? last : add(sumOfStrides(slice(x, 1, 0, whole), size), last);
  }
  const parts = runs(width, size).map(({ from, count, length }) => {
    const run = reshape(slice(x, 1, from, from + count * length), [tokens, count, length]);
    return reshape(reduceSum(run, [2]), [tokens, count]);
  });
  const sums = concat(parts, 1);
  // Fewer inputs than groups: the last groups are empty.
  return pad(sums, 1, 0, size - widthOf(sums));
}

function decompress(z: Value, outFeatures: number, { decompress: kind }: Sharing): Value {
  return kind === 'tile' ? wrap(z, outFeatures) : repeat(z, outFeatures);
}

/**
 * What the gradient of M is the product of, where groups are shared: the inputs of each group summed, and the cotangents of
 * the outputs that each group has. Both [tokens, r̂].
 */
export function adjointOfSharing(
  g: Value,
  x: Value,
  size: number,
  sharing: Sharing,
): { readonly outputs: Value; readonly inputs: Value } {
  const width = widthOf(g);
  // Projections of one input, e.g. keys and values, share what their gradients need of it.
  const inputs = x.graph.once(`mora ${sharing.compress} inputs ${x.id} ${size}`, () => compress(x, size, sharing));
  // The outputs of a repeated group are neighbours, as the inputs of adjacent groups are.
  if (sharing.decompress === 'repeat')
    return { outputs: compress(g, size, { ...sharing, compress: 'adjacent' }), inputs };
  const whole = Math.floor(width / size) * size;
  if (whole === width) return { outputs: sumOfStrides(g, size), inputs };
  const last = pad(slice(g, 1, whole, width), 1, 0, size - (width - whole));
  return { outputs: whole === 0 ? last : add(sumOfStrides(slice(g, 1, 0, whole), size), last), inputs };
}

/** The sum of the strides of `size` columns that x [rows, n·size] consists of: [rows, size]. */
function sumOfStrides(x: Value, size: number): Value {
  const [rows, width] = [rowsOf(x), widthOf(x)];
  if (width === size) return x;
  return reshape(reduceSum(reshape(x, [rows, width / size, size]), [1]), [rows, size]);
}

interface Run {
  readonly from: number;
  readonly count: number;
  readonly length: number;
}

/** `width` items in `size` runs of neighbours, the first ones one longer: groups of equal length, empty ones left out. */
export function runs(width: number, size: number): readonly Run[] {
  const length = Math.floor(width / size);
  const longer = width % size;
  const all = [
    { from: 0, count: longer, length: length + 1 },
    { from: longer * (length + 1), count: size - longer, length },
  ];
  return all.filter((run) => run.count > 0 && run.length > 0);
}

/** Columns [rows, size] → [rows, width]: each repeated, in order, the first ones once more than the others. */
function repeat(z: Value, width: number): Value {
  const rows = rowsOf(z);
  let at = 0;
  const parts = runs(width, widthOf(z)).map(({ count, length }) => {
    const columns = reshape(slice(z, 1, at, at + count), [rows, count, 1]);
    at += count;
    return reshape(expand(columns, [rows, count, length]), [rows, count * length]);
  });
  return concat(parts, 1);
}

/** Rows [size, columns] → [height, columns]: each repeated, in order, the first ones once more than the others. */
function repeatRows(z: Value, height: number): Value {
  const columns = widthOf(z);
  let at = 0;
  const parts = runs(height, rowsOf(z)).map(({ count, length }) => {
    const rows = reshape(slice(z, 0, at, at + count), [count, 1, columns]);
    at += count;
    return reshape(expand(rows, [count, length, columns]), [count * length, columns]);
  });
  return concat(parts, 0);
}

/** The first `width` columns of x | x | x … */
export const wrap = (x: Value, width: number): Value => cycled([x], 1, width);

/** The first `height` rows of x over x over x … */
const wrapRows = (x: Value, height: number): Value => cycled([x], 0, height);

/** The parts one after the other along `axis`, again from the first behind the last, up to `length`. */
function cycled(parts: readonly Value[], axis: number, length: number): Value {
  const all: Value[] = [];
  for (let at = 0; at < length;) {
    const part = parts[all.length % parts.length];
    const own = part?.type.shape[axis] ?? 0;
    if (!part || own === 0) throw new KernelError('internal', 'nothing to repeat');
    all.push(at + own <= length ? part : slice(part, axis, 0, length - at));
    at += own;
  }
  return concat(all, axis);
}

/** The adjoint of `wrap`: columns beyond `width` are added to those from the first on. */
function fold(x: Value, width: number): Value {
  const all = widthOf(x);
  const first = slice(x, 1, 0, Math.min(width, all));
  let sum = first;
  for (let from = width; from < all; from += width) {
    const to = Math.min(from + width, all);
    sum = addColumns(sum, slice(x, 1, from, to));
  }
  return sum;
}

function addColumns(x: Value, more: Value): Value {
  return add(x, pad(more, 1, 0, widthOf(x) - widthOf(more)));
}

/** Rotates block b of [rows, blocks, size] by b·θ. */
function rotate(x: Value): Value {
  const [, blocks = 0, size = 0] = x.type.shape;
  const table = (name: string, of: (angle: number) => number): Value =>
    x.graph.once(`mora ${name} ${blocks} ${size}`, () => {
      const angles = Array.from({ length: blocks * size }, (_, i) => angleOf(Math.floor(i / size), i % size, size));
      return x.graph.constant(Float32Array.from(angles, of), [blocks, size]);
    });
  return rope(x, table('cos', Math.cos), table('sin', Math.sin));
}

/** R_b with x·R_b the rotation of a row x by b·θ: [size, size]. */
export function rotationMatrix(graph: Graph, block: number, size: number): Value {
  return graph.once(`mora rotation ${block} ${size}`, () => {
    const values = new Float32Array(size * size);
    const half = size / 2;
    for (let j = 0; j < size; j++) {
      const angle = angleOf(block, j, size);
      values[j * size + j] = Math.cos(angle);
      values[((j + half) % size) * size + j] = j < half ? -Math.sin(angle) : Math.sin(angle);
    }
    return graph.constant(values, [size, size]);
  });
}

/** b·θ in half-split pairs (j, j + size/2), θ_j = 10000^(−2j/size). */
const angleOf = (block: number, j: number, size: number): number =>
  block * ROTATION_BASE ** ((-2 * (j % (size / 2))) / size);
