/**
 * @file Learning-rate schedules: a factor of the base rate for each step from 0. The first three as the Hugging Face Trainer
 * defines them, the last two as ReLoRA's training code does (Lialin et al. 2023; `training_utils.py`).
 */
import { KernelError } from '../protocol/errors';
import { assertNever } from '../util/assertNever';

export interface Schedule {
  readonly type: 'linear' | 'cosine' | 'constant' | 'cosine_restarts' | 'cyclical_cosine';
  /** Steps of the first warm-up; of `cyclical_cosine`, of the warm-up of each cycle. */
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** What the last two need to know of the cycles. */
  readonly cycles?: ScheduleCycles;
}

export interface ScheduleCycles {
  /** Steps of a cycle. */
  readonly every: number;
  /** Of `cosine_restarts`: steps of the warm-up after a restart; fewer than `every`. */
  readonly restartWarmupSteps: number;
  /** Where the cosine ends, as a share of the base rate. */
  readonly minRatio: number;
  /** Of `cosine_restarts`: steps by which the cycles are ahead of the run. Default 0. */
  readonly adjustSteps?: number;
}

/** Rises from 0 over the warm-up (the first step has rate 0), then goes as the type says. */
export function scheduleFactor(schedule: Schedule, step: number): number {
  const { type, warmupSteps, totalSteps } = schedule;
  if (type === 'cyclical_cosine') return cyclicalCosine(warmupSteps, cyclesOf(schedule), step);
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  const rest = Math.max(1, totalSteps - warmupSteps);
  switch (type) {
    case 'constant':
      return 1;
    case 'linear':
      return Math.max(0, (totalSteps - step) / rest);
    case 'cosine':
      return Math.max(0, 0.5 * (1 + Math.cos((Math.PI * (step - warmupSteps)) / rest)));
    case 'cosine_restarts':
      return cosineRestarts(warmupSteps, rest, cyclesOf(schedule), step);
    default:
      return assertNever(type);
  }
}

/**
 * One cosine over the whole run; after each restart the rate rises from 0 to where that cosine is at the end of the rise
 * (the "jagged" schedule of section 3 of the paper).
 */
function cosineRestarts(
  warmupSteps: number,
  rest: number,
  { every, restartWarmupSteps, minRatio, adjustSteps = 0 }: ScheduleCycles,
  step: number,
): number {
  const at = step + adjustSteps;
  const [cycle, inCycle] = [Math.floor(at / every), at % every];
  const cosine = (t: number): number => decay((t - warmupSteps) / rest, minRatio);
  if (inCycle >= restartWarmupSteps || step < every) return cosine(at);
  return (inCycle / restartWarmupSteps) * cosine(cycle * every + restartWarmupSteps);
}

/** Every cycle alike: a warm-up, then half a cosine. The code keeps the first two steps after a restart at almost nothing. */
function cyclicalCosine(warmupSteps: number, { every, minRatio }: ScheduleCycles, step: number): number {
  const inCycle = step % every;
  if (inCycle >= warmupSteps) return decay((inCycle - warmupSteps) / Math.max(1, every - warmupSteps), minRatio);
  if (step !== inCycle && inCycle < 2) return ALMOST_NOTHING;
  return inCycle / Math.max(1, warmupSteps);
}

const ALMOST_NOTHING = 1e-7;

/** From 1 at 0 to `least` at 1 along half a cosine. */
const decay = (progress: number, least: number): number =>
  least + (1 - least) * 0.5 * (1 + Math.cos(Math.PI * progress));

function cyclesOf({ type, cycles }: Schedule): ScheduleCycles {
  if (!cycles) throw new KernelError('internal', `the schedule ${type} has no cycles`);
  return cycles;
}
