/**
 * @file The restarts of a run (ReLoRA, ReMoRA): after every `every` steps W ← W + ΔW for each adapted layer, a fresh adapter
 * drawn from (seed, cycle), perhaps with the method's next operator, and the optimiser's state treated as asked. The merged
 * weights lie in a file of the run folder, from which the graphs of the cycle map them; the run can make it again at any time
 * from the merged cycles, which every checkpoint holds.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { SaveOptions } from '../adapters/adapterFile';
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { changedFields, readRestarts } from '../adapters/restartFiles';
import type { MergedCycle } from '../adapters/restarts';
import { planOfCycle, restartedTensors } from '../adapters/restarts';
import { KernelError } from '../protocol/errors';
import type { TensorValues } from '../adapters/storedAdapter';
import { storedAdapter } from '../adapters/storedAdapter';
import type { ResolvedConfig } from '../config/loadConfig';
import type { BaseModel } from '../models/baseModel';
import { createRandom } from '../util/random';
import type { LayerValues } from './accumulated';
import type { CycleBase } from '../weights/cycleBase';
import { cycleBaseBytes, writeCycleBase } from '../weights/cycleBase';
import { CycleWeights } from '../weights/cycleWeights';
import { keptKeys } from '../weights/plainLora';
import { stackedCycles } from '../weights/stackedCycles';
import { formulaPlan, LayerWeights } from '../delta/layerWeights';
import type { RestartRecord } from '../protocol/types';
import { now } from '../runs/runFolder';
import { accumulatedSpectra, meanRank } from './accumulated';
import type { AdamW } from './adamw';
import type { OptimiserGroup } from './optimiserGroups';
import { ratesOf } from './optimiserGroups';
import { countsAnew, expectedShare, nonZeroEntries, resetMoments, resetShare } from './optimiserReset';
import type { Schedule } from './schedule';
import { scheduleFactor } from './schedule';
import { Parameters } from './parameters';
import type { PreparedRun } from './prepare';
import type { RestartSettings } from './restartSettings';
import { describeSettings, restartSettings } from './restartSettings';

/** What a restart replaces of a prepared run. */
export type CycleParts = Pick<PreparedRun, 'model' | 'plan' | 'parameters' | 'saveOptions'>;

/** What restarts need to know of a run. */
export interface RestartableRun extends CycleParts {
  readonly config: Pick<ResolvedConfig, 'relora' | 'training'>;
  readonly totalSteps: number;
}

/** What a restart needs to know of the training. */
export interface RestartedTraining {
  readonly step: number;
  readonly optimiser: AdamW;
  readonly groups: readonly OptimiserGroup[];
  readonly schedule: Schedule;
}

/** What `adapter/` is to hold, and a line about it. */
export interface FinalAdapter {
  readonly plan: AdapterPlan;
  readonly values: TensorValues;
  readonly options: SaveOptions;
  readonly note: string;
}

/** A record as one line of the run's events. */
export function describeRestart({ cycle, reset_share, rank, mora_type }: RestartRecord): string {
  const shares = Object.values(reset_share).map((share) => `${(100 * share).toFixed(2)} %`);
  const isSameType = mora_type?.before === mora_type?.after;
  return [
    `cycle ${cycle} begins`,
    ...(rank ? [`rank of the merged update ${rank.before.toFixed(1)} → ${rank.after.toFixed(1)}`] : []),
    `${shares.join(', ')} of the optimiser's moments set to zero`,
    ...(mora_type && !isSameType ? [`mora_type ${mora_type.before} → ${mora_type.after}`] : []),
  ].join('; ');
}

export class Restarts {
  private base: CycleBase | null = null;
  private cycles: readonly MergedCycle[] = [];

  private constructor(
    private readonly folder: string,
    /** The run as it was prepared: its first cycle. */
    private readonly first: RestartableRun,
    readonly settings: RestartSettings,
  ) {}

  /** Null for a run without restarts. `folder`: where the merged weights lie while the run lives. */
  static of(prepared: RestartableRun, folder: string): Restarts | null {
    const settings = restartSettings(prepared.config);
    if (!settings) return null;
    rmSync(folder, { recursive: true, force: true }); // of a process that was killed
    return new Restarts(folder, prepared, settings);
  }

