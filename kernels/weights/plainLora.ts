/** @file Factors of every adapted layer as one plain LoRA, which PEFT and what reads its files load. */
import { lora } from '../adapters/methods/lora';
import type { AdapterPlan, PlannedModel } from '../adapters/plan';
import { planAdapter } from '../adapters/plan';
import type { TensorValues } from '../adapters/storedAdapter';
import { KernelError } from '../protocol/errors';
import { withDefaults } from '../util/fields';

/** scaling·B·A with A [rank, in] and B [out, rank]. */
export interface PlainFactors {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly rank: number;
  /** 1 unless told. */
  readonly scaling?: number;
  /** What the adapter adds to the bias of the layer. */
  readonly bias: Float32Array | null;
}

export interface PlainLora {
  readonly plan: AdapterPlan;
  readonly values: ReadonlyMap<string, Float32Array>;
}

/**
 * `factors`: of each layer of `plan`, by module; what `plan` trains of the base model goes on with its `values`. The largest rank
 * stands as `r` in any case. `hasOneRank`: what has less is filled with zeros, since not every engine reads patterns; the scaling
 * is then the same everywhere.
 */
export function plainLora(
  model: PlannedModel,
  plan: AdapterPlan,
  values: TensorValues,
  factors: ReadonlyMap<string, PlainFactors>,
  { hasOneRank }: { readonly hasOneRank: boolean },
): PlainLora {
  const converted = loraPlan(model, plan, factors, hasOneRank);
  return { plan: converted, values: tensorValues(plan, values, factors, converted) };
}

function loraPlan(
  model: PlannedModel,
  { selection }: AdapterPlan,
  factors: ReadonlyMap<string, PlainFactors>,
  hasOneRank: boolean,
): AdapterPlan {
  const all = [...factors];
  const [largest] = all.map(([, part]) => part).sort((one, other) => other.rank - one.rank);
  const r = largest?.rank ?? 1;
  const alphaOf = ({ rank, scaling = 1 }: Pick<PlainFactors, 'rank' | 'scaling'>): number => scaling * rank;
  const alpha = alphaOf(largest ?? { rank: r });
  const others = hasOneRank ? [] : all;
  const { targetModules, excludeModules, layersToTransform, layersPattern, modulesToSave, bias } = selection;
  const config = withDefaults(lora.config, {
    r,
    lora_alpha: alpha,
    rank_pattern: Object.fromEntries(others.flatMap(([module, { rank }]) => (rank === r ? [] : [[module, rank]]))),
    alpha_pattern: Object.fromEntries(
      others.flatMap(([module, part]) => (alphaOf(part) === alpha ? [] : [[module, alphaOf(part)]])),
    ),
    lora_bias: [...factors.values()].some(({ bias: added }) => added !== null),
    target_modules: targetModules,
    ...(excludeModules !== null && { exclude_modules: excludeModules }),
    ...(layersToTransform !== null && { layers_to_transform: layersToTransform }),
    ...(layersPattern.length > 0 && { layers_pattern: layersPattern }),
    modules_to_save: modulesToSave,
    bias,
  });
  return planAdapter(lora, config, model, () => {});
}

function tensorValues(
  { trained }: AdapterPlan,
  parameters: TensorValues,
  factors: ReadonlyMap<string, PlainFactors>,
  converted: AdapterPlan,
): ReadonlyMap<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const { key, kind } of trained) {
    const data = parameters.get(key);
    if (kind === 'base' && data) values.set(key, data);
  }
  for (const { site, params } of converted.layers) {
    const part = factors.get(site.path);
    const rank = params['lora_A']?.shape[0];
    if (!part || rank === undefined) throw new KernelError('internal', `${site.path} was not converted`);
    const { a, b } = filledUp(part, rank);
    values.set(`${site.path}.lora_A`, a);
    values.set(`${site.path}.lora_B`, b);
    if (part.bias) values.set(`${site.path}.lora_B.bias`, part.bias);
  }
  return values;
}

/** Rows of zeros below A, columns of zeros beside B. */
function filledUp({ a, b, rank: own }: PlainFactors, rank: number): Pick<PlainFactors, 'a' | 'b'> {
  if (own === rank) return { a, b };
  const wider = new Float32Array((b.length / own) * rank);
  for (let row = 0; row * own < b.length; row++) wider.set(b.subarray(row * own, (row + 1) * own), row * rank);
  const longer = new Float32Array((a.length / own) * rank);
  longer.set(a);
  return { a: longer, b: wider };
}

/** What a configuration says beside its method (which kind of model, which revision of the base), for `SaveOptions.preserve`. */
export function keptKeys(configText: string): string {
  const config = JSON.parse(configText) as Readonly<Record<string, unknown>>;
  const kept = ['task_type', 'revision'].filter((key) => config[key] !== undefined && config[key] !== null);
  return JSON.stringify(Object.fromEntries(kept.map((key) => [key, config[key]])));
}
