/**
 * @file Looks into the adapted layers of the first blocks while a few tokens of the data pass through them: what the method's probes
 * see there, and whether a layer computes what its merged weight says. The graph ends at these blocks, so its cost is bounded.
 */
import { probeOutputs } from './probeOutputs';
import type { AdapterPlan } from '../../adapters/plan';
import type { BaseModel } from '../../models/baseModel';
import type { Value } from '../../graph/graph';
import { Graph } from '../../graph/graph';
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

/** The graph of the probes for a text of these ids; its inputs are the tensors of the adapter. */
export function probeProgram(model: BaseModel, plan: AdapterPlan, ids: Int32Array): Program {
  const graph = new Graph();
  const blocks = [...new Set(plan.layers.map(({ site }) => site.layer))].sort((a, b) => a - b).slice(0, BLOCKS);
  const outputs: Record<string, Value> = {};
  let first: number | undefined;
  const { weights, linear } = modelParts(graph, model, plan, {
    dropout: (_, v) => v,
    observe: (layer, built) => {
      if (!blocks.includes(layer.site.layer)) return;
      // What lies outside of the blocks may be built before them, after them or, in the head, not at all.
      first ??= layer.site.layer;
      const isFirst = layer.site.layer === first;
      for (const [name, value] of probeOutputs(plan.method, layer, built, isFirst)) {
        outputs[`${layer.site.path} ${name}`] = value;
      }
    },
  });
  const { architecture, config } = model;
  architecture.hidden(config, textInputs(graph, model, [ids]), weights, linear);
  return finish(programOf(outputs));
}
