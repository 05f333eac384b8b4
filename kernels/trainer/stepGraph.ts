/**
 * @file The graph of one micro-batch: forward, loss over the supervised positions, and the backward pass to every trained
 * tensor; or the forward pass alone, for evaluation and for logits. One graph belongs to one batch shape.
 */
import type { AdapterPlan, PlannedTensor } from '../adapters/plan';
import { layersBefore } from '../adapters/chains';
import type { AdapterValues } from '../adapters/applyAdapter';
import { adaptedLinear, plainLinear } from '../adapters/applyAdapter';
import type { BuiltHead } from '../adapters/head';
import { buildHead } from '../adapters/head';
import { fuseGemmAdd } from '../graph/fuseGemmAdd';
import { grad } from '../graph/grad';
import type { Value } from '../graph/graph';
import { bool, f32, Graph, i32 } from '../graph/graph';
import { dropout, gatherRows, mul, sumAll } from '../graph/ops';
import type { Program } from '../graph/program';
import { programOf } from '../graph/program';
import { verify } from '../graph/verify';
import type { BaseModel } from '../models/baseModel';
import { frozenWeight } from '../models/baseModel';
import type { ApplyLinear, WeightSource } from '../models/types';

export interface BatchShape {
  readonly batch: number;
  readonly length: number;
  /** Positions whose hidden state goes through the head. */
  readonly rows: number;
}

export type GraphKind =
  /** `loss` and one `grad:<key>` per trained tensor. */
  | 'train'
  /** `loss` alone; beside the `logits` of a sequence head, of which an evaluation makes its metrics. */
  | 'loss'
  /** `logits` [rows, vocabulary or labels]. */
  | 'logits';

export interface GraphRequest {
  readonly kind: GraphKind;
  readonly shape: BatchShape;
  readonly model: BaseModel;
  /** Without a plan: the plain base model. */
  readonly plan: AdapterPlan | null;
  /** Adds an input `padding_bias` [batch, length], for batches padded on the left. Encoders always have it. */
  readonly hasPaddingBias?: boolean;
}

export const gradientName = (tensor: PlannedTensor): string => `grad:${tensor.key}`;
export const maskName = (module: string, term = 0): string => `${module}.dropout_mask${term === 0 ? '' : `.${term}`}`;

/** A measured scalar among the outputs. */
export const measureName = (key: string): string => `measure:${key}`;

/** Tensors of a plan that the forward pass gets anew at each run. */
export const fedTensors = (plan: AdapterPlan | null): readonly PlannedTensor[] =>
  [...(plan?.trained ?? []), ...(plan?.frozen ?? [])].filter((t) => !t.isMeasured);

export interface DroppedLayer {
  readonly path: string;
  readonly width: number;
  readonly probability: number;
  /** Masks of this layer. */
  readonly terms: number;
  /** The head sees the rows of the graph that carry loss, other layers every token. */
  readonly isInHead: boolean;
}

/** Adapted layers whose branch has dropout while training: their masks are inputs of the graph. */
export function dropoutLayers(plan: AdapterPlan): readonly DroppedLayer[] {
  const { method } = plan;
  return plan.layers.flatMap((layer) => {
    const { site, config } = layer;
    const probability = method.dropout(config);
    // Embeddings have no dropout.
    if (probability === 0 || site.kind === 'embedding') return [];
    const terms = method.dropoutTerms?.(config, layersBefore(plan, layer).length) ?? 1;
    return [{ path: site.path, width: site.inFeatures, probability, terms, isInHead: site.layer < 0 }];
  });
}

/**
 * Inputs: `ids` i32[batch·length], `rows` i32[rows] (positions in the flattened batch), for a loss `labels` i32[rows] (f32
 * for a regression) and `row_weights` f32[rows] (the loss is Σ weight · loss of the row; a padded row has weight 0), and every
 * adapter and trained tensor by its key. Of an encoder also `positions`, `token_types` i32[batch·length].
 */
export function buildGraph({ kind, shape, model, plan, hasPaddingBias = false }: GraphRequest): Program {
  const { batch, length, rows: rowCount } = shape;
  const graph = new Graph();
  const ids = graph.input('ids', i32(batch * length));
  const rows = graph.input('rows', i32(rowCount));
  const probabilities = new Map(
    kind === 'train' && plan ? dropoutLayers(plan).map((l) => [l.path, l.probability] as const) : [],
  );
  const measured: Record<string, Value> = {};
  const { weights, linear, head } = modelParts(graph, model, plan, {
    dropout: (site, v, term) => {
      const p = probabilities.get(site.path);
      if (p === undefined) return v;
      return dropout(v, graph.input(maskName(site.path, term), bool(v.type.shape[0] ?? 0, site.inFeatures)), p);
    },
    ...(kind === 'train' && { measure: (key: string, value: Value) => void (measured[measureName(key)] = value) }),
  });
  const { encoder } = model.architecture;
  const hidden = model.architecture.hidden(
    model.config,
    {
      graph,
      ids,
      batch,
      length,
      ...((hasPaddingBias || encoder) && { paddingBias: graph.input('padding_bias', f32(batch, length)) }),
      ...(encoder && { positions: graph.input('positions', i32(batch * length)) }),
      ...(encoder &&
        encoder.tokenTypes(model.config) > 1 && { tokenTypes: graph.input('token_types', i32(batch * length)) }),
    },
    weights,
    linear,
  );
  const picked = graph.scoped('head', () => gatherRows(hidden, rows));
  if (kind === 'logits') {
    return finish(programOf({ logits: graph.scoped('head', () => head.logits(picked)) }));
  }
  const answers = model.task.kind === 'next-token' ? null : graph.scoped('head', () => head.logits(picked));
  const loss = graph.scoped('head', () => {
    const each = head.loss(answers, picked, graph.input('labels', head.labelType(rowCount)));
    return sumAll(mul(each, graph.input('row_weights', f32(rowCount))));
  });
  if (kind === 'loss') return finish(programOf({ loss, ...(answers && { logits: answers }) }));
  const trained = plan?.trained ?? [];
  const gradients = grad(
    loss,
    trained.map((t) => weights.get(t.key)),
  );
  const outputs: Record<string, Value> = { loss, ...measured };
  trained.forEach((t, i) => {
    const gradient = gradients[i];
    if (gradient) outputs[gradientName(t)] = gradient;
  });
  return finish(programOf(outputs));
}

/**
 * The weights of a model in a graph (an input by its key where the plan trains or adds one, else mapped from its file), its
 * linear layers with the adapter on them, and its head.
 */
export function modelParts(
  graph: Graph,
  model: BaseModel,
  plan: AdapterPlan | null,
  training: Pick<AdapterValues, 'dropout' | 'measure' | 'observe'> = { dropout: (_, v) => v },
): { readonly weights: WeightSource; readonly linear: ApplyLinear; readonly head: BuiltHead } {
  const params = new Map<string, Value>();
  for (const t of fedTensors(plan)) params.set(t.key, graph.input(t.key, f32(...t.shape)));
  const base: WeightSource = { get: (name) => frozenWeight(graph, model, name) };
  const param = (key: string): Value => params.get(key) ?? base.get(key);
  const weights: WeightSource = { get: param };
  const linear = plan ? adaptedLinear(plan, weights, { param, frozen: base, ...training }) : plainLinear(weights);
  return { weights, linear, head: buildHead(model, plan, { weights, base, linear }) };
}

/** Checked and fused, as every program is before it is compiled. */
export function finish(program: Program): Program {
  verify(program, 'building');
  const fused = fuseGemmAdd(program);
  verify(fused, 'fuseGemmAdd');
  return fused;
}
