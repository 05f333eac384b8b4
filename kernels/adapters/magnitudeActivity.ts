/** @file What methods with a trained magnitude per output show of it: DoRA and DVoRA. */
import type { Value } from '../graph/graph';
import { add, div, gemm, mul, scale, sqrt, sub, sumAll } from '../graph/ops';
import type { MethodFigure } from './activity';
import { leastAboveZero } from './activityFigures';
import { rowNorm, rowSum } from './rowNorms';

type Magnitude = 'lora_magnitude_vector';

/** Mean of |m − m₀|/m₀; a row whose weight is 0 has no share. */
export const magnitudeDrift: MethodFigure<Readonly<Record<string, unknown>>, Magnitude> = {
  id: 'magnitude-drift',
  label: 'Smallest mean drift of the magnitudes',
  unit: 'share',
  rule: 'above 0 in every layer',
  measure: (run) =>
    leastAboveZero(run, ({ now, start }) => {
      const [m, m0] = [now.lora_magnitude_vector, start.lora_magnitude_vector];
      let sum = 0;
      m.forEach((value, i) => {
        const first = m0[i] ?? NaN;
        if (first !== 0) sum += Math.abs(value - first) / first;
      });
      return sum / m.length;
    }),
};

/**
 * Mean over the rows of tan θ, θ the angle by which W + s·B·A turned a row of W away: ‖Δ⊥‖ / ‖w + Δ∥‖ with Δ = s·bᵢ·A, from products
 * with the factors alone. Nothing cancels, however small the angle.
 */
export function rowTurn(w: Value, a: Value, b: Value, s: number): Value {
  const norms = rowNorm(w);
  const along = div(scale(rowSum(mul(b, gemm(w, a, { transB: true }))), s), norms);
  const own = scale(rowSum(mul(gemm(b, gemm(a, a, { transB: true })), b)), s * s);
  const across = sub(own, mul(along, along));
  // Rounding may leave a small number below 0 where a row did not turn at all.
  const length = sqrt(sqrt(mul(across, across)));
  return scale(sumAll(div(length, add(norms, along))), 1 / (norms.type.shape[0] as number));
}

/** With a probe `turn` of `rowTurn`. */
export const directionTurn: MethodFigure = {
  id: 'direction-turn',
  label: 'Smallest mean turn of the rows’ directions (tangent of the angle)',
  unit: 'number',
  rule: 'above 0 in every layer',
  // Where no layer that is probed has a direction of its own (`magnitude_only`), there is none that could turn.
  applies: ({ updates, layers }) => updates === 0 || layers.some(({ probes }) => probes?.['turn'] !== undefined),
  measure: (run) => leastAboveZero(run, ({ probes }) => probes?.['turn']),
};
