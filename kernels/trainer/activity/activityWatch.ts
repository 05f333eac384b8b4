/**
 * @file Watches whether the method of a run is really active: keeps where it started, measures the update of some steps, and computes
 * the figures of the method, of the optimiser's rules and of every run. All of it on the host, at the cadence of the spectra.
 */
import type { Figure } from '../../adapters/activity';
import type { AdaptedLayer } from '../../adapters/plan';
import { SHARED_MODULE } from '../../adapters/plan';
import type { ActivityFigure, ActivityRecord, SpectrumRecord } from '../../protocol/types';
import { fillRule } from '../../protocol/activity';
import type { AdamW } from '../adamw';
import type { OptimiserGroup } from '../optimiserGroups';
import { optimiserGroups, rangesOf } from '../optimiserGroups';
import type { PreparedRun } from '../prepare';
import type { WatchFinding } from '../watchdog';
import type { RunActivity, StepUpdate } from './generalFigures';
import { generalFigures } from './generalFigures';
import { loraPlusFigures } from './loraPlusFigures';
import { activityRecord } from './recordActivity';
import { TensorWatch } from './tensorWatch';

export class ActivityWatch {
  private readonly tensors: TensorWatch;
  private readonly groups: readonly OptimiserGroup[];
  private readonly told = new Set<string>();
  /** The latest that was measured. */
  private update: StepUpdate | undefined;

  /** To be made before the first step, and before a checkpoint is loaded. */
  constructor(private readonly prepared: Pick<PreparedRun, 'plan' | 'parameters' | 'model' | 'config'>) {
    // The rule of the configuration: what the optimiser really gets is what is held against it.
    this.groups = optimiserGroups(prepared.plan, prepared.config.training);
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

  /** The figures of a step, `updates` of which had a learning rate above 0. `spectra`: those of the same step. */
  record(step: number, updates: number, spectra: readonly SpectrumRecord[]): ActivityRecord {
    const { plan, config } = this.prepared;
    const values = new Map(spectra.map((s) => [s.module, s.singular_values]));
    const context: RunActivity = {
      step,
      updates,
      config: plan.config,
      layers: plan.layers.map((layer) => this.layer(layer, values)),
      shared: this.shared(),
      trained: plan.trained,
      hasChanged: (tensor) => this.tensors.hasChanged(tensor),
      update: this.update,
      loraplusRatio: config.training.loraplus_lr_ratio,
    };
    const figures: readonly Figure<RunActivity>[] = [...plan.method.activity, ...loraPlusFigures, ...generalFigures];
    return activityRecord(figures, context);
  }

  /** What is red and was not before, to be told. */
  findings({ figures }: ActivityRecord): readonly WatchFinding[] {
    const news = figures.filter(({ id, verdict }) => verdict === 'red' && !this.told.has(id));
    news.forEach(({ id }) => this.told.add(id));
    return news.map((figure) => ({ watch: 'inactive', reason: inWords(figure), action: ACTION }));
  }

  private layer({ site, config, params }: AdaptedLayer, spectra: ReadonlyMap<string, readonly number[]>) {
    const names = Object.keys(params);
    const start = Object.fromEntries(names.map((name) => [name, this.tensors.start(`${site.path}.${name}`)]));
    const now = this.prepared.parameters.layer(site.path, names);
    return { site, config, now, start, singularValues: spectra.get(site.path) };
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

function inWords({ label, value, rule, rule_values: values, where }: ActivityFigure): string {
  const place = where === undefined ? '' : ` (${where})`;
  return `${label}: ${value ?? 'no number'}${place}; expected: ${fillRule(rule, values)}`;
}
