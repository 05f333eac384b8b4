/** @file Memory of a run from its prepared parts: plans the graphs that may be the largest, and adds up. */
import type { AdapterPlan } from '../adapters/plan';
import type { BaseModel } from '../models/baseModel';
import type { MemoryEstimate } from '../protocol/calls/estimate';
import { KernelError } from '../protocol/errors';
import type { Device } from '../runtime/types';
import { hoistFrozen } from '../graph/hoistFrozen';
import { buildGraph } from '../trainer/stepGraph';
import type { PlannedShape } from './batchPlan';
import { graphMemory } from './graphMemory';
import type { HeldGraph } from './memoryModel';
import { memoryOf } from './memoryModel';

/** Planning one graph takes tenths of a second: of many shapes, those with most tokens or most rows are looked at. */
const MOST_GRAPHS = 6;

export interface RunMemoryRequest {
  readonly model: BaseModel;
  readonly plan: AdapterPlan;
  readonly shapes: readonly RunShape[];
  readonly device: Device;
  readonly samples: number;
  readonly signal?: AbortSignal;
}

/** Gives other calls a turn between two graphs. Throws `cancelled` when the signal fires. */
export async function runMemory(request: RunMemoryRequest): Promise<MemoryEstimate> {
  const { model, plan, shapes, device, samples, signal } = request;
  const graphs: HeldGraph[] = [];
  for (const { kind, held, ...shape } of largestShapes(shapes)) {
    if (signal?.aborted) throw new KernelError('cancelled', 'the estimate was cancelled');
    const { program } = hoistFrozen(buildGraph({ kind: kind === 'train' ? 'train' : 'loss', shape, model, plan }));
    graphs.push({ held, memory: graphMemory(program, device === 'cpu' ? 'cpu' : 'gpu') });
    await new Promise((resume) => setImmediate(resume));
  }
  return memoryOf({
    graphs,
    mostHeld: shapes.reduce((n, s) => Math.max(n, s.held), 1),
    isOnDevice: device !== 'cpu',
    trained: plan.trainedSize,
    frozen: plan.frozenSize,
    vocabulary: model.config.vocabularySize,
    samples,
  });
}

export type RunShape = Omit<PlannedShape, 'batches'>;

/** The shapes that no other one is at least as large as in every respect; training first, it needs most. */
export function largestShapes<S extends RunShape>(shapes: readonly S[]): readonly S[] {
  const covers = (a: S, b: S): boolean =>
    (a.kind === 'train' || b.kind === a.kind) && a.batch >= b.batch && a.length >= b.length && a.rows >= b.rows;
  const maximal = shapes.filter((s, i) => !shapes.some((o, j) => covers(o, s) && !(covers(s, o) && i <= j)));
  const size = (s: S): number => s.batch * s.length * (s.kind === 'train' ? 2 : 1) + s.rows;
  return [...maximal].sort((a, b) => size(b) - size(a)).slice(0, MOST_GRAPHS);
}
