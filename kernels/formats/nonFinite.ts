/** @file Finds NaN and infinity in a tensor by their bit patterns, at the speed of the disk and without converting. */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import type { Dtype } from './dtype';
import { tensorRanges, type TensorSource } from './tensorRanges';

export interface NonFinite {
  readonly nan: number;
  readonly infinite: number;
  /** Position of the first one in the flattened tensor. */
  readonly first: number;
}

/** A value is not finite when `bits & mask` is `mark`; it is NaN when one of the bits of `nan` is set then. */
interface Pattern {
  readonly bytes: 1 | 2 | 4;
  readonly mask: number;
  readonly mark: number;
  readonly nan: number;
}

const ieee = (bytes: 1 | 2 | 4, exponent: number, mantissa: number): Pattern => ({
  bytes,
  mask: exponent,
  mark: exponent,
  nan: mantissa,
});
/** Formats that have NaN in one pattern and no infinity. */
const single = (mask: number, mark: number): Pattern => ({ bytes: 1, mask, mark, nan: mark });

/** Types that are not here hold whole numbers, or have neither NaN nor infinity. */
const PATTERNS: Readonly<Partial<Record<Dtype, Pattern>>> = {
  F32: ieee(4, 0x7f800000, 0x007fffff),
  C64: ieee(4, 0x7f800000, 0x007fffff),
  F16: ieee(2, 0x7c00, 0x03ff),
  BF16: ieee(2, 0x7f80, 0x007f),
  F8_E5M2: ieee(1, 0x7c, 0x03),
  F8_E4M3: single(0x7f, 0x7f),
  F8_E8M0: single(0xff, 0xff),
  F8_E4M3FNUZ: single(0xff, 0x80),
  F8_E5M2FNUZ: single(0xff, 0x80),
};

/** Reads the whole tensor; `null` when every value is finite. */
export async function findNonFinite(
  source: TensorSource,
  name: string,
  signal?: AbortSignal,
): Promise<NonFinite | null> {
  const { dtype } = source.tensor(name);
  const pattern = PATTERNS[dtype];
  if (!pattern && dtype !== 'F64') return null;
  let found = { nan: 0, infinite: 0, first: -1 };
  let elements = 0;
  for await (const bytes of tensorRanges(source, name, signal)) {
    const here = pattern ? scan(bytes, pattern) : scanDoubles(bytes);
    const first = found.first >= 0 || here.first < 0 ? found.first : elements + here.first;
    found = { nan: found.nan + here.nan, infinite: found.infinite + here.infinite, first };
    elements += bytes.length / (pattern?.bytes ?? 8);
  }
  if (found.first < 0) return null;
  // A complex number is two of these.
  return dtype === 'C64' ? { ...found, first: Math.floor(found.first / 2) } : found;
}

function scan(bytes: Uint8Array, { bytes: size, mask, mark, nan: nanBits }: Pattern): NonFinite {
  const { buffer, byteOffset, byteLength } = bytes;
  const words =
    size === 4
      ? new Uint32Array(buffer, byteOffset, byteLength / 4)
      : size === 2
        ? new Uint16Array(buffer, byteOffset, byteLength / 2)
        : bytes;
  let [nan, infinite, first] = [0, 0, -1];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    if ((word & mask) !== mark) continue;
    if ((word & nanBits) !== 0) nan++;
    else infinite++;
    if (first < 0) first = i;
  }
  return { nan, infinite, first };
}

/** Little-endian: the second word of each value has sign, exponent and the upper part of the mantissa. */
function scanDoubles({ buffer, byteOffset, byteLength }: Uint8Array): NonFinite {
  const words = new Uint32Array(buffer, byteOffset, byteLength / 4);
  let [nan, infinite, first] = [0, 0, -1];
  for (let i = 1; i < words.length; i += 2) {
    const high = words[i] as number;
    if ((high & 0x7ff00000) !== 0x7ff00000) continue;
    if ((high & 0xfffff) !== 0 || words[i - 1] !== 0) nan++;
    else infinite++;
    if (first < 0) first = (i - 1) / 2;
  }
  return { nan, infinite, first };
}

/** The same for values that were read already. */
export function nonFiniteIn(values: Float32Array): NonFinite | null {
  const pattern = PATTERNS.F32;
  const found = pattern && scan(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), pattern);
  return found && found.first >= 0 ? found : null;
}

/** What was found, as a problem of the tensor. */
export function nonFiniteProblem(
  file: string,
  where: string,
  shape: readonly number[],
  { nan, infinite, first }: NonFinite,
): Problem {
  const place = placeOf(first, shape);
  const found = foundOf(nan, infinite, place);
  return { file, where, severity: 'error', found, expected: l10n.t('expected finite values') };
}

function foundOf(nan: number, infinite: number, place: string): string {
  if (nan > 0 && infinite > 0) {
    return l10n.t('holds {0} NaN and {1} infinite values, the first at [{2}]', nan, infinite, place);
  }
  if (nan > 1) return l10n.t('holds {0} NaN values, the first at [{1}]', nan, place);
  if (nan > 0) return l10n.t('holds 1 NaN value, the first at [{0}]', place);
  if (infinite > 1) return l10n.t('holds {0} infinite values, the first at [{1}]', infinite, place);
  return l10n.t('holds 1 infinite value, the first at [{0}]', place);
}

/** Indices of the element at a flattened position. */
function placeOf(position: number, shape: readonly number[]): string {
  const indices: number[] = [];
  let rest = position;
  for (const size of [...shape].reverse()) {
    indices.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return indices.join(', ');
}
