/**
 * @file Looks into the adapted layers of the first blocks, the embedding and the head while a few tokens of the data pass through
 * them: what the method's probes see there, and whether a layer computes what its merged weight says. The graph has no block beyond
 * the probed ones, so its cost is bounded.
 */
import { isTooLargeToCompare, probeOutputs } from './probeOutputs';
import { isHeadAdapted } from '../../adapters/head';
import type { AdapterPlan } from '../../adapters/plan';
import type { BaseModel } from '../../models/baseModel';
import type { Value } from '../../graph/graph';
import { Graph } from '../../graph/graph';
import { gatherRows } from '../../graph/ops';
import { encodeOnnx } from '../../graph/onnx/encode';
import type { Program } from '../../graph/program';
import { programOf } from '../../graph/program';
import { textInputs } from '../../models/textInputs';
import { ortRuntime } from '../../runtime/ort';
import type { Feeds, HostTensor, Session } from '../../runtime/types';
import type { TrainBatch } from '../batchStream';
import type { PreparedRun } from '../prepare';
import { fedTensors, finish, modelParts } from '../stepGraph';

/** Blocks with adapted layers that are probed, from the first one on. */
const BLOCKS = 6;
/** Tokens that are passed through them. */
export const PROBED_TOKENS = 32;
/** Of these, tokens whose logits are made where the head is adapted: each is as wide as the vocabulary. */
const HEAD_TOKENS = 4;

/** By module, then by the name of the scalar. */
export type LayerProbes = ReadonlyMap<string, Readonly<Record<string, number>>>;

export class LayerProbe {
  private compiled: Promise<{ readonly session: Session; readonly inputs: ReadonlySet<string> }> | undefined;
  private readonly ids: Int32Array;

  constructor(
    private readonly prepared: Pick<PreparedRun, 'plan' | 'parameters' | 'model' | 'device' | 'threads'>,
    batch: TrainBatch | undefined,
  ) {
    this.ids = batch?.inputIds.slice(0, Math.min(PROBED_TOKENS, batch.length)) ?? new Int32Array();
  }

  async run(): Promise<LayerProbes> {
    if (this.ids.length === 0 || this.prepared.plan.layers.length === 0) return new Map();
    const { session, inputs } = await (this.compiled ??= this.compile());
    const probes = new Map<string, Record<string, number>>();
    for (const [name, [value]] of Object.entries(await session.run(this.feeds(inputs)))) {
      const at = name.lastIndexOf(' ');
      const module = name.slice(0, at);
      const own = probes.get(module) ?? {};
      own[name.slice(at + 1)] = value ?? NaN;
      probes.set(module, own);
    }
    return probes;
  }

  async dispose(): Promise<void> {
    await (await this.compiled)?.session.dispose();
  }

  private async compile(): Promise<{ readonly session: Session; readonly inputs: ReadonlySet<string> }> {
    const { model, plan, device, threads } = this.prepared;
    const program = probeProgram(model, plan, this.ids);
    const weightsFolder = model.weightFiles.folder;
    const bytes = encodeOnnx(program, { target: device === 'cpu' ? 'cpu' : 'gpu', weightsFolder });
    const session = await ortRuntime.compile(bytes, { device, threads, weightsFolder });
    return {
      session,
      inputs: new Set(program.leaves.flatMap(({ leaf }) => (leaf?.kind === 'input' ? [leaf.name] : []))),
    };
  }

  private feeds(inputs: ReadonlySet<string>): Feeds {
    const { plan, parameters } = this.prepared;
    const own = fedTensors(plan).map(({ key, shape }): [string, HostTensor] => [
      key,
      { dtype: 'f32', shape, data: parameters.get(key) },
    ]);
    return Object.fromEntries(own.filter(([name]) => inputs.has(name)));
  }
}

/**
 * The graph of the probes for a text of these ids; its inputs are the tensors of the adapter. An adapted head reads the state behind
 * the probed blocks (normalised as the model's last state is) at a few tokens: what it does with it does not depend on how many
 * blocks were before.
 */
export function probeProgram(model: BaseModel, plan: AdapterPlan, ids: Int32Array): Program {
  const graph = new Graph();
  const adapted = new Set(plan.layers.map(({ site }) => site.layer).filter((layer) => layer >= 0));
  const blocks = [...adapted].sort((a, b) => a - b).slice(0, BLOCKS);
  const outputs: Record<string, Value> = {};
  const { weights, linear, head } = modelParts(graph, model, plan, {
    dropout: (_, v) => v,
    observe: (layer, built) => {
      const { site } = layer;
      if (site.layer >= 0 && !blocks.includes(site.layer)) return;
      const isCompared = site.layer < 0 ? !isTooLargeToCompare(site) : site.layer === blocks[0];
      for (const [name, value] of probeOutputs(plan.method, layer, built, isCompared)) {
        outputs[`${site.path} ${name}`] = value;
      }
    },
  });
  const { architecture, config } = model;
  const depth = Math.min(config.layers, Math.max(BLOCKS, (blocks.at(-1) ?? -1) + 1));
  const hidden = architecture.hidden({ ...config, layers: depth }, textInputs(graph, model, [ids]), weights, linear);
  if (isHeadAdapted(plan)) head.logits(gatherRows(hidden, lastRows(graph, ids.length)));
  return finish(programOf(outputs));
}

/** Of a text of `length` tokens, those that the head is probed at. */
function lastRows(graph: Graph, length: number): Value {
  const count = Math.min(HEAD_TOKENS, length);
  return graph.constant(
    Int32Array.from({ length: count }, (_, i) => length - count + i),
    [count],
  );
}
