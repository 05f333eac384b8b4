/**
 * @file MoRA's fixed operators around its square matrix M [r̂, r̂]: compress [tokens, in] → [tokens, r̂] and decompress
 * [tokens, r̂] → [tokens, out] (Jiang et al. 2024, equations 4 to 9; where paper and released code differ, the code). Any
 * sizes are allowed: what does not divide is padded with the input's own first features, or repeated, round and round.
 */
import type { Graph, Value } from '../graph/graph';
import { add, concat, expand, gemm, pad, reduceSum, reshape, rope, slice, transpose } from '../graph/ops';

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
  const turned = type === 6 ? rotate(cut, 1) : cut;
  const product = times(reshape(turned, [tokens * blocks, size]));
  // Outputs repeat after all blocks, also those that no output reads and that are therefore not computed.
  return wrap(reshape(product, [tokens, blocks * size]), outFeatures);
}

/** The delta weight [out, in] of the same map. */
export function squareDelta(m: Value, inFeatures: number, outFeatures: number, type: MoraType): Value {
  const size = rowsOf(m);
  const sharing = SHARING[type];
  if (sharing) {
    // D·M, then each column at every input of its group: the adjoint of compress.
    const rows = transpose(decompress(transpose(m, [1, 0]), outFeatures, sharing), [1, 0]);
    if (sharing.compress === 'adjacent') return repeat(rows, inFeatures);
    return fold(wrap(rows, Math.ceil(inFeatures / size) * size), inFeatures);
  }
  if (type === 'truncate') return pad(pad(m, 0, 0, outFeatures - size), 1, 0, inFeatures - size);
  const blocks = blocksOf(inFeatures, size, outFeatures);
  const copies = expand(reshape(m, [size, 1, size]), [size, blocks, size]);
  // M·R_b: the rows of M turned the other way.
  const turned = transpose(type === 6 ? rotate(copies, -1) : copies, [1, 0, 2]);
  const diagonal = blockDiagonal(turned, Math.ceil(inFeatures / size) * size);
  return transpose(wrap(transpose(fold(diagonal, inFeatures), [1, 0]), outFeatures), [1, 0]);
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
    const groups = Math.ceil(width / size);
    return reshape(reduceSum(reshape(wrap(x, groups * size), [tokens, groups, size]), [1]), [tokens, size]);
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
  const [tokens, width] = [rowsOf(g), widthOf(g)];
  const inputs = compress(x, size, sharing);
  // The outputs of a repeated group are neighbours, as the inputs of adjacent groups are.
  if (sharing.decompress === 'repeat')
    return { outputs: compress(g, size, { ...sharing, compress: 'adjacent' }), inputs };
  const copies = Math.ceil(width / size);
  const whole = reshape(pad(g, 1, 0, copies * size - width), [tokens, copies, size]);
  return { outputs: reshape(reduceSum(whole, [1]), [tokens, size]), inputs };
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

/** The first `width` columns of x | x | x … */
function wrap(x: Value, width: number): Value {
  const own = widthOf(x);
  const whole = Math.floor(width / own);
  const copies = Array.from({ length: whole }, () => x);
  const rest = width - whole * own;
  return concat(rest > 0 ? [...copies, slice(x, 1, 0, rest)] : copies, 1);
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

/** Rotates block b of [rows, blocks, size] by ±b·θ. */
function rotate(x: Value, direction: 1 | -1): Value {
  const [, blocks = 0, size = 0] = x.type.shape;
  const { cos, sin } = rotationTables(x.graph, blocks, size, direction);
  return rope(x, cos, sin);
}

/** cos and ±sin of b·θ in half-split pairs (j, j + size/2), θ_j = 10000^(−2j/size): [blocks, size]. */
export function rotationTables(
  graph: Graph,
  blocks: number,
  size: number,
  direction: 1 | -1,
): { readonly cos: Value; readonly sin: Value } {
  const angle = (i: number): number => {
    const [block, j] = [Math.floor(i / size), (i % size) % (size / 2)];
    return block * ROTATION_BASE ** ((-2 * j) / size);
  };
  const table = (name: string, of: (angle: number) => number): Value =>
    graph.sharedConstant(`mora ${name} ${blocks} ${size}`, () =>
      graph.constant(
        Float32Array.from({ length: blocks * size }, (_, i) => of(angle(i))),
        [blocks, size],
      ),
    );
  return {
    cos: table('cos', Math.cos),
    sin: table(`sin ${direction}`, (a) => direction * Math.sin(a)),
  };
}

/** Blocks [n, size, size] on the diagonal of a matrix [n·size, width]. */
function blockDiagonal(blocks: Value, width: number): Value {
  const [count = 0, size = 0] = blocks.type.shape;
  // Written row after row, a block ends one block width before the place where the next one belongs.
  const rows = reshape(pad(reshape(blocks, [count * size, size]), 1, 0, width - size), [count, size * width]);
  const shifted = reshape(pad(rows, 1, 0, size), [1, count * size * (width + 1)]);
  return reshape(slice(shifted, 1, 0, count * size * width), [count * size, width]);
}
