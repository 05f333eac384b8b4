/**
 * @file The training loop: batches in, losses and spectra out, checkpoints on the way. Everything a step does follows
 * from its number, the configuration and the seed, so that a resumed run repeats the uninterrupted one to the bit (CPU).
 */
import type {
  ActivityRecord,
  EvalRecord,
  RunEvent,
  RunState,
  RunStatus,
  SampleRecord,
  SpectrumRecord,
  TrainRecord,
} from '../protocol/types';
import { formatProblem, KernelError } from '../protocol/errors';
import { isDiskFull } from '../formats/atomicFile';
import { giveUpRoom } from '../runs/ballast';
import { expiredCheckpoints } from '../runs/checkpointRetention';
import type { EventDetails, RunFolder } from '../runs/runFolder';
import { now } from '../runs/runFolder';
import { formatBytes } from '../util/formatBytes';
import { createRandom } from '../util/random';
import { ActivityWatch } from './activity/activityWatch';
import { AdamW, clipFactor, globalNorm } from './adamw';
import type { TrainBatch } from './batchStream';
import { isDamage, loadCheckpoint, saveCheckpoint, saveFinalAdapter, wasBest } from './checkpointState';
import { checkpointBytes } from './diskWatch';
import type { EvaluationResult } from './evaluate';
import { evaluate, metricsText } from './evaluate';
import { notFinite } from './notFinite';
import { MeasuredMeans } from './measuredMeans';
import { optimiserGroups, rangesOf, ratesOf } from './optimiserGroups';
import type { PreparedRun } from './prepare';
import { ModelRunner } from './runner';
import type { CycleParts } from './restarts';
import { describeRestart, Restarts } from './restarts';
import { scheduleOf } from './restartSettings';
import type { Schedule } from './schedule';
import { scheduleFactor } from './schedule';
import { recordOf, RunSpectra } from './spectra';
import type { Phase } from './stallWatch';
import type { TrainerState } from './trainerState';
import { writeSamples } from './trainingSamples';
import type { WatchFinding } from './watchdog';
import { Watchdog } from './watchdog';
import { WatchError } from './watchError';

export interface TrainListener {
  onTrain?(record: TrainRecord): void;
  onEval?(record: EvalRecord): void;
  onSamples?(records: readonly SampleRecord[]): void;
  onActivity?(record: ActivityRecord): void;
  onEvent?(event: RunEvent): void;
}

export interface TrainOptions {
  /**
   * Fires when the run is asked to stop: it saves a checkpoint of the last whole step. A step or evaluation that was begun
   * is left, after the batch it is at, and done again by a resume.
   */
  readonly signal: AbortSignal;
  readonly listener?: TrainListener;
  /** Go on from the last complete checkpoint of the folder. */
  readonly isResumed: boolean;
}

export interface TrainOutcome {
  readonly status: Extract<RunStatus, 'finished' | 'stopped'>;
  readonly step: number;
}

/** Trains to the end, to a stop, or to an error, and leaves the folder saying which. */
export async function train(run: RunFolder, prepared: PreparedRun, options: TrainOptions): Promise<TrainOutcome> {
  const trainer = new Trainer(run, prepared, options);
  try {
    return await trainer.run();
  } catch (cause) {
    const error = trainer.explain(cause);
    trainer.fail(error);
    throw error;
  } finally {
    await trainer.dispose();
  }
}

interface DamagedCheckpoint {
  readonly step: number;
  readonly error: KernelError;
}

/** The way out of a step or an evaluation when the run is asked to stop. */
class Stopped extends Error {}

class Trainer {
  private runner: ModelRunner;
  private readonly watchdog: Watchdog;
  private readonly optimiser: AdamW;
  private readonly gradient: Float32Array;
  private activity: ActivityWatch;
  /** Figures of activity that the events have told of. */
  private readonly toldInactive = new Set<string>();
  /** Last step whose activity is recorded. */
  private activityStep = -1;
  private readonly schedule: Schedule;
  private readonly restarts: Restarts | null;
  private readonly measured: MeasuredMeans;
  private spectra: RunSpectra;
  /** Before, what the folder says is how far the run is, not `state`. */
  private hasBegun = false;
  private state: TrainerState = {
    version: 1,
    step: 0,
    completed: -1,
    tokens: 0,
    optimiserStep: 0,
    best: null,
    evaluationsWithoutGain: 0,
  };

