/** @file Learning-rate schedules as the Hugging Face Trainer defines them: a factor of the base rate for each step from 0. */
import { assertNever } from '../util/assertNever';

export interface Schedule {
  readonly type: 'linear' | 'cosine' | 'constant';
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/** Rises from 0 over the warm-up (the first step has rate 0), then stays, falls to 0 linearly, or along half a cosine. */
export function scheduleFactor({ type, warmupSteps, totalSteps }: Schedule, step: number): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  const rest = Math.max(1, totalSteps - warmupSteps);
  switch (type) {
    case 'constant':
      return 1;
    case 'linear':
      return Math.max(0, (totalSteps - step) / rest);
    case 'cosine':
      return Math.max(0, 0.5 * (1 + Math.cos((Math.PI * (step - warmupSteps)) / rest)));
    default:
      return assertNever(type);
  }
}
