/** @file Memory of a run from its prepared parts: plans the graphs that may be the largest, and adds up. */
import type { AdapterPlan } from '../adapters/plan';
import { restartedTensors } from '../adapters/restarts';
import type { ResolvedConfig } from '../config/loadConfig';
import type { BaseModel } from '../models/baseModel';
import type { MemoryEstimate } from '../protocol/calls/estimate';
import { KernelError } from '../protocol/errors';
import type { Device } from '../runtime/types';
import { hoistFrozen } from '../graph/hoistFrozen';
import { PROBED_TOKENS, probeProgram } from '../trainer/activity/layerProbe';
import { buildGraph } from '../trainer/stepGraph';
import type { PlannedShape } from './batchPlan';
import { graphMemory } from './graphMemory';
import type { HeldGraph, MemoryInputs } from './memoryModel';
import { memoryOf } from './memoryModel';
import type { PlannedCycle } from './plannedCycles';
import { plannedCycles } from './plannedCycles';

/** Planning one graph takes tenths of a second: of many shapes, those with most tokens or most rows are looked at. */
const MOST_GRAPHS = 6;

export interface RunMemoryRequest {
  readonly model: BaseModel;
  readonly plan: AdapterPlan;
  readonly config: Pick<ResolvedConfig, 'relora'>;
  /** Left out: not known yet. */
  readonly totalSteps?: number | undefined;
  readonly shapes: readonly RunShape[];
  readonly device: Device;
  readonly samples: number;
  readonly signal?: AbortSignal;
}

/** Of the cycle that needs most, where there are several. Gives other calls a turn between two graphs. Throws `cancelled` when the signal fires. */
export async function runMemory(request: RunMemoryRequest): Promise<MemoryEstimate> {
  const { model, plan, config, totalSteps } = request;
  const cycles: Omit<MemoryInputs, 'compiled'>[] = [];
  for (const cycle of plannedCycles(config, model, plan, totalSteps)) cycles.push(await cycleInputs(cycle, request));
  // What compiling leaves behind is not given back when a cycle ends.
  const compiled = cycles.flatMap(({ graphs }) => graphs.map(({ memory }) => memory));
  const [first, ...others] = cycles.map((cycle) => memoryOf({ ...cycle, compiled }));
  if (!first) throw new KernelError('internal', 'a run has one cycle at least');
  return others.reduce((most, cycle) => (cycle.peakBytes > most.peakBytes ? cycle : most), first);
}

async function cycleInputs(
  { model, plan, merged }: PlannedCycle,
  { shapes, device, samples, signal }: RunMemoryRequest,
): Promise<Omit<MemoryInputs, 'compiled'>> {
  const target = device === 'cpu' ? 'cpu' : 'gpu';
  const graphs: HeldGraph[] = [];
  for (const { kind, held, ...shape } of largestShapes(shapes)) {
    if (signal?.aborted) throw new KernelError('cancelled', 'the estimate was cancelled');
    const { program } = hoistFrozen(buildGraph({ kind: kind === 'train' ? 'train' : 'loss', shape, model, plan }));
    graphs.push({ held, memory: graphMemory(program, target) });
    await new Promise((resume) => setImmediate(resume));
  }
  const probe = plan.layers.length > 0 ? probeProgram(model, plan, new Int32Array(PROBED_TOKENS)) : undefined;
  return {
    graphs,
    ...(probe && { probe: graphMemory(probe, target) }),
    mostHeld: shapes.reduce((n, s) => Math.max(n, s.held), 1),
    isOnDevice: device !== 'cpu',
    trained: plan.trainedSize,
    frozen: plan.frozenSize,
    ofAdapter: restartedTensors(plan).reduce((n, { size }) => n + size, 0),
    merged,
    vocabulary: model.config.vocabularySize,
    samples,
  };
}

export type RunShape = Omit<PlannedShape, 'batches'>;

/** What is known of a run once its data was read. */
export interface CountedRun {
  readonly shapes: readonly RunShape[];
  readonly samples: number;
  readonly totalSteps: number;
}

/** The shapes that no other one is at least as large as in every respect; training first, it needs most. */
export function largestShapes<S extends RunShape>(shapes: readonly S[]): readonly S[] {
  const covers = (a: S, b: S): boolean =>
    (a.kind === 'train' || b.kind === a.kind) && a.batch >= b.batch && a.length >= b.length && a.rows >= b.rows;
  const maximal = shapes.filter((s, i) => !shapes.some((o, j) => covers(o, s) && !(covers(s, o) && i <= j)));
  const size = (s: S): number => s.batch * s.length * (s.kind === 'train' ? 2 : 1) + s.rows;
  return [...maximal].sort((a, b) => size(b) - size(a)).slice(0, MOST_GRAPHS);
}