  constructor(
    private readonly folder: RunFolder,
    /** A restart replaces the parts that belong to a cycle. */
    private prepared: PreparedRun,
    private readonly options: TrainOptions,
  ) {
    const { model, plan, parameters, device, threads, config } = prepared;
    this.runner = new ModelRunner(model, plan, parameters, { device, threads });
    this.watchdog = new Watchdog(folder, prepared);
    const { adam_beta1: beta1, adam_beta2: beta2, adam_epsilon: epsilon } = config.training;
    this.optimiser = new AdamW(plan.trainedSize, { beta1, beta2, epsilon });
    this.gradient = new Float32Array(plan.trainedSize);
    this.activity = new ActivityWatch(prepared);
    this.measured = new MeasuredMeans(plan);
    this.spectra = new RunSpectra(prepared);
    this.schedule = scheduleOf(config, prepared.totalSteps);
    this.restarts = Restarts.of(prepared, folder.file('cycles'));
  }

  async run(): Promise<TrainOutcome> {
    await this.start();
    this.setState('running');
    this.expectSpace();
    this.watchDisk(true);
    try {
      await this.complete();
      while (!this.isOver) {
        await this.step(this.state.step + 1);
        await this.restartIfDue();
        await this.complete();
      }
    } catch (error) {
      if (error instanceof Stopped) return this.stop();
      throw error;
    }
    if (this.state.step < this.prepared.totalSteps) {
      this.event('warning', `early stop: ${this.state.evaluationsWithoutGain} evaluations without a lower loss`);
    }
    this.warn(this.watchdog.gain(this.state.best));
    return this.finish();
  }

  /** What comes after the update of a step, and before the first: evaluation, spectra, checkpoint. */
  private async complete(): Promise<void> {
    const { step, completed } = this.state;
    if (completed === step) return; // in the checkpoint that the run goes on from
    const { save_steps: saveSteps, eval_steps: evalSteps } = this.prepared.config.training;
    const isFirst = step === 0;
    const isLast = step === this.prepared.totalSteps;
    const isBest = isFirst || isLast || step % evalSteps === 0 ? await this.assess() : false;
    const isEnd = this.isOver;
    if (isFirst || isEnd || this.spectra.isDue(step)) await this.recordSpectra(isFirst || isEnd);
    this.state = { ...this.state, completed: step };
    // Last: what is recorded of a step lies before its checkpoint, so that a resume removes nothing of it.
    if (!isFirst && (isEnd || isBest || step % saveSteps === 0)) this.checkpoint();
  }

  private get isOver(): boolean {
    return this.state.step === this.prepared.totalSteps || this.hasStoppedImproving();
  }

  private stopIfAsked(): void {
    if (this.options.signal.aborted) throw new Stopped();
  }

  /** A write that a full disk refused, with what it means for the run. */
  explain(error: unknown): unknown {
    if (!isDiskFull(error) || error instanceof WatchError) return error;
    const action = `The run was stopped. ${this.whatIsSaved()} Make room, then resume the run.`;
    const needed = `a checkpoint of this run takes ${formatBytes(this.checkpointBytes)}`;
    const message = `${error instanceof Error ? error.message : String(error)}; ${needed}. ${action}`;
    return new WatchError('disk-low', action, 'machine/failed', message, { cause: error });
  }

  /** Records the failure; the folder keeps its last complete checkpoint. */
  fail(error: unknown): void {
    if (isDiskFull(error)) giveUpRoom(this.folder.dir);
    const message = error instanceof Error ? error.message : String(error);
    const details = error instanceof WatchError ? { watch: error.watch, action: error.action } : {};
    try {
      this.setState('failed', message);
      this.event('failed', message, details);
    } catch {
      // The disk may be what failed; the error itself goes on to the caller.
    }
  }

  async dispose(): Promise<void> {
    await this.watchdog.dispose();
    await this.activity.dispose();
    await this.runner.dispose();
    this.restarts?.dispose();
  }

  /** Updates of this adapter so far whose learning rate was not 0. */
  private get effectiveUpdates(): number {
    if (this.prepared.config.training.learning_rate === 0) return 0;
    const from = this.restarts?.lastRestart ?? 0;
    const factors = Array.from({ length: this.state.step - from }, (_, i) => scheduleFactor(this.schedule, from + i));
    return factors.filter((factor) => factor > 0).length;
  }

