/**
 * @file The two graphs of text generation: the prompt, whose keys and values are kept, and one more token of each text, which
 * reads them. Both go through the blocks and the adapter of the graphs that train.
 */
import type { AdapterPlan } from '../adapters/plan';
import type { Value } from '../graph/graph';
import { f32, Graph, i32 } from '../graph/graph';
import { concat, gatherRows } from '../graph/ops';
import type { Program } from '../graph/program';
import { programOf } from '../graph/program';
import type { BaseModel } from '../models/baseModel';
import type { KeysAndValues, ModelInputs, PastInputs } from '../models/types';
import { KernelError } from '../protocol/errors';
import { finish, modelParts } from './stepGraph';

interface Request {
  readonly model: BaseModel;
  readonly plan: AdapterPlan | null;
}

/** Texts at the same time, and positions there is room for in each. */
export interface DecodeShape {
  readonly batch: number;
  readonly capacity: number;
}

/**
 * Inputs: `ids` i32[length], padded on the right, and `rows` i32[1], the last token's position. Outputs: `logits`
 * [1, vocabulary], and `kept` [2·layers, kvHeads, length, headDim], keys and values of each layer by turns.
 */
export function buildPrefillGraph({ model, plan, length }: Request & { readonly length: number }): Program {
  const graph = new Graph();
  const ids = graph.input('ids', i32(length));
  return forward(graph, model, plan, { graph, ids, batch: 1, length }, graph.input('rows', i32(1)));
}

/**
 * Inputs: `ids` and `positions` i32[batch], a `past_bias` f32[batch, capacity] for each window that layers see, and
 * `past_keys.<layer>`, `past_values.<layer>` [batch, kvHeads, capacity, headDim]. Outputs: `logits` [batch, vocabulary], `kept` [2·layers · batch, kvHeads, 1, headDim].
 */
export function buildDecodeGraph({ model, plan, batch, capacity }: Request & DecodeShape): Program {
  const graph = new Graph();
  const shape = model.architecture.kept?.(model.config);
  if (!shape) throw new KernelError('internal', `${model.architecture.id} keeps nothing of earlier positions`);
  const ids = graph.input('ids', i32(batch));
  const biases = new Map<string, Value>();
  const type = f32(batch, shape.kvHeads, capacity, shape.headDim);
  const past: PastInputs = {
    capacity,
    positions: graph.input('positions', i32(batch)),
    bias: (window) => {
      const name = pastBias(visibleWindow(window, capacity));
      const input = biases.get(name) ?? graph.input(name, f32(batch, capacity));
      biases.set(name, input);
      return input;
    },
    layer: (layer) => ({
      keys: graph.input(pastKeys(layer), type),
      values: graph.input(pastValues(layer), type),
    }),
  };
  return forward(graph, model, plan, { graph, ids, batch, length: 1, past }, null);
}

/** The mask of the positions that a window sees; null: of all. */
export const pastBias = (window: number | null): string => (window === null ? 'past_bias' : `past_bias.${window}`);

/** A window that leaves nothing out of `capacity` earlier positions is none. */
export const visibleWindow = (window: number | null, capacity: number): number | null =>
  window === null || window > capacity ? null : window;

export const pastKeys = (layer: number): string => `past_keys.${layer}`;
export const pastValues = (layer: number): string => `past_values.${layer}`;

/** `rows`: the positions that go through the head; null: all. */
function forward(
  graph: Graph,
  model: BaseModel,
  plan: AdapterPlan | null,
  inputs: Omit<ModelInputs, 'keep'>,
  rows: Value | null,
): Program {
  const { weights, linear, head } = modelParts(graph, model, plan);
  const layers: KeysAndValues[] = [];
  const keep = (layer: number, kept: KeysAndValues): void => void (layers[layer] = kept);
  const hidden = model.architecture.hidden(model.config, { ...inputs, keep }, weights, linear);
  const picked = rows ? gatherRows(hidden, rows) : hidden;
  const logits = graph.scoped('head', () => head.logits(picked));
  // One output instead of two for each layer: each has its price in the runtime.
  const kept = concat(
    layers.flatMap(({ keys, values }) => [keys, values]),
    0,
  );
  return finish(programOf({ logits, kept }));
}
