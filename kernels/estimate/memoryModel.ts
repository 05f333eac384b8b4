/**
 * @file The memory of a training process on the CPU, from its parts. Bytes, resident; P trained and F frozen values, A of them
 * the adapter's own (the others are tensors of the base model):
 *
 *   weights      what the graphs read of the checkpoint, mapped from its files (untouched rows of tables left out)
 *   mappings     weights · (graphs held − 1): each session maps the same pages again, and each mapping is counted. Where most
 *                graphs are held while a small one runs, RETAINED of the largest peak is what the allocator still holds
 *   adapter      4·(P + F); after a restart the first cycle's own as well, and 4·A for each adapter that was merged
 *   optimiser    8·P: both moments of AdamW
 *   activity     4·A: the adapter as it started, which its changes are measured against
 *   gradients    12·P: the sum of the micro-batches, what the last graph handed out, and what the one before did, which nobody
 *                has collected while a graph runs
 *   activations, workspace   the largest peak of any graph: bufferPlan.ts follows onnxruntime's own plan
 *   graphs       NODE_BYTES · nodes of the largest graph + HELD_NODE_BYTES · nodes of the others held + 3 · constants
 *   runtime      ENGINE_BYTES + TOKEN_BYTES · vocabulary + SAMPLE_BYTES · samples
 *
 * The first four and the graphs' peaks are exact arithmetic. The constants below are measured: a least-squares fit of the
 * rest over the grid of `npm run bench -- estimate` (Node 20, onnxruntime-node 1.30, glibc 2.36, x86-64, November 2026). In
 * the same fit the planned peak has the factor 1.00 and P the factor 5.05, where the formulas above say 1 and 5.
 * The session options of runtime/ort.ts are part of the model: no arena, no prepacked copies of weights.
 */
import type { MemoryEstimate, MemoryParts } from '../protocol/calls/estimate';
import type { GraphMemory } from './graphMemory';

/** Node, the engine's code and onnxruntime, with what preparing a run leaves behind. */
const ENGINE_BYTES = 145e6;
/** Objects of the graph, of its ONNX form and of the session, most of them gone after compiling but not given back. */
const NODE_BYTES = 7400;
/** What a session that is only held keeps for each node. */
const HELD_NODE_BYTES = 3000;
/** Tokenizer: strings, maps and merges of one token. */
const TOKEN_BYTES = 430;
/** The columns of the token file that are kept in memory. */
const SAMPLE_BYTES = 28;
/** A constant lies in the graph, in the encoded file and in the session; the first two wait for the garbage collector. */
const CONSTANT_COPIES = 3;
/** What is fed with a batch (dropout masks): the current one's, and those of batches before that wait for it too. */
const FED_COPIES = 3;
/** Share of the largest peak that stays resident between two batches: freed blocks below others that are in use. */
const RETAINED = 0.75;

/** A graph of the run, and the most graphs that are held compiled while it runs, itself included. */
export interface HeldGraph {
  readonly memory: GraphMemory;
  readonly held: number;
}

export interface MemoryInputs {
  /** Every graph that may be the largest, of both kinds. */
  readonly graphs: readonly HeldGraph[];
  /** All that are compiled in the course of the run, those of other cycles too. */
  readonly compiled: readonly GraphMemory[];
  /** Most graphs held compiled at any time. */
  readonly mostHeld: number;
  /** Of the layers' probes, which is compiled early and held to the end. */
  readonly probe?: GraphMemory;
  readonly trained: number;
  readonly frozen: number;
  /** Of both, what belongs to the adapter. */
  readonly ofAdapter: number;
  /** Adapters that were merged before and are kept. */
  readonly merged: number;
  readonly vocabulary: number;
  readonly samples: number;
  /** The graphs run on a GPU, with their weights and what they hold. */
  readonly isOnDevice?: boolean;
}

export function memoryOf(inputs: MemoryInputs): MemoryEstimate {
  const { graphs, compiled, probe, mostHeld, trained, frozen, ofAdapter, merged } = inputs;
  const { vocabulary, samples, isOnDevice = false } = inputs;
  const most = (of: (g: GraphMemory) => number): number => graphs.reduce((n, g) => Math.max(n, of(g.memory)), 0);
  const dynamic = (g: GraphMemory): number => g.activationBytes + g.workspaceBytes;
  const largest = most(dynamic);
  const shown = graphs.find((g) => dynamic(g.memory) === largest)?.memory;
  const weights = most((g) => g.weightBytes + g.tableRowBytes);
  const withMappings = Math.max(
    mostHeld * weights + RETAINED * largest,
    ...graphs.map(({ memory, held }) => held * weights + dynamic(memory)),
    weights + largest,
  );
  const nodes = compiled.reduce((n, g) => Math.max(n, g.nodes), 0);
  const probed = probe ? probe.weightBytes + probe.tableRowBytes : 0;
  // Probing and training take turns, and each gives back what it needed: the larger of the two counts.
  const ofProbe = Math.max(0, (probe ? dynamic(probe) : 0) - largest);
  const parts: MemoryParts = {
    weights: isOnDevice ? 0 : weights,
    mappings: isOnDevice ? 0 : withMappings - weights - largest + probed,
    adapter: (merged > 0 ? 2 : 1) * 4 * (trained + frozen) + merged * 4 * ofAdapter,
    activity: 4 * ofAdapter,
    optimiser: 8 * trained,
    gradients: 12 * trained,
    activations: isOnDevice ? 0 : (shown?.activationBytes ?? 0),
    workspace: (isOnDevice ? 0 : (shown?.workspaceBytes ?? 0) + ofProbe) + FED_COPIES * most((g) => g.inputBytes),
    graphs:
      NODE_BYTES * nodes +
      HELD_NODE_BYTES * (nodes * Math.max(0, mostHeld - 1) + (probe?.nodes ?? 0)) +
      CONSTANT_COPIES * (most((g) => g.constantBytes) + (probe?.constantBytes ?? 0)),
    runtime: ENGINE_BYTES + TOKEN_BYTES * vocabulary + SAMPLE_BYTES * samples,
  };
  const peakBytes = Object.values<number>({ ...parts }).reduce((a, b) => a + b, 0);
  return {
    parts,
    peakBytes,
    neededBytes: peakBytes - parts.mappings,
    droppableBytes: parts.weights,
    ...(isOnDevice && { deviceBytes: weights + largest + ofProbe }),
  };
}