  /** Begins at step 0, or puts everything back to the last checkpoint that is whole. */
  private async start(): Promise<void> {
    const { isResumed } = this.options;
    const { last, damaged } = isResumed ? await this.restore() : {};
    this.hasBegun = true;
    if (!isResumed) {
      this.event('started');
      if (this.spectra.note !== undefined) this.event('warning', this.spectra.note);
      return;
    }
    // Without a checkpoint the evaluation before the first step comes again as well.
    const { removed, damaged: records } = this.folder.truncateAfter(last === undefined ? -1 : this.state.step);
    this.activityStep = this.folder.activity().at(-1)?.step ?? -1;
    this.watchdog.recall(this.folder.metrics());
    for (const { name, aside, problems } of records) {
      const [first] = problems.map(formatProblem);
      const lines = `${problems.length} ${problems.length === 1 ? 'line' : 'lines'} of ${name}`;
      this.event('warning', `${lines} cannot be used and left the file, which is kept as ${aside}: ${first}`);
    }
    for (const { step, error } of damaged ?? []) {
      const name = this.folder.setAside(step);
      this.event('warning', `the checkpoint of step ${step} is damaged, it is now ${name}: ${error.message}`);
    }
    const from =
      last === undefined ? 'from the beginning, there was no checkpoint' : `from the checkpoint of step ${last}`;
    this.event('resumed', `${from}${removed > 0 ? `; ${removed} later records removed` : ''}`);
  }

  /** Loads the newest checkpoint that is whole. Throws when there are checkpoints and none is. */
  private async restore(): Promise<{ readonly last?: number; readonly damaged: readonly DamagedCheckpoint[] }> {
    const damaged: DamagedCheckpoint[] = [];
    for (const step of this.folder.checkpoints().toReversed()) {
      try {
        if (this.restarts) this.beginCycle(await this.restarts.at(this.folder.checkpointDir(step), step));
        this.state = loadCheckpoint(this.folder.checkpointDir(step), this.prepared.parameters, this.optimiser);
        this.measured.restore(this.state.measured);
        return { last: step, damaged };
      } catch (error) {
        if (!isDamage(error)) throw error;
        damaged.push({ step, error });
      }
    }
    if (damaged.length === 0) return { damaged };
    const found = damaged.map(({ error }) => error.message).join('\n');
    const problems = damaged.flatMap(({ error }) => error.problems);
    const advice = 'no checkpoint of this run is whole; put one back from a copy, or start a new run';
    throw new KernelError('format/invalid', `${found}\n${advice}`, { problems });
  }

  private async step(step: number): Promise<void> {
    const { prepared, gradient, optimiser } = this;
    const { training } = prepared.config;
    const started = performance.now();
    this.watchdog.begin('step', step);
    const batches = prepared.train.batchesOf(step);
    const supervised = batches.reduce((n, b) => n + b.rows.length, 0);
    gradient.fill(0);
    let loss = 0;
    const measured: (readonly [key: string, value: number])[] = [];
    for (const [i, batch] of batches.entries()) {
      this.stopIfAsked();
      loss += await this.runner.step(
        {
          batch,
          rowWeight: 1 / supervised,
          dropoutSeed: createRandom(training.seed, step, i).uint32(),
        },
        gradient,
        (key, value) => measured.push([key, value]),
      );
    }
    const norm = globalNorm(gradient);
    if (!Number.isFinite(loss)) throw this.notFinite(`step ${step}`, `the loss is ${loss}`, batches);
    if (!Number.isFinite(norm)) throw this.notFinite(`step ${step}`, `the gradient norm is ${norm}`, batches);

    const learningRate = training.learning_rate * scheduleFactor(this.schedule, step - 1);
    const isRecorded = this.spectra.isDue(step) || this.restarts?.isDue(step) === true;
    if (isRecorded) this.activity.beforeUpdate();
    optimiser.update(
      prepared.parameters.trained,
      gradient,
      rangesOf(prepared.groups, learningRate, training.weight_decay),
      clipFactor(norm, training.max_grad_norm),
    );
    if (isRecorded) this.activity.afterUpdate(gradient, optimiser, learningRate);
    // Not before: a step that is stopped halfway is done again.
    for (const [key, value] of measured) this.measured.add(key, value);
    this.measured.writeInto(prepared.parameters);
    const tokens = this.state.tokens + batches.reduce((n, b) => n + b.tokens, 0);
    this.state = { ...this.state, step, tokens, optimiserStep: optimiser.step };
    const record: TrainRecord = {
      kind: 'train',
      step,
      time: now(),
      epoch: step / prepared.stepsPerEpoch,
      tokens,
      loss,
      learning_rate: ratesOf(prepared.groups, learningRate),
      grad_norm: norm,
      step_seconds: (performance.now() - started) / 1000,
      rss: process.memoryUsage.rss(),
    };
    this.watchdog.end();
    this.folder.appendMetric(record);
    this.folder.beat(this.stateRecord('running'));
    this.options.listener?.onTrain?.(record);
    this.watch(record, batches);
    // The runtime blocks the thread: between steps, what waits (a stop, a signal) gets its turn.
    await new Promise((resume) => setImmediate(resume));
  }

