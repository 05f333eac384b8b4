/** @file What methods with a trained magnitude per output show of it: DoRA and DVoRA. */
import type { MethodFigure } from './activity';
import { leastAboveZero } from './activityFigures';

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
