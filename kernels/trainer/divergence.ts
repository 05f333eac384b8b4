/**
 * @file Divergence: losses that stand far above what they were before training. The comparison with the steps before
 * (`lossSpike.ts`) needs many of them, and a learning rate that is too high ruins a model within the first few.
 */
import type { MetricRecord } from '../protocol/types';

/**
 * What the loss before training has to be exceeded by: so many times, and by so much where losses are negative log likelihoods,
 * since tiny ones double by chance. Steps see other samples each time; evaluations the same.
 */
const STEPS = { ratio: 3, rise: 1 };
const EVALUATIONS = { ratio: 1.5, rise: 0.5 };
/** So many samples make the loss before training, and so many the losses that are held against it. */
const REFERENCE_SAMPLES = 4;
const JUDGED_SAMPLES = 8;

/** Of the same kind: of steps, or of evaluations. */
export interface Divergence {
  readonly of: 'train' | 'eval';
  readonly before: number;
  readonly now: number;
}

/** To be told of every record in order; after a resume of those that are kept, so that it goes on where it was. */
export class DivergenceWatch {
  private readonly referenceSteps: number;
  private readonly judgedSteps: number;
  /** Before the first update; undefined until a record says so. */
  private trainBefore: number | undefined;
  private evalBefore: number | undefined;
  private evalNow: number | undefined;
  /** Steps in a row, up to the latest, whose losses are far above. */
  private above = 0;
  private train: Divergence | null = null;

  constructor(
    samplesPerStep: number,
    private readonly isLikelihood: boolean,
  ) {
    this.referenceSteps = Math.ceil(REFERENCE_SAMPLES / samplesPerStep);
    // One odd batch is a spike and comes down again.
    this.judgedSteps = Math.max(2, Math.ceil(JUDGED_SAMPLES / samplesPerStep));
  }

  /** Returns what has diverged with this record; null: nothing, or it had before and has not come down. */
  see({ kind, step, loss }: Pick<MetricRecord, 'kind' | 'step' | 'loss'>): Divergence | null {
    const before = this.now;
    if (kind === 'eval') this.seeEvaluation(step, loss);
    else this.seeStep(step, loss);
    return before === null ? this.now : null;
  }

  /** What stands far above where it began, by the latest records. */
  get now(): Divergence | null {
    const { evalBefore, evalNow } = this;
    if (evalBefore === undefined || evalNow === undefined || !this.isAbove(evalNow, evalBefore, EVALUATIONS)) {
      return this.train;
    }
    return { of: 'eval', before: evalBefore, now: evalNow };
  }

  /** Of the evaluations before training and of the latest. */
  get evaluations(): { readonly before: number; readonly now: number } | null {
    const { evalBefore, evalNow } = this;
    return evalBefore === undefined || evalNow === undefined ? null : { before: evalBefore, now: evalNow };
  }

  private seeEvaluation(step: number, loss: number): void {
    if (step === 0) this.evalBefore = loss;
    else this.evalNow = loss;
  }

  private seeStep(step: number, loss: number): void {
    // With tiny batches the first few, unless an evaluation has said where it begins.
    if (step <= (this.evalBefore === undefined ? this.referenceSteps : 1)) {
      this.trainBefore = Math.max(loss, this.trainBefore ?? -Infinity);
      return;
    }
    if (this.trainBefore === undefined) return;
    const before = Math.max(this.trainBefore, this.evalBefore ?? -Infinity);
    this.above = this.isAbove(loss, before, STEPS) ? this.above + 1 : 0;
    // Once it is, a step that is only somewhat lower does not end it.
    const goesOn = this.train !== null && this.isAbove(loss, before, EVALUATIONS);
    this.train = goesOn || this.above >= this.judgedSteps ? { of: 'train', before, now: loss } : null;
  }

  private isAbove(loss: number, before: number, { ratio, rise }: typeof STEPS): boolean {
    return loss > ratio * before && loss > before + (this.isLikelihood ? rise : 0);
  }
}