  /** Merges the adapter and begins the next cycle where one ends; what it did is measured and recorded. */
  private async restartIfDue(): Promise<void> {
    const { restarts, prepared, optimiser } = this;
    const { groups } = prepared;
    const { step } = this.state;
    if (!restarts?.isDue(step)) return;
    // Before it, since afterwards there is another adapter, of which nothing shows yet.
    await this.recordActivity(this.spectra.at(step));
    await this.activity.dispose();
    this.watchdog.begin('the restart after step', step);
    await this.runner.dispose();
    const record = await restarts.recorded(prepared, { step, optimiser, groups, schedule: this.schedule }, (parts) =>
      this.beginCycle(parts),
    );
    this.watchdog.end();
    this.folder.appendRestart(record);
    this.event('restart', describeRestart(record), { cycle: record.cycle });
    this.expectSpace();
  }

  /** Goes on with the model, plan and parameters of another cycle. */
  private beginCycle(parts: CycleParts): void {
    const { device, threads, config } = this.prepared;
    const { model, plan, parameters } = parts;
    this.prepared = { ...this.prepared, ...parts, groups: optimiserGroups(plan, config.training) };
    this.runner = new ModelRunner(model, plan, parameters, { device, threads });
    // What is active is to be seen of each adapter by itself.
    this.activity = new ActivityWatch(this.prepared);
    this.spectra = new RunSpectra(this.prepared);
    if (this.restarts) this.optimiser.counted = this.restarts.counted;
  }

  private get checkpointBytes(): number {
    return checkpointBytes(this.prepared.plan, this.restarts?.merged.length ?? 0);
  }

  private expectSpace(): void {
    this.watchdog.expectBytes(this.checkpointBytes + (this.restarts?.bytesAfter(this.state.step) ?? 0));
  }

  /**
   * Evaluation and samples. Both are made before either is recorded: a stop in between leaves nothing of the two, and the
   * resume does both again. Returns whether this is the best loss so far.
   */
  private async assess(): Promise<boolean> {
    const result = await this.evaluate();
    const samples = await this.makeSamples();
    const isBest = result !== null && this.recordEvaluation(result);
    if (samples.length > 0) {
      this.folder.appendSamples(samples);
      this.options.listener?.onSamples?.(samples);
    }
    return isBest;
  }

  private async evaluate(): Promise<EvaluationResult | null> {
    const { evaluation } = this.prepared;
    if (!evaluation) return null;
    const { step } = this.state;
    this.watchdog.begin('the evaluation of step', step);
    const result = await evaluate(this.runner, evaluation, (_, batch, batchLoss) => {
      if (!Number.isFinite(batchLoss)) {
        throw this.notFinite(`the evaluation of step ${step}`, `the loss is ${batchLoss}`, [batch]);
      }
      this.goOn('the evaluation of step');
      this.stopIfAsked();
    });
    this.watchdog.end();
    return result;
  }

  private async makeSamples(): Promise<readonly SampleRecord[]> {
    const { samples } = this.prepared;
    if (!samples) return [];
    const { step } = this.state;
    const { signal } = this.options;
    this.watchdog.begin('the samples of step', step);
    try {
      return await writeSamples(this.runner, samples, {
        step,
        now,
        signal,
        onToken: () => this.goOn('the samples of step'),
      });
    } catch (error) {
      if (KernelError.is(error, 'cancelled')) throw new Stopped();
      throw error;
    } finally {
      this.watchdog.end();
    }
  }

  /** One piece of a longer phase is done. */
  private goOn(phase: Phase): void {
    this.watchdog.begin(phase, this.state.step);
    this.folder.beat(this.stateRecord('running'));
  }

