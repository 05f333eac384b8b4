/**
 * @file Watches whether the method of a run is really active: keeps where it started, measures the update of some steps, and computes
 * the figures of the method, of the optimiser's rules and of every run. All of it on the host, at the cadence of the spectra.
 */
import type { ActivityLayer, Figure } from '../../adapters/activity';
import type { AdaptedLayer } from '../../adapters/plan';
import { SHARED_MODULE } from '../../adapters/plan';
import { layersBefore } from '../../adapters/chains';
import type { ActivityFigure, ActivityRecord, RestartRecord, SpectrumRecord } from '../../protocol/types';
import { figureTexts, ruleInWords } from '../../protocol/activity';
import type { AdamW } from '../adamw';
import type { Divergence } from '../divergence';
import type { OptimiserGroup } from '../optimiserGroups';
import { optimiserGroups, rangesOf } from '../optimiserGroups';
import type { PreparedRun } from '../prepare';
import { restartFigures } from './restartFigures';
import type { WatchFinding } from '../watchdog';
import type { RunActivity, StepUpdate } from './generalFigures';
import { generalFigures } from './generalFigures';
import type { LayerProbes } from './layerProbe';
import { LayerProbe } from './layerProbe';
import { loraPlusFigures } from './loraPlusFigures';
import { activityRecord } from './recordActivity';
import { TensorWatch } from './tensorWatch';
import { withNote } from './verdictNotes';

export interface RecordedStep {
  readonly step: number;
  /** Updates of this adapter so far that had a learning rate above 0. */
  readonly updates: number;
  /** Those of the same step. */
  readonly spectra: readonly SpectrumRecord[];
  readonly restarts: readonly RestartRecord[];
  /** No step comes after it. */
  readonly isEnd: boolean;
  readonly divergence: Divergence | null;
}

export class ActivityWatch {
  private readonly tensors: TensorWatch;
  private readonly groups: readonly OptimiserGroup[];
  /** Of the files of a base model that is trained in part. */
  private readonly digest: string;
  private readonly probe: LayerProbe;
  /** The latest that was measured. */
  private update: StepUpdate | undefined;

  /** To be made before the first step, and before a checkpoint is loaded. */
  constructor(
    private readonly prepared: Pick<
      PreparedRun,
      'plan' | 'parameters' | 'model' | 'config' | 'device' | 'threads' | 'train' | 'totalSteps'
    >,
  ) {
    // The rule of the configuration: what the optimiser really gets is what is held against it.
    this.groups = optimiserGroups(prepared.plan, prepared.config.training);
    const trainsBase = prepared.plan.trained.some(({ kind }) => kind === 'base');
    this.digest = trainsBase ? prepared.model.checkpoint.sampledDigest() : '';
    this.probe = new LayerProbe(prepared, prepared.train.batchesOf(1)[0]);
    this.tensors = new TensorWatch(prepared.plan, prepared.parameters, prepared.model);
  }

  /** Before the update of a step that is recorded. */
  beforeUpdate(): void {
    this.tensors.beforeUpdate();
  }

  /** After it. `learningRate` is that of the schedule; an update with rate 0 shows nothing, the one before stays. */
  afterUpdate(gradient: Float32Array, optimiser: AdamW, learningRate: number): void {
    if (learningRate === 0) return;
    const { weight_decay: weightDecay } = this.prepared.config.training;
    const rates = new Map(
      this.groups.flatMap((group) => {
        const ranges = rangesOf([group], learningRate, weightDecay);
        return group.tensors.map((tensor, i) => [tensor.key, ranges[i]?.learningRate ?? NaN] as const);
      }),
    );
    this.update = { learningRate, rates, tensors: this.tensors.afterUpdate(gradient, optimiser, weightDecay) };
  }

  /** The figures of a step. */
  async record({ step, updates, spectra, restarts, isEnd, divergence }: RecordedStep): Promise<ActivityRecord> {
    const { plan, config, model, totalSteps } = this.prepared;
    const values = new Map(spectra.filter(({ of }) => !of).map((s) => [s.module, s.singular_values]));
    // Before the first update a fresh adapter does nothing yet.
    const probes: LayerProbes = updates > 0 ? await this.probe.run() : new Map();
    const context: RunActivity = {
      step,
      updates,
      config: plan.config,
      layers: this.layers(values, probes),
      shared: this.shared(),
      trained: plan.trained,
      hasChanged: (tensor) => this.tensors.hasChanged(tensor),
      update: this.update,
      baseDigest: { start: this.digest, now: () => model.checkpoint.sampledDigest() },
      settings: config,
      totalSteps,
      restarts,
    };
    const figures: readonly Figure<RunActivity>[] = [
      ...plan.method.activity,
      ...restartFigures,
      ...loraPlusFigures,
      ...generalFigures,
    ];
    return withNote(activityRecord(figures, context), { updates, isEnd, divergence });
  }

  /** What is red and is not in `told`, into which it goes. */
  findings({ figures }: ActivityRecord, told: Set<string>): readonly WatchFinding[] {
    const news = figures.filter(({ id, verdict }) => verdict === 'red' && !told.has(id));
    news.forEach(({ id }) => told.add(id));
    return news.map((figure) => ({ watch: 'inactive', reason: inWords(figure), action: ACTION }));
  }

  async dispose(): Promise<void> {
    await this.probe.dispose();
  }

  private layers(spectra: ReadonlyMap<string, readonly number[]>, probes: LayerProbes): readonly ActivityLayer[] {
    const { plan, parameters } = this.prepared;
    const made = new Map<AdaptedLayer, ActivityLayer>();
    for (const layer of plan.layers) {
      const { site, config, params } = layer;
      const names = Object.keys(params);
      made.set(layer, {
        site,
        config,
        now: parameters.layer(site.path, names),
        start: Object.fromEntries(names.map((name) => [name, this.tensors.start(`${site.path}.${name}`)])),
        singularValues: spectra.get(site.path),
        probes: probes.get(site.path) ?? null,
        previous: (back) => {
          const before = layersBefore(plan, layer)[back - 1];
          return (before && made.get(before)) ?? null;
        },
      });
    }
    return [...made.values()];
  }

  private shared(): RunActivity['shared'] {
    const all = Object.entries(this.prepared.parameters.shared);
    return Object.fromEntries(
      all.map(([name, now]) => [name, { now, start: this.tensors.start(`${SHARED_MODULE}.${name}`) }]),
    );
  }
}

const ACTION =
  'Training goes on, but the method does not do what it says: stop the run and look at its Activity before you trust its adapter.';

function inWords(figure: ActivityFigure): string {
  const { label, where } = figure;
  const place = where === undefined ? '' : ` (${where})`;
  return `${label}: ${figureTexts(figure).value ?? 'no number'}${place}; expected: ${ruleInWords(figure)}`;
}
