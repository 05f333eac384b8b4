/**
 * @file The cycles of a run with restarts as far as its memory depends on them: a later one reads the merged weights in float32
 * (`weights/cycleBase.ts`), may have another operator, and stands beside the adapters that were merged before.
 */
import type { AdapterPlan } from '../adapters/plan';
import { planOfCycle } from '../adapters/restarts';
import type { ResolvedConfig } from '../config/loadConfig';
import type { BaseModel } from '../models/baseModel';
import { restartSettings } from '../trainer/restartSettings';
import { plannedCycleBase } from '../weights/cycleBase';

export interface PlannedCycle {
  readonly model: BaseModel;
  readonly plan: AdapterPlan;
  /** Adapters that were merged before it and are kept: the most of all cycles that are alike. */
  readonly merged: number;
}

/** After so many cycles all operators have had their turn. */
const MOST_KINDS = 8;

/** One of each kind. Without the number of steps the cycles cannot be counted: two then stand for all. */
export function plannedCycles(
  { relora }: Pick<ResolvedConfig, 'relora'>,
  model: BaseModel,
  plan: AdapterPlan,
  totalSteps: number | undefined,
): readonly PlannedCycle[] {
  const settings = restartSettings({ relora });
  const first = { model, plan, merged: 0 };
  if (!settings) return [first];
  const merged = totalSteps === undefined ? 1 : Math.floor((totalSteps - 1) / settings.every);
  const kinds = new Map<string, PlannedCycle>();
  for (let cycle = 2; cycle <= Math.min(MOST_KINDS, merged + 1); cycle++) {
    const own = planOfCycle(plan.method, plan.config, model, cycle, settings.types);
    kinds.set(JSON.stringify(own.config), { model: plannedCycleBase(model, own), plan: own, merged });
  }
  return [first, ...kinds.values()];
}