  /** Returns whether this is the best loss so far. */
  private recordEvaluation({ loss, tokens, metrics }: EvaluationResult): boolean {
    const { step } = this.state;
    const record: EvalRecord = { kind: 'eval', step, time: now(), loss, tokens, ...(metrics && { metrics }) };
    this.folder.appendMetric(record);
    const shown = metricsText(metrics);
    this.event('eval', `loss ${loss.toPrecision(6)}${shown} on ${tokens} ${metrics ? 'texts' : 'tokens'}`);
    this.options.listener?.onEval?.(record);
    this.warn(this.watchdog.divergence(record));
    // The evaluation before the first step is one as well: what never gets below it has gained nothing.
    const isBest = this.state.best === null || loss < this.state.best.loss;
    this.state = isBest
      ? { ...this.state, best: { step, loss }, evaluationsWithoutGain: 0 }
      : { ...this.state, evaluationsWithoutGain: this.state.evaluationsWithoutGain + 1 };
    return isBest;
  }

  private hasStoppedImproving(): boolean {
    const { early_stopping_patience: patience } = this.prepared.config.training;
    return patience > 0 && this.state.evaluationsWithoutGain >= patience;
  }

  private async recordSpectra(isEdge: boolean): Promise<void> {
    const { step } = this.state;
    const spectra = [...this.spectra.at(step), ...(await this.spectra.wholeAt(step, isEdge))];
    this.folder.appendSpectra(await this.wholeSpectra(spectra));
    await this.recordActivity(spectra);
  }

  /** Once a step: where a restart ended a cycle, of the adapter that was merged. */
  private async recordActivity(spectra: readonly SpectrumRecord[]): Promise<void> {
    const { step } = this.state;
    if (this.activityStep === step) return;
    this.activityStep = step;
    const restarts = this.folder.restarts();
    const activity = await this.activity.record({
      step,
      updates: this.effectiveUpdates,
      spectra,
      restarts,
      isEnd: this.isOver,
      divergence: this.watchdog.diverged,
    });
    this.folder.appendActivity(activity);
    this.options.listener?.onActivity?.(activity);
    for (const finding of this.activity.findings(activity, this.toldInactive)) this.warn(finding);
  }

  /** With the merged cycles in the spectra of the adapted layers. `own`: those of the adapter that is trained. */
  private async wholeSpectra(own: readonly SpectrumRecord[]): Promise<readonly SpectrumRecord[]> {
    const { plan, parameters } = this.prepared;
    const { step } = this.state;
    const adapted = new Set(plan.layers.map(({ site }) => site.path));
    const isDelta = ({ module, of }: SpectrumRecord): boolean => of === undefined && adapted.has(module);
    const others = own.filter((record) => !isDelta(record));
    if (!this.restarts || this.restarts.merged.length === 0 || others.length === own.length) return own;
    // Without factors or cores it takes the whole matrices: of the layers that are followed alone.
    const followed = new Set(own.filter(isDelta).map(({ module }) => module));
    const isCheap = plan.method.factors !== undefined || plan.method.cores !== undefined;
    const whole = await this.restarts.spectra(plan, parameters, ({ site }) => isCheap || followed.has(site.path));
    return [...whole.map(({ layer, values }) => recordOf(layer, values, step)), ...others];
  }

  private checkpoint(): void {
    this.watchDisk(true);
    this.save();
    this.setState('running');
  }

  private save(): void {
    const { parameters, saveOptions } = this.prepared;
    const { step } = this.state;
    // A step that went too far shows in the next loss only. Saved now, it would be what a resume starts from.
    if (parameters.trained.some((value) => !Number.isFinite(value))) {
      throw this.notFinite(`the update of step ${step}`, 'the parameters are not finite', []);
    }
    this.watchdog.begin('the checkpoint of step', step);
    saveCheckpoint(this.folder.checkpointDir(step), parameters, this.optimiser, this.savedState, saveOptions);
    this.watchdog.end();
    this.event('checkpoint');
    this.expire();
  }

