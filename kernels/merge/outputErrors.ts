/**
 * @file How far each layer's output is from the adapter's when a merged weight stands in for it, over calibration samples:
 * ‖h_merged − h‖/‖h‖ with h as it is in the model with the adapter. For methods whose merge only comes close, in every way
 * they can be merged.
 */
import * as l10n from '@vscode/l10n';
import type { TensorValues } from '../adapters/adapterFile';
import { adaptedLinear, baseWeight } from '../adapters/applyAdapter';
import type { AdaptedLayer, AdapterPlan } from '../adapters/plan';
import { replanned, SHARED_MODULE } from '../adapters/plan';
import { layersBefore } from '../adapters/chains';
import { fuseGemmAdd } from '../graph/fuseGemmAdd';
import type { Value } from '../graph/graph';
import { f32, Graph } from '../graph/graph';
import { gatherRows, gemm, mul, sub, sumAll } from '../graph/ops';
import { programOf } from '../graph/program';
import { verify } from '../graph/verify';
import type { BaseModel } from '../models/baseModel';
import { frozenWeight } from '../models/baseModel';
import type { TargetSite, WeightSource } from '../models/types';
import { textInputs } from '../models/textInputs';
import { KernelError } from '../protocol/errors';
import type { WayError } from '../protocol/types';
import { runInPieces } from '../runtime/runInPieces';
import { parameterFeeds, type ProofOptions } from './proof';

const PIECE_BYTES = 48e6;

/** What a merge of this plan can be done by; the one that its configuration says, where there is no choice. */
export function waysOf({
  method,
  config,
}: AdapterPlan): { readonly key: string; readonly ways: readonly string[] } | null {
  return method.mergeWays?.(config) ?? null;
}

/** The same plan merged another way. Throws `input/refused` for a way that there is not, or where there is no choice. */
export function mergedBy(plan: AdapterPlan, way: string): AdapterPlan {
  const choice = waysOf(plan);
  if (choice?.ways.includes(way)) return replanned(plan, { ...plan.config, [choice.key]: way });
  const found = l10n.t('this adapter cannot be merged by {0}', way);
  throw new KernelError(
    'input/refused',
    l10n.t(
      '{0}; expected {1}',
      found,
      choice ? choice.ways.join(', ') : l10n.t('no way to be given: its merge is one'),
    ),
  );
}

/** One entry for each way, in their order; `samples`: token ids, each of one row. */
export async function outputErrors(
  model: BaseModel,
  plan: AdapterPlan,
  parameters: TensorValues,
  samples: readonly (readonly number[])[],
  { threads, signal, onProgress }: ProofOptions,
): Promise<readonly WayError[]> {
  const { ways } = waysOf(plan) ?? { ways: [] };
  const plans = ways.map((way) => [way, mergedBy(plan, way)] as const);
  const program = errorProgram(model, plan, plans, samples);
  const found = await runInPieces(program, parameterFeeds({ model, plan, parameters }), {
    device: 'cpu',
    threads,
    weightsFolder: model.weightFiles.folder,
    maxWeightBytes: PIECE_BYTES,
    ...(signal && { signal }),
    ...(onProgress && { onPiece: (done: number, count: number) => onProgress(done / count) }),
  });
  const valueOf = (name: string): number => found.get(name)?.[0] ?? NaN;
  return ways.map((way) => {
    const layers = plan.layers.map(({ site: { path: module } }) => {
      return { module, error: Math.sqrt(valueOf(`${way} ${module}`) / valueOf(`own ${module}`)) };
    });
    const errors = layers.map(({ error }) => error);
    return {
      way,
      mean: errors.reduce((sum, error) => sum + error, 0) / errors.length,
      largest: errors.reduce((most, error) => Math.max(most, error), 0),
      layers,
    };
  });
}

/** Of each layer the squares of its output, and of the difference that each way makes, summed over all positions. */
function errorProgram(
  model: BaseModel,
  plan: AdapterPlan,
  plans: readonly (readonly [way: string, plan: AdapterPlan])[],
  samples: readonly (readonly number[])[],
) {
  const graph = new Graph();
  const length = Math.max(...samples.map((ids) => ids.length));
  const positions = samples.flatMap((ids, i) => ids.map((_, at) => i * length + at));
  const places = graph.constant(Int32Array.from(positions), [positions.length]);
  const inputs = new Map([...plan.trained, ...plan.frozen].map((t) => [t.key, graph.input(t.key, f32(...t.shape))]));
  const param = (key: string): Value => inputs.get(key) ?? frozenWeight(graph, model, key);
  const weights: WeightSource = { get: param };
  const merged = new Map(plans.map(([way, p]) => [way, new Map(p.layers.map((l) => [l.site.path, l]))]));
  const linear = adaptedLinear(plan, weights, { param, dropout: (_, v) => v });
  const outputs: Record<string, Value> = {};
  const measured = (site: TargetSite, x: Value): Value => {
    const y = linear(site, x);
    // An embedding is looked up like a layer, but gets token ids; no method that only comes close adapts it.
    if (!plan.layers.some((layer) => layer.site.path === site.path)) return y;
    const [input, own] = [gatherRows(x, places), gatherRows(y, places)];
    const bias = site.bias === null ? {} : { c: weights.get(site.bias) };
    for (const [way, p] of plans) {
      const layer = merged.get(way)?.get(site.path);
      if (!layer) return y;
      const stand = gemm(input, mergedWeight(p, layer, weights, param), { transB: true, ...bias });
      const difference = sub(stand, own);
      outputs[`${way} ${site.path}`] = sumAll(mul(difference, difference));
    }
    outputs[`own ${site.path}`] = sumAll(mul(own, own));
    return y;
  };
  model.architecture.hidden(model.config, textInputs(graph, model, samples), weights, measured);
  const program = fuseGemmAdd(programOf(outputs));
  verify(program, 'fuseGemmAdd');
  return program;
}

function mergedWeight(
  plan: AdapterPlan,
  layer: AdaptedLayer,
  weights: WeightSource,
  param: (key: string) => Value,
): Value {
  const valuesOf = ({ site, params }: AdaptedLayer): Readonly<Record<string, Value>> =>
    Object.fromEntries(Object.keys(params).map((name) => [name, param(`${site.path}.${name}`)]));
  const shared = [...plan.trained, ...plan.frozen].filter((t) => t.module === SHARED_MODULE);
  const before = layersBefore(plan, layer);
  const { mergedWeight: formula } = plan.method;
  if (!formula) throw new KernelError('internal', l10n.t('{0} has no merge', plan.method.label));
  return formula(
    baseWeight(layer.site, weights),
    valuesOf(layer),
    layer.config,
    Object.fromEntries(shared.map((t) => [t.param, param(t.key)])),
    (back) => {
      const other = before[back - 1];
      return other ? { baseWeight: () => baseWeight(other.site, weights), params: valuesOf(other) } : null;
    },
  );
}