  /** Cycles that are merged after `step`. */
  mergedAfter(step: number): number {
    return Math.floor(Math.min(step, this.first.totalSteps - 1) / this.settings.every);
  }

  isDue(step: number): boolean {
    return step > 0 && step < this.first.totalSteps && step % this.settings.every === 0;
  }

  /** What was merged so far, the first cycle first. */
  get merged(): readonly MergedCycle[] {
    return this.cycles;
  }

  /** The singular values of everything that was added to the base model, the adapter `parameters` included. */
  spectra(
    plan: AdapterPlan,
    parameters: Parameters | null,
    only?: (layer: AdaptedLayer) => boolean,
  ): Promise<readonly LayerValues[]> {
    return accumulatedSpectra(plan, this.first.model, this.cycles, parameters, only);
  }

  /** Bytes that the next restart takes on the disk; 0 after the last one. */
  bytesAfter(step: number): number {
    const { totalSteps, plan } = this.first;
    return this.mergedAfter(step) < this.mergedAfter(totalSteps) ? cycleBaseBytes(plan) : 0;
  }

  /** The step after which the adapter that is trained began; 0 before the first restart. */
  get lastRestart(): number {
    return this.cycles.length * this.settings.every;
  }

  /** How the optimiser counts: adapter tensors lie before those of the base that are trained too. */
  get counted(): AdamW['counted'] {
    const from = countsAnew(this.settings.reset) ? this.lastRestart : 0;
    const { trained, trainedSize } = this.first.plan;
    return { from, end: trained.find(({ kind }) => kind === 'base')?.offset ?? trainedSize };
  }

  /** A restart: merges, begins the next cycle (`begin`), treats the optimiser, and says what all of it did. */
  async recorded(
    current: CycleParts,
    { step, optimiser, groups, schedule }: RestartedTraining,
    begin: (parts: CycleParts) => void,
  ): Promise<RestartRecord> {
    const { reset } = this.settings;
    const rankBefore = await this.rank(current.plan);
    const parts = await this.next(current);
    begin(parts);
    const rankAfter = await this.rank(parts.plan);
    const entries = nonZeroEntries(optimiser);
    resetMoments(optimiser, parts.plan.trained, reset);
    const { learning_rate } = this.first.config.training;
    const rates = (at: number): Readonly<Record<string, number>> =>
      ratesOf(groups, learning_rate * scheduleFactor(schedule, at));
    const { type, warmupSteps, cycles } = schedule;
    const ofCycle = type === 'cyclical_cosine' ? warmupSteps : 0;
    const warmup = type === 'cosine_restarts' ? (cycles?.restartWarmupSteps ?? 0) : ofCycle;
    const cycle = this.cycles.length + 1;
    const [typeBefore, typeAfter] = [current.plan, parts.plan].map(
      ({ config }) => config['mora_type'] as string | number | undefined,
    );
    return {
      step,
      time: now(),
      cycle,
      optimizer_reset: reset.mode,
      expected_share: expectedShare(reset),
      reset_share: resetShare(entries, optimiser, groups),
      counts_anew: countsAnew(reset),
      ...(rankBefore !== undefined && rankAfter !== undefined && { rank: { before: rankBefore, after: rankAfter } }),
      // The schedule counts from 0: step t trains with its value at t − 1.
      learning_rate: { before: rates(step - 1), at: rates(step), after: rates(step + warmup) },
      ...(typeBefore !== undefined && { mora_type: { before: String(typeBefore), after: String(typeAfter) } }),
    };
  }

  /** Of what was merged so far; 0 before the first restart. */
  private async rank(plan: AdapterPlan): Promise<number | undefined> {
    if (this.cycles.length === 0) return 0;
    return meanRank(await this.spectra(plan, null));
  }

