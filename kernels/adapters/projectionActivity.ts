/** @file What methods with shared random projections show of themselves: the vectors live, the projections stay. VeRA and DVoRA. */
import type { MethodFigure } from './activity';
import { largestChange, leastAboveZero, mostUpTo, moved, norm } from './activityFigures';

type Vectors = 'vera_lambda_b' | 'vera_lambda_d';
type VectorFigure = MethodFigure<Readonly<Record<string, unknown>>, Vectors>;

const vectorNorm = (param: Vectors, id: string, label: string): VectorFigure => ({
  id,
  label,
  unit: 'number',
  rule: 'above 0 in every layer',
  measure: (run) => leastAboveZero(run, ({ now }) => norm(now[param])),
});

const sharedUnchanged: VectorFigure = {
  id: 'shared-change',
  label: 'Largest change in the shared projections',
  unit: 'number',
  rule: 'exactly 0',
  measure: ({ shared }) =>
    mostUpTo(
      Object.entries(shared).map(([where, { now, start }]) => ({ value: largestChange(now, start), where })),
      0,
    ),
};

export const projectionActivity: readonly VectorFigure[] = [
  vectorNorm('vera_lambda_b', 'lambda-b-norm', 'Smallest norm of λ_b'),
  vectorNorm('vera_lambda_d', 'lambda-d-norm', 'Smallest norm of λ_d'),
  moved('vera_lambda_d', 'lambda-d-moved', 'Smallest change of λ_d'),
  sharedUnchanged,
];
