/**
 * @file Singular values of an upper bidiagonal matrix by implicitly shifted QR sweeps (Golub & Kahan 1965), without a shift
 * where one would spoil tiny values (Demmel & Kahan 1990). Rotations can be applied to vectors along the way.
 */
import { KernelError } from '../../protocol/errors';
import type { Bidiagonal } from './bidiagonalize';

/** One sweep: rotation i of each side turns columns i and i + 1 of that side's vectors, for from ≤ i < to. */
export interface Sweep {
  readonly from: number;
  readonly to: number;
  readonly left: Rotations;
  readonly right: Rotations;
}

export interface Rotations {
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
}

const MAX_SWEEPS_PER_VALUE = 60;
/** A value takes two or three sweeps. After this many, what is left is a knot of rounding errors, and the limit for them doubles. */
const PATIENCE = 20;

/**
 * The singular values with signs, unsorted. `onSweep` hears of every sweep in order; its argument is reused for the next.
 * The accuracy is absolute: a few times 2⁻⁵³ of the largest value.
 */
export function bidiagonalSingularValues(
  { diagonal, upper }: Bidiagonal,
  onSweep: (sweep: Sweep) => void = () => undefined,
): Float64Array {
  const n = diagonal.length;
  const d = diagonal.slice();
  const e = upper.slice();
  const rotations = (): Rotations => ({ cosines: new Float64Array(n), sines: new Float64Array(n) });
  const [left, right] = [rotations(), rotations()];
  let norm = 0;
  for (const value of [d, e].flatMap((values) => [...values])) norm = Math.max(norm, Math.abs(value));
  let negligible = Number.EPSILON * norm;

  let [sweeps, sweepsOfValue] = [0, 0];
  for (let last = n - 1; last > 0;) {
    if (Math.abs(e[last - 1]!) <= negligible) {
      e[last - 1] = 0;
      last--;
      sweepsOfValue = 0;
      continue;
    }
    let first = last - 1;
    while (first > 0 && Math.abs(e[first - 1]!) > negligible) first--;
    if (sweeps++ > MAX_SWEEPS_PER_VALUE * n) throw new KernelError('internal', `no convergence for ${n} values`);
    if (++sweepsOfValue % PATIENCE === 0) negligible *= 2;
    const shift = shiftOf(d, e, first, last, negligible);
    if (shift === 0) sweepWithoutShift(d, e, first, last, left, right);
    else sweepWithShift(d, e, first, last, shift, left, right);
    onSweep({ from: first, to: last, left, right });
  }
  return d;
}

/** The smaller singular value of the last 2 × 2 block; 0 where the block is so nearly singular that a shift is only noise. */
function shiftOf(d: Float64Array, e: Float64Array, first: number, last: number, negligible: number): number {
  let [smallest, running] = [Math.abs(d[first]!), Math.abs(d[first]!)];
  for (let i = first; i < last && smallest > 0; i++) {
    // A lower bound of the block's smallest singular value, up to a factor of √n.
    running = Math.abs(d[i + 1]!) * (running / (running + Math.abs(e[i]!)));
    smallest = Math.min(smallest, running);
  }
  if (smallest <= negligible) return 0;
  const shift = smallerOf2x2(d[last - 1]!, e[last - 1]!, d[last]!);
  const ratio = shift / Math.abs(d[first]!);
  return ratio * ratio < Number.EPSILON ? 0 : shift;
}

/** The smaller singular value of [[f, g], [0, h]], without overflow or cancellation. */
function smallerOf2x2(f: number, g: number, h: number): number {
  const small = Math.min(Math.abs(f), Math.abs(h));
  const large = Math.max(Math.abs(f), Math.abs(h));
  const off = Math.abs(g);
  if (small === 0) return 0;
  const [sum, difference] = [1 + small / large, (large - small) / large];
  if (off < large) {
    const square = (off / large) ** 2;
    return (small * 2) / (Math.sqrt(sum * sum + square) + Math.sqrt(difference * difference + square));
  }
  const ratio = large / off;
  const root = Math.sqrt(1 + (sum * ratio) ** 2) + Math.sqrt(1 + (difference * ratio) ** 2);
  return 2 * (small / root) * ratio;
}

// The result of `turn`: c·f + s·g = r and c·g − s·f = 0. Kept here because a sweep needs millions of them.
let [c, s, r] = [1, 0, 0];

function turn(f: number, g: number): void {
  r = Math.sqrt(f * f + g * g);
  c = r === 0 ? 1 : f / r;
  s = r === 0 ? 0 : g / r;
}

function sweepWithShift(
  d: Float64Array,
  e: Float64Array,
  first: number,
  last: number,
  shift: number,
  left: Rotations,
  right: Rotations,
): void {
  const start = d[first]!;
  let f = (Math.abs(start) - shift) * (Math.sign(start) + shift / start);
  let g = e[first]!;
  for (let i = first; i < last; i++) {
    turn(f, g);
    if (i > first) e[i - 1] = r;
    f = c * d[i]! + s * e[i]!;
    e[i] = c * e[i]! - s * d[i]!;
    g = s * d[i + 1]!;
    d[i + 1]! *= c;
    right.cosines[i] = c;
    right.sines[i] = s;
    turn(f, g);
    d[i] = r;
    f = c * e[i]! + s * d[i + 1]!;
    d[i + 1] = c * d[i + 1]! - s * e[i]!;
    if (i < last - 1) {
      g = s * e[i + 1]!;
      e[i + 1]! *= c;
    }
    left.cosines[i] = c;
    left.sines[i] = s;
  }
  e[last - 1] = f;
}

/** A zero on the diagonal makes the last off-diagonal element zero in one such sweep. */
function sweepWithoutShift(
  d: Float64Array,
  e: Float64Array,
  first: number,
  last: number,
  left: Rotations,
  right: Rotations,
): void {
  let [rightCosine, leftCosine, leftSine] = [1, 1, 0];
  for (let i = first; i < last; i++) {
    turn(d[i]! * rightCosine, e[i]!);
    if (i > first) e[i - 1] = leftSine * r;
    rightCosine = c;
    right.cosines[i] = c;
    right.sines[i] = s;
    turn(leftCosine * r, d[i + 1]! * s);
    d[i] = r;
    leftCosine = c;
    leftSine = s;
    left.cosines[i] = c;
    left.sines[i] = s;
  }
  const end = d[last]! * rightCosine;
  d[last] = end * leftCosine;
  e[last - 1] = end * leftSine;
}
