/**
 * @file The watchdog of a run: looks for a loss that jumps, a step that does not end and a disk that fills up, and says what
 * it saw and what was done. What is not finite stops a run where it is found (`notFinite.ts`).
 */
import type { MetricRecord, TrainRecord, WatchKind } from '../protocol/types';
import type { RunFolder } from '../runs/runFolder';
import type { TrainBatch } from './batchStream';
import { checkpointBytes, DiskWatch } from './diskWatch';
import type { Divergence } from './divergence';
import { DivergenceWatch } from './divergence';
import { LossSpikeDetector } from './lossSpike';
import type { PreparedRun } from './prepare';
import type { Phase } from './stallWatch';
import { StallWatch } from './stallWatch';

/** How often the stall watch looks. */
const POLL_MS = 1000;
/** Samples that are named when a step goes wrong. */
const NAMED_SAMPLES = 16;

/** A rise of the loss by less than this share is none. */
const UNMOVED = 1e-3;
/** Completes a sentence. */
const LESS = 'lower training.learning_rate, or limit the gradients with training.max_grad_norm (1 is usual)';
const digits = (loss: number): string => loss.toPrecision(4);

/** Something that the run's events are to say. */
export interface WatchFinding {
  readonly watch: WatchKind;
  readonly reason: string;
  readonly action: string;
}

export class Watchdog {
  private readonly isLossWatched: boolean;
  private readonly spikes: LossSpikeDetector;
  private readonly stalls: StallWatch;
  private readonly space: DiskWatch;
  private readonly course: DivergenceWatch;

  constructor(folder: RunFolder, { plan, config, model }: Pick<PreparedRun, 'plan' | 'config' | 'model'>) {
    const { loss_spike_sigma: sigma, min_free_mb: leastFree, stall_seconds: stallSeconds } = config.watchdog;
    const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = config.training;
    this.isLossWatched = sigma > 0;
    this.spikes = new LossSpikeDetector(sigma);
    this.course = new DivergenceWatch(batch * accumulation, model.task.kind !== 'regression');
    this.space = new DiskWatch(folder.dir, checkpointBytes(plan), leastFree * 1e6);
    const limits = { leastMs: stallSeconds * 1000, pollMs: Math.min(POLL_MS, 250 * stallSeconds) };
    this.stalls = new StallWatch(folder.file('events.jsonl'), folder.file('log.txt'), limits);
  }

  /** A piece of work that may take long begins; the one before it, if any, has ended. */
  begin(phase: Phase, step: number): void {
    this.stalls.begin(phase, step);
  }

  /** No such work is being done. */
  end(): void {
    this.stalls.end();
  }

  /** What was recorded before a resume, in order: the losses are judged as if the run had never ended. */
  recall(records: Iterable<MetricRecord>): void {
    for (const record of records) {
      if (record.kind === 'train') this.spikes.see(record.step, record.loss);
      this.course.see(record);
    }
  }

  /** To be told of every step. */
  lossSpike({ step, loss, step_seconds: seconds }: TrainRecord, batches: readonly TrainBatch[]): WatchFinding | null {
    this.stalls.learn(seconds * 1000);
    const reason = this.spikes.see(step, loss);
    if (reason === null) return null;
    const sources = batches.flatMap((batch) => batch.sources).slice(0, NAMED_SAMPLES);
    const samples = sources.map(({ file, line }) => `${file}:${line}`).join(', ');
    const action =
      'Training goes on. If the loss does not come down again, lower training.learning_rate or training.max_grad_norm, ' +
      `or look at the samples of this step: ${samples}`;
    return { watch: 'loss-spike', reason, action };
  }

  /** To be told of every step and evaluation. */
  divergence(record: Pick<MetricRecord, 'kind' | 'step' | 'loss'>): WatchFinding | null {
    const found = this.course.see(record);
    if (!found || !this.isLossWatched) return null;
    const what = found.of === 'eval' ? 'evaluation loss' : 'loss';
    const reason = `the ${what} of step ${record.step} is ${digits(found.now)}; before training it was ${digits(found.before)}`;
    const action = `Training goes on, but a loss this far above where it began seldom comes back: stop the run and ${LESS}.`;
    return { watch: 'diverged', reason, action };
  }

  /** What stands far above where it began now, or null. */
  get diverged(): Divergence | null {
    return this.course.now;
  }

  /** At the end of a run: whether its evaluations ever were better than the one before training, and the last one is. */
  gain(best: { readonly step: number; readonly loss: number } | null): WatchFinding | null {
    const { evaluations } = this.course;
    if (!evaluations || !best) return null;
    const { before, now } = evaluations;
    const hasNoBetter = best.step === 0;
    if (!hasNoBetter && now <= before) return null;
    const end = `at the end it is ${digits(now)}`;
    if (hasNoBetter) {
      const reason = `the evaluation loss was never below the ${digits(before)} before training; ${end}`;
      const isUnmoved = now <= before * (1 + UNMOVED);
      const action = isUnmoved
        ? 'The adapter hardly changes the model. Train longer or with a larger training.learning_rate, and look at its Activity.'
        : `The adapter of the last step makes the model worse: do not use it. Start again and ${LESS}.`;
      return { watch: 'no-gain', reason, action };
    }
    const reason = `the evaluation loss was ${digits(best.loss)} at step ${best.step}, but ${end}, above the ${digits(before)} before training`;
    const action = `The adapter of the last step makes the model worse; the checkpoint of step ${best.step} is the best. Train for fewer steps, write training.early_stopping_patience, or ${LESS}.`;
    return { watch: 'no-gain', reason, action };
  }

  /** As `DiskWatch.look`, with what is done about it. */
  disk(
    look: Parameters<DiskWatch['look']>[0],
  ): (WatchFinding & { readonly mustStop: boolean; readonly isRoomForOne: boolean }) | null {
    const finding = this.space.look(look);
    if (!finding) return null;
    const { kind, found, isRoomForOne } = finding;
    const action = 'Training goes on. Make room: when no further checkpoint would fit, the run saves one and stops.';
    return { watch: 'disk-low', reason: found, action, mustStop: kind === 'full', isRoomForOne };
  }

  /** From now on a checkpoint takes so much, together with what has to fit beside it. */
  expectBytes(bytes: number): void {
    this.space.checkpointBytes = bytes;
  }

  async dispose(): Promise<void> {
    await this.stalls.dispose();
  }
}
