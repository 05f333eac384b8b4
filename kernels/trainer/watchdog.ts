/**
 * @file The watchdog of a run: looks for a loss that jumps, a step that does not end and a disk that fills up, and says what
 * it saw and what was done. What is not finite stops a run where it is found (`notFinite.ts`).
 */
import type { AdapterPlan } from '../adapters/plan';
import type { ResolvedConfig } from '../config/loadConfig';
import type { TrainRecord, WatchKind } from '../protocol/types';
import type { RunFolder } from '../runs/runFolder';
import type { TrainBatch } from './batchStream';
import { checkpointBytes, DiskWatch } from './diskWatch';
import { LossSpikeDetector } from './lossSpike';
import type { Phase } from './stallWatch';
import { StallWatch } from './stallWatch';

/** How often the stall watch looks. */
const POLL_MS = 1000;
/** Samples that are named when a step goes wrong. */
const NAMED_SAMPLES = 16;

/** Something that the run's events are to say. */
export interface WatchFinding {
  readonly watch: WatchKind;
  readonly reason: string;
  readonly action: string;
}

export class Watchdog {
  private readonly spikes: LossSpikeDetector;
  private readonly stalls: StallWatch;
  private readonly space: DiskWatch;

  constructor(folder: RunFolder, plan: AdapterPlan, config: ResolvedConfig['watchdog']) {
    this.spikes = new LossSpikeDetector(config.loss_spike_sigma);
    this.space = new DiskWatch(folder.dir, checkpointBytes(plan), config.min_free_mb * 1e6);
    const limits = { leastMs: config.stall_seconds * 1000, pollMs: Math.min(POLL_MS, 250 * config.stall_seconds) };
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

  /** `isDue`: a checkpoint is about to be written; else the disk is asked every few seconds only. */
  disk(isDue: boolean): (WatchFinding & { readonly mustStop: boolean; readonly isRoomForOne: boolean }) | null {
    const finding = this.space.look({ isDue });
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
