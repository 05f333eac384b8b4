/**
 * @file The batches a run will compute, counted without reading a token: from the numbers of tokens of each sample, in
 * the very order of the run. Says which graphs are compiled, how often, and how many of them are held at once.
 */
import { bucketLength } from '../data/batches';
import type { TokenDataset } from '../data/dataset';
import type { ShapeUse } from '../protocol/calls/estimate';
import type { PreparedRun } from '../trainer/prepare';
import { graphShape, sessionLimit } from '../trainer/runner';

/** Micro-batches that are looked at; longer runs are counted over their first ones. */
const MOST_BATCHES = 50_000;

/** `held`: the most graphs that are kept compiled while this one runs, itself included. */
export interface PlannedShape extends ShapeUse {
  readonly held: number;
}

export interface BatchPlan {
  readonly shapes: readonly PlannedShape[];
  /** Tokens and supervised tokens of each counted step. */
  readonly tokens: { readonly mean: number; readonly max: number };
  readonly supervisedPerStep: number;
  readonly padding: number;
  readonly evaluations: number;
  /** How often the fixed prompts are answered. */
  readonly samplings: number;
  /** How many are written at most; `runDisk` knows how many are kept. */
  readonly checkpoints: number;
  readonly compilations: number;
  readonly countedSteps: number;
}

export function planBatches(run: PreparedRun): BatchPlan {
  const { config, totalSteps, evaluation, data } = run;
  const { eval_steps: evalSteps, save_steps: saveSteps, gradient_accumulation_steps: accumulation } = config.training;
  const countedSteps = Math.min(totalSteps, Math.max(1, Math.floor(MOST_BATCHES / accumulation)));
  const scale = totalSteps / countedSteps;
  const evalBatches = evaluation
    ? Array.from({ length: evaluation.count }, (_, i) => batchOf(data.evaluation, evaluation.samplesOf(i), run))
    : [];
  const cache = new GraphCache(sessionLimit(run.model));
  const uses = new Map<string, { -readonly [K in keyof PlannedShape]: PlannedShape[K] }>();
  const use = (kind: ShapeUse['kind'], batch: Batch, times: number): void => {
    const key = `${kind} ${batch.key}`;
    const held = cache.use(key);
    const known = uses.get(key);
    if (known) {
      known.batches += times;
      known.held = Math.max(known.held, held);
    } else {
      uses.set(key, { kind, batch: batch.batch, length: batch.length, rows: batch.rows, batches: times, held });
    }
  };
  let evaluations = 0;
  const evaluate = (): void => {
    evaluations++;
    for (const batch of evalBatches) use('evaluation', batch, 1);
    // Of the graphs that write samples, one reads the prompts and one goes on token by token; they need little but room.
    if (run.samples) ['prefill', 'decode'].forEach((key) => cache.use(key));
  };
  let [tokens, most, supervised, computed] = [0, 0, 0, 0];
  evaluate();
  for (let step = 1; step <= countedSteps; step++) {
    let own = 0;
    for (const samples of run.train.samplesOf(step)) {
      const batch = batchOf(data.train, samples, run);
      use('train', batch, scale);
      own += batch.tokens;
      supervised += batch.supervised;
      computed += batch.batch * batch.length;
    }
    tokens += own;
    most = Math.max(most, own);
    if (step % evalSteps === 0 || step === totalSteps) evaluate();
  }
  const rounds = 1 + Math.ceil(totalSteps / evalSteps);
  const allEvaluations = evalBatches.length === 0 ? 0 : rounds;
  const shapes = [...uses.values()].map((u) => ({
    ...u,
    batches: Math.round(u.kind === 'train' ? u.batches : (u.batches * rounds) / evaluations),
  }));
  return {
    shapes: shapes.sort((a, b) => workOf(b) - workOf(a)),
    tokens: { mean: tokens / countedSteps, max: most },
    supervisedPerStep: supervised / countedSteps,
    padding: computed === 0 ? 0 : 1 - tokens / computed,
    evaluations: allEvaluations,
    samplings: run.samples ? rounds : 0,
    // One at the end, one at each save_steps, and at most one for each evaluation that is the best so far.
    checkpoints: Math.ceil(totalSteps / saveSteps) + Math.max(0, allEvaluations - 2),
    compilations: Math.round(cache.compilations * (cache.compilations > uses.size ? scale : 1)),
    countedSteps,
  };
}

/** Tokens that a shape computes over the run, padding included. */
export const workOf = ({ batch, length, batches, kind }: ShapeUse): number =>
  batch * length * batches * (kind === 'train' ? 1 : FORWARD_SHARE);

/** A forward pass alone, as a share of a whole step: two products of each weight instead of four. */
export const FORWARD_SHARE = 0.5;

interface Batch {
  readonly key: string;
  readonly batch: number;
  readonly length: number;
  readonly rows: number;
  readonly tokens: number;
  readonly supervised: number;
}

function batchOf(dataset: TokenDataset, samples: Int32Array, { config }: PreparedRun): Batch {
  let [longest, tokens, supervised] = [0, 0, 0];
  for (const i of samples) {
    const own = dataset.tokenLengths[i] ?? 0;
    longest = Math.max(longest, own);
    tokens += own;
    supervised += dataset.supervisedCounts[i] ?? 0;
  }
  const shape = graphShape(samples.length, bucketLength(longest, config.data.max_length), supervised);
  return { ...shape, key: `${shape.batch}x${shape.length} ${shape.rows}`, tokens, supervised };
}

/** Follows the cache of compiled graphs: the one used longest ago goes when there is no room. */
class GraphCache {
  private readonly held = new Set<string>();
  compilations = 0;

  constructor(private readonly limit: number) {}

  /** Returns how many are held then. */
  use(key: string): number {
    if (this.held.delete(key)) {
      this.held.add(key);
      return this.held.size;
    }
    for (const oldest of this.held) {
      if (this.held.size < this.limit) break;
      this.held.delete(oldest);
    }
    this.held.add(key);
    this.compilations++;
    return this.held.size;
  }
}
