/** @file Rotary frequencies: default, linear scaling and llama3 scaling, as tables of cos and sin per position. */
import type { Graph, Value } from '../../graph/graph';

export type RopeScaling =
  | { readonly type: 'default' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      readonly originalMaxPositions: number;
    };

export interface RopeConfig {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

/** Angular frequency of each of the `headDim / 2` pairs. */
export function ropeFrequencies(headDim: number, { theta, scaling }: RopeConfig): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, j) => scaled(theta ** ((-2 * j) / headDim), scaling));
}

// llama3 (Llama 3.1 model card): long wavelengths are divided by the factor, short ones kept, those between blended.
function scaled(frequency: number, s: RopeScaling): number {
  if (s.type === 'default') return frequency;
  if (s.type === 'linear') return frequency / s.factor;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > s.originalMaxPositions / s.lowFreqFactor) return frequency / s.factor;
  if (wavelength < s.originalMaxPositions / s.highFreqFactor) return frequency;
  const smooth = (s.originalMaxPositions / wavelength - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor);
  return ((1 - smooth) * frequency) / s.factor + smooth * frequency;
}

/**
 * cos and sin of position × frequency, each angle in both halves of the last axis: two values [length, headDim].
 * A `factor` scales what is rotated with them, which saves a pass over the queries.
 */
export function ropeTables(
  graph: Graph,
  length: number,
  headDim: number,
  config: RopeConfig,
  factor = 1,
): { readonly cos: Value; readonly sin: Value } {
  const frequencies = ropeFrequencies(headDim, config);
  const half = headDim / 2;
  const table = (f: (angle: number) => number): Value =>
    graph.constant(
      Float32Array.from(
        { length: length * headDim },
        (_, i) => factor * f(Math.floor(i / headDim) * (frequencies[(i % headDim) % half] ?? NaN)),
      ),
      [length, headDim],
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
}