  /** Removes the checkpoints that are not kept beside the one that was just written. */
  private expire(): void {
    for (const step of this.expiredWith(null)) {
      try {
        this.folder.removeCheckpoint(step);
      } catch (error) {
        // A program may have it open; the next checkpoint tries again.
        this.event('warning', error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** Steps of checkpoints that are not kept, `next` counted as one. */
  private expiredWith(next: number | null): readonly number[] {
    const { save_steps: saveSteps, save_total_limit: limit } = this.prepared.config.training;
    const { best } = this.state;
    const steps = this.folder.checkpoints();
    const saved = steps.map((step) => ({
      step,
      wasBest: step % saveSteps !== 0 && wasBest(this.folder.checkpointDir(step)),
    }));
    const isNew = next !== null && !steps.includes(next);
    return expiredCheckpoints([...saved, ...(isNew ? [{ step: next, wasBest: best?.step === next }] : [])], {
      saveSteps,
      limit,
      best,
    });
  }

  private stop(): TrainOutcome {
    const { step } = this.state;
    this.setState('stopping');
    if (step > 0 && this.folder.checkpoints().at(-1) !== step) this.save();
    this.event('stopped', 'asked to stop');
    this.setState('stopped');
    return { status: 'stopped', step };
  }

  private async finish(): Promise<TrainOutcome> {
    const { parameters, plan, saveOptions } = this.prepared;
    const last = { plan, values: parameters, options: saveOptions };
    const final = (await this.restarts?.finalAdapter(this.prepared)) ?? last;
    saveFinalAdapter(this.folder.file('adapter'), final.plan, final.values, final.options);
    this.expire(); // nothing, unless the process of the last checkpoint died before it could
    this.event('finished', 'note' in final ? final.note : undefined);
    this.setState('finished');
    return { status: 'finished', step: this.state.step };
  }

  /** What the watchdog has to say about a step that is done. */
  private watch(record: TrainRecord, batches: readonly TrainBatch[]): void {
    this.warn(this.watchdog.lossSpike(record, batches));
    this.warn(this.watchdog.divergence(record));
    this.watchDisk(false);
  }

  private warn(finding: WatchFinding | null): void {
    if (finding) this.event('warning', finding.reason, finding);
  }

  /** Warns of a disk that is nearly full; where no further checkpoint would fit, saves what can be saved and fails. */
  private watchDisk(isDue: boolean): void {
    const toBeFreed = (): number => this.checkpointBytes * this.expiredWith(this.state.step).length;
    const found = this.watchdog.disk({ isDue, toBeFreed });
    if (!found) return;
    if (!found.mustStop) {
      this.event('warning', found.reason, found);
      return;
    }
    const { step } = this.state;
    const canSave = found.isRoomForOne && step > 0 && this.folder.checkpoints().at(-1) !== step;
    if (canSave) this.save();
    const how = canSave ? ' after saving a checkpoint' : '';
    const action = `The run was stopped${how}. ${this.whatIsSaved()} Make room, then resume the run.`;
    throw new WatchError('disk-low', action, 'machine/failed', `${found.reason}. ${action}`);
  }

  private whatIsSaved(): string {
    const last = this.folder.checkpoints().at(-1);
    return last === undefined ? 'There is no checkpoint yet.' : `The last checkpoint, of step ${last}, is whole.`;
  }

  private notFinite(when: string, what: string, batches: readonly TrainBatch[]): WatchError {
    const last = this.folder.checkpoints().at(-1);
    return notFinite(when, what, batches, last === undefined ? undefined : this.folder.checkpointDir(last));
  }

  private event(event: RunEvent['event'], reason?: string, { watch, action, cycle }: EventDetails = {}): void {
    const details = { ...(watch && { watch }), ...(action !== undefined && { action }), ...(cycle && { cycle }) };
    const record = this.folder.appendEvent(event, this.reached.step, reason, details);
    this.options.listener?.onEvent?.(record);
  }

  private setState(status: RunStatus, error?: string): void {
    this.folder.setState(this.stateRecord(status, error));
  }

  private get reached(): Pick<TrainerState, 'step'> & { readonly best?: TrainerState['best'] } {
    return this.hasBegun ? this.state : this.folder.state;
  }

  private get savedState(): TrainerState {
    const measured = this.measured.state;
    return { ...this.state, ...(measured && { measured }) };
  }

  private stateRecord(status: RunStatus, error?: string): Omit<RunState, 'pid' | 'host' | 'heartbeat'> {
    const { step, best } = this.reached;
    return {
      status,
      step,
      total_steps: this.prepared.totalSteps,
      ...(best && { best }),
      ...(error !== undefined && { error }),
    };
  }
}
