/**
 * @file Time of the whole run from the few shapes that were timed. Seconds of a training batch between and beyond the timed
 * shapes follow the line through them; evaluation batches, forward only, scale with their tokens.
 */
import type { EstimateMeasurement, ShapeUse } from '../protocol/calls/estimate';
import { FORWARD_SHARE } from './batchPlan';
import type { StepTimings } from './stepTiming';

export interface RunWork {
  readonly shapes: readonly ShapeUse[];
  readonly totalSteps: number;
  readonly tokensPerStep: number;
  readonly compilations: number;
  readonly checkpoints: number;
  /** Times the fixed prompts are answered. */
  readonly samplings: number;
  /** Times the singular values are recorded. */
  readonly spectra: number;
}

export function runTime(work: RunWork, timings: StepTimings): EstimateMeasurement {
  const { totalSteps, compilations } = work;
  const train = timings.shapes.filter((s) => s.kind === 'train');
  const evaluated = timings.shapes.find((s) => s.kind === 'evaluation');
  const secondsOf = (shape: ShapeUse): number => {
    const training = onLine(
      train.map((s) => ({ x: tokensOf(s), y: s.seconds })),
      tokensOf(shape),
    );
    if (shape.kind === 'train') return training;
    return evaluated ? (evaluated.seconds * tokensOf(shape)) / tokensOf(evaluated) : FORWARD_SHARE * training;
  };
  const total = (kind: ShapeUse['kind']): number =>
    work.shapes.reduce((n, s) => (s.kind === kind ? n + s.batches * secondsOf(s) : n), 0);
  const training = total('train') + totalSteps * timings.updateSeconds;
  const evaluation = total('evaluation');
  const samples = work.samplings * timings.samplesSeconds;
  const compiling = compilations * mean(timings.shapes.map((s) => s.compileSeconds));
  const checkpoints = work.checkpoints * timings.checkpointSeconds + work.spectra * timings.spectraSeconds;
  const secondsPerStep = training / totalSteps;
  return {
    shapes: timings.shapes,
    secondsPerStep,
    tokensPerSecond: work.tokensPerStep / secondsPerStep,
    ...(timings.peakBytes !== undefined && { peakBytes: timings.peakBytes }),
    eta: {
      seconds: training + evaluation + samples + compiling + checkpoints,
      training,
      evaluation,
      samples,
      compiling,
      checkpoints,
    },
  };
}

const tokensOf = ({ batch, length }: ShapeUse): number => batch * length;

/** Through one point: proportional. Through two: between them the line; outside, proportional to the nearer one. */
function onLine(points: readonly { readonly x: number; readonly y: number }[], x: number): number {
  const [a, b] = [...points].sort((p, q) => p.x - q.x);
  if (!a) return 0;
  if (!b || x <= a.x || a.x === b.x) return (a.y * x) / a.x;
  if (x >= b.x) return (b.y * x) / b.x;
  return a.y + ((b.y - a.y) * (x - a.x)) / (b.x - a.x);
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