  /** Merges the current cycle and begins the next. Nothing of `current` may be in use any more. */
  async next({ model, plan, parameters }: CycleParts): Promise<CycleParts> {
    // In the form that files have, so that whoever reads them merges the same numbers.
    const stored = storedAdapter(plan);
    const packed = stored.pack(parameters);
    const values = new Map(restartedTensors(stored.plan).map(({ key }) => [key, valuesOf(packed, key).slice()]));
    const weights = new LayerWeights(formulaPlan(stored.plan), values, 'merge', (site) =>
      model.checkpoint.readF32(site.weight),
    );
    const cycles = [...this.cycles, { config: stored.plan.config, values }];
    try {
      const before = this.base;
      this.base = await writeCycleBase(this.first.model, stored.plan, this.fileOf(cycles.length), (layer) =>
        weights.apply(layer, model.checkpoint.readF32(layer.site.weight)),
      );
      before?.dispose();
    } finally {
      await weights.dispose();
    }
    const parts = this.begin(cycles, this.base.model);
    // What is trained beside the adapter goes on.
    for (const { key, kind } of plan.trained) if (kind === 'base') parts.parameters.set(key, parameters.get(key));
    return parts;
  }

  /** The cycle of a checkpoint, whose tensors are still to be loaded. Throws as `readRestarts` for one that is damaged. */
  async at(checkpoint: string, step: number): Promise<CycleParts> {
    const merged = this.mergedAfter(step);
    const before = this.base;
    if (merged === 0) {
      this.base = null;
      this.cycles = [];
      before?.dispose();
      const { model, plan, parameters, saveOptions } = this.first;
      return { model, plan, parameters, saveOptions };
    }
    const { plan } = storedAdapter(this.planOf(merged + 1));
    const history = readRestarts(checkpoint, { config: plan.config, tensors: restartedTensors(plan) }, merged + 1);
    const { model } = this.first;
    const weights = new CycleWeights(plan, model, history.cycles, 'merge');
    try {
      this.base = await writeCycleBase(model, plan, this.fileOf(merged), ({ site }) =>
        weights.apply(site, model.checkpoint.readF32(site.weight)),
      );
      before?.dispose();
    } finally {
      await weights.dispose();
    }
    return this.begin(history.cycles, this.base.model);
  }

  /**
   * What a run leaves whose last cycle is `current`: one LoRA of all cycles where each has factors, else the last cycle with
   * the merged ones beside it. Null when nothing was merged.
   */
  async finalAdapter({ plan, parameters, saveOptions }: CycleParts): Promise<FinalAdapter | null> {
    if (this.cycles.length === 0) return null;
    const cycle = this.cycles.length + 1;
    const stacked = await stackedCycles(this.first.model, this.cycles, { plan, values: parameters });
    if (!stacked) {
      const note = `adapter/ holds the adapter of cycle ${cycle} and beside it what was merged before; other programs refuse it, merge or convert it for them`;
      return { plan, values: parameters, options: saveOptions, note };
    }
    const { restarts: _, preserve, ...options } = saveOptions;
    const kept = preserve !== undefined && { preserve: keptKeys(preserve) };
    const note = `adapter/ is one LoRA of rank ${Number(stacked.plan.config['r'])} that holds all ${cycle} cycles`;
    return { ...stacked, options: { ...options, ...kept }, note };
  }

  /** Removes the merged weights; they can be made again. */
  dispose(): void {
    this.base?.dispose();
    this.base = null;
    rmSync(this.folder, { recursive: true, force: true });
  }

  private begin(cycles: readonly MergedCycle[], model: BaseModel): CycleParts {
    this.cycles = cycles;
    const { config, saveOptions } = this.first;
    const cycle = cycles.length + 1;
    const plan = this.planOf(cycle);
    const seed = createRandom(config.training.seed, cycle).uint32();
    const parameters = new Parameters(plan).initialise(model, seed);
    const written = storedAdapter(plan).plan.config;
    const merged = cycles.map((c) => changedFields(c.config, written));
    const step = cycles.length * this.settings.every;
    const state = { version: 1, cycle, ...describeSettings(config, this.settings), step, merged } as const;
    return { model, plan, parameters, saveOptions: { ...saveOptions, restarts: { state, cycles } } };
  }

  private planOf(cycle: number): AdapterPlan {
    const { model, plan } = this.first;
    return planOfCycle(plan.method, plan.config, model, cycle, this.settings.types);
  }

  private fileOf(cycle: number): string {
    return path.join(this.folder, `after-cycle-${String(cycle).padStart(4, '0')}.safetensors`);
  }
}

function valuesOf(values: TensorValues, key: string): Float32Array {
  const data = values.get(key);
  if (!data) throw new KernelError('internal', `no values for ${key}`);
  return data;
}
