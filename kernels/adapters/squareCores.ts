/**
 * @file The singular values of MoRA's delta weight without forming it: which small matrices have the same ones. The sharing
 * types are D·M·C, so their values are those of L_Dᵀ·M·L_C with L_D·L_Dᵀ = DᵀD and L_C·L_Cᵀ = C·Cᵀ. Blocks that tile the
 * inputs are orthogonal to one another, so that their values are those of M, block by block.
 */
import type { Core } from './types';
import type { MoraType } from './squareOperators';
import { runs, SHARING } from './squareOperators';

/** Entries of a delta weight that is decomposed as it is, where no smaller matrix has its values. */
const MOST_ENTRIES = 2 ** 18;

/**
 * `m`: M row by row, [size, size]. Undefined where only the delta weight itself has the values, and it is larger than is
 * decomposed during a run.
 */
export function squareCores(
  m: Float32Array,
  size: number,
  inFeatures: number,
  outFeatures: number,
  type: MoraType,
): readonly Core[] | undefined {
  const sharing = SHARING[type];
  if (sharing) {
    const copies = groupSizes(outFeatures, size, sharing.decompress === 'tile').map(Math.sqrt);
    const right =
      sharing.compress === 'adjacent'
        ? diagonal(groupSizes(inFeatures, size, false).map(Math.sqrt))
        : cholesky(stridedGram(inFeatures, size), size);
    const data = multiply(m, right, size).map((v, i) => v * (copies[Math.floor(i / size)] ?? 0));
    return [{ rows: size, cols: size, data, scale: 1, times: 1 }];
  }
  const own = { rows: size, cols: size, data: Float64Array.from(m) };
  if (type === 'truncate') return [{ ...own, scale: 1, times: 1 }];
  if (inFeatures % size !== 0) {
    if (inFeatures * outFeatures > MOST_ENTRIES) return undefined;
    return [blocksDelta(m, size, inFeatures, outFeatures, type)];
  }
  // Outputs: `rounds` times all blocks, then `whole` blocks, then `rest` rows of one more.
  const blocks = inFeatures / size;
  const rounds = Math.floor(outFeatures / inFeatures);
  const whole = Math.floor((outFeatures % inFeatures) / size);
  const rest = outFeatures % size;
  const cores: Core[] = [{ ...own, scale: Math.sqrt(rounds + 1), times: whole }];
  if (whole < blocks) {
    const extra = own.data.subarray(0, rest * size);
    const data = Float64Array.from([...own.data.map((v) => v * Math.sqrt(rounds)), ...extra]);
    cores.push({ rows: size + rest, cols: size, data, scale: 1, times: 1 });
    cores.push({ ...own, scale: Math.sqrt(rounds), times: blocks - whole - 1 });
  }
  return cores.filter((core) => core.times > 0);
}

/** Members of each group: every `size`-th item, or neighbours with the first groups one larger. */
function groupSizes(width: number, size: number, isStrided: boolean): readonly number[] {
  const [length, longer] = [Math.floor(width / size), width % size];
  if (isStrided) return Array.from({ length: size }, (_, g) => length + (g < longer ? 1 : 0));
  const sizes = runs(width, size).flatMap((run) => Array.from({ length: run.count }, () => run.length));
  return Array.from({ length: size }, (_, g) => sizes[g] ?? 0);
}

/** C·Cᵀ of the strided groups: inputs that pad the last block belong to two groups. */
function stridedGram(inFeatures: number, size: number): Float64Array {
  const total = Math.ceil(inFeatures / size) * size;
  const gram = new Float64Array(size * size);
  for (let input = 0; input < inFeatures; input++) {
    for (let t = input; t < total; t += inFeatures) {
      for (let u = input; u < total; u += inFeatures) {
        const at = (t % size) * size + (u % size);
        gram[at] = (gram[at] ?? 0) + 1;
      }
    }
  }
  return gram;
}

/** Lower triangle L with L·Lᵀ = a for a positive semidefinite matrix of whole numbers; a pivot of 0 gives a column of 0. */
function cholesky(a: Float64Array, size: number): Float64Array {
  const l = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) {
      let sum = a[i * size + j] ?? 0;
      for (let k = 0; k < j; k++) sum -= (l[i * size + k] ?? 0) * (l[j * size + k] ?? 0);
      const pivot = l[j * size + j] ?? 0;
      if (i === j) l[i * size + j] = sum > 1e-9 ? Math.sqrt(sum) : 0;
      else l[i * size + j] = pivot > 0 ? sum / pivot : 0;
    }
  }
  return l;
}

function diagonal(values: readonly number[]): Float64Array {
  const out = new Float64Array(values.length ** 2);
  values.forEach((value, i) => (out[i * values.length + i] = value));
  return out;
}

function multiply(a: Float32Array, b: Float64Array, size: number): Float64Array {
  const out = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k] ?? 0;
      for (let j = 0; j < size; j++) out[i * size + j] = (out[i * size + j] ?? 0) + factor * (b[k * size + j] ?? 0);
    }
  }
  return out;
}

/** The delta weight of the block types. Turning a block does change which inputs overlap how, so M·R_b is formed. */
function blocksDelta(m: Float32Array, size: number, inFeatures: number, outFeatures: number, type: MoraType): Core {
  const data = new Float64Array(outFeatures * inFeatures);
  const total = Math.ceil(inFeatures / size) * size;
  const half = size / 2;
  for (let out = 0; out < outFeatures; out++) {
    const at = out % total;
    const [block, row] = [Math.floor(at / size), at % size];
    for (let c = 0; c < size; c++) {
      let value = m[row * size + c] ?? 0;
      if (type === 6) {
        const j = c % half;
        const angle = block * 10_000 ** ((-2 * j) / size);
        const partner = m[row * size + (c < half ? c + half : c - half)] ?? 0;
        value = value * Math.cos(angle) + (c < half ? partner : -partner) * Math.sin(angle);
      }
      const target = out * inFeatures + ((block * size + c) % inFeatures);
      data[target] = (data[target] ?? 0) + value;
    }
  }
  return { rows: outFeatures, cols: inFeatures, data, scale: 1, times: 1 };
}
