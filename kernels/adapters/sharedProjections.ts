/**
 * @file What VeRA and DVoRA have in common (Kopiczko et al. 2023, section 3): two random matrices that all layers share and
 * that never change, A [r, widest input] and B [widest output, r], and two trained vectors per layer, λ_d [r] and λ_b [out].
 * A layer uses the first columns of A and the first rows of B. ΔW = diag(λ_b)·B·diag(λ_d)·A, without alpha.
 */
import type { Value } from '../graph/graph';
import { gemm, mul, reshape, slice } from '../graph/ops';
import type { TargetSite } from '../models/types';
import { choice, integer, number } from '../util/fields';
import type { ConfigOf } from '../util/fields';
import { targetFields } from './selectionFields';
import type { Factors, ParamSpec, Selection } from './types';

export const projectionFields = {
  r: integer({
    default: 256,
    min: 1,
    label: 'Rank',
    help: 'Rank of the shared random matrices. They are not trained, so that a large rank costs time but hardly any parameters.',
  }),
  d_initial: number({
    default: 0.1,
    above: 0,
    label: 'Start of λ_d',
    isTrainingOnly: true,
    help: 'Value with which every entry of the inner vector starts; the outer one starts at zero.',
  }),
  projection_prng_key: integer({
    default: 0,
    min: 0,
    max: 4_294_967_295,
    label: 'Projection seed',
    isTrainingOnly: true,
    help: 'Seed of the shared random matrices. The same seed gives the same matrices as in PEFT.',
  }),
  vera_dropout: number({
    default: 0,
    min: 0,
    below: 1,
    label: 'Dropout',
    isTrainingOnly: true,
    help: 'Probability with which an input of the adapter branch is dropped in training. The base path is never dropped.',
  }),
  ...targetFields,
  bias: choice(['none', 'all', 'vera_only'], {
    default: 'none',
    label: 'Bias',
    help: 'Biases that are trained too: none, all of the model, or those of the adapted layers. Switching the adapter off then no longer restores the base model.',
    group: 'Also trained',
  }),
};

type ProjectionConfig = ConfigOf<typeof projectionFields>;

/** The vectors of a layer. */
export const vectorSpecs = (site: TargetSite, { r, d_initial }: ProjectionConfig) =>
  ({
    vera_lambda_b: { shape: [site.outFeatures], init: { kind: 'zeros' }, trainable: true },
    vera_lambda_d: { shape: [r], init: { kind: 'constant', value: d_initial }, trainable: true },
  }) as const satisfies Readonly<Record<string, ParamSpec>>;

/** Both matrices from one generator, A first: Kaiming-uniform for a ReLU, as PEFT draws them. */
export function projectionSpecs(
  sites: readonly TargetSite[],
  { r, projection_prng_key: seed }: ProjectionConfig,
): Readonly<Record<string, ParamSpec>> {
  const widest = (of: (site: TargetSite) => number): number =>
    sites.reduce((most, site) => Math.max(most, of(site)), 0);
  const [input, output] = [widest((s) => s.inFeatures), widest((s) => s.outFeatures)];
  const drawn = (fanIn: number, skip: number) =>
    ({ kind: 'torchUniform', seed, skip, bound: Math.sqrt(6 / fanIn) }) as const;
  return {
    vera_A: { shape: [r, input], init: drawn(input, 0), trainable: false },
    vera_B: { shape: [output, r], init: drawn(r, r * input), trainable: false },
  };
}

export interface LayerProjections {
  /** [r, in] */
  readonly a: Value;
  /** [out, r] */
  readonly b: Value;
}

export function projectionsOf(
  shared: Readonly<Record<string, Value>>,
  input: number,
  output: number,
): LayerProjections {
  const { vera_A: a, vera_B: b } = shared;
  if (!a || !b) throw new Error('the shared matrices are missing');
  return { a: slice(a, 1, 0, input), b: slice(b, 0, 0, output) };
}

/** λ_b ⊙ B with each column times λ_d: the second factor of the update, [out, r]. */
export function scaledB({ b }: LayerProjections, lambdaB: Value, lambdaD: Value): Value {
  return mul(mul(b, lambdaD), reshape(lambdaB, [lambdaB.type.shape[0] ?? 0, 1]));
}

/** λ_b ⊙ ((λ_d ⊙ (x·Aᵀ))·Bᵀ): [tokens, out]. */
export function branch(x: Value, { a, b }: LayerProjections, lambdaB: Value, lambdaD: Value): Value {
  return mul(gemm(mul(gemm(x, a, { transB: true }), lambdaD), b, { transB: true }), lambdaB);
}

/** diag(λ_b)·B·diag(λ_d)·A of a layer as two factors: the vectors go into B. */
export const vectorFactors = (
  { vera_lambda_b, vera_lambda_d }: Readonly<Record<'vera_lambda_b' | 'vera_lambda_d', Float32Array>>,
  { inFeatures, outFeatures }: TargetSite,
  { r }: ProjectionConfig,
  { vera_A, vera_B }: Readonly<Record<string, Float32Array>>,
): Factors => ({
  // The first columns of A and rows of B.
  a: firstColumns(vera_A, r, inFeatures),
  b: Float32Array.from({ length: outFeatures * r }, (_, i) => {
    const [row, column] = [Math.floor(i / r), i % r];
    return (vera_B?.[i] ?? NaN) * (vera_lambda_b[row] ?? NaN) * (vera_lambda_d[column] ?? NaN);
  }),
  rank: r,
  scaling: 1,
});

function firstColumns(a: Float32Array | undefined, rows: number, columns: number): Float32Array {
  const width = (a?.length ?? 0) / rows;
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    return a?.[Math.floor(i / columns) * width + (i % columns)] ?? NaN;
  });
}

export const projectionSelection = (config: ProjectionConfig): Selection => ({
  targetModules: config.target_modules,
  excludeModules: null,
  layersToTransform: config.layers_to_transform === undefined ? null : [config.layers_to_transform].flat(),
  layersPattern: config.layers_pattern === undefined ? [] : [config.layers_pattern].flat(),
  modulesToSave: config.modules_to_save ?? [],
  bias: config.bias === 'vera_only' ? 'lora_only' : config.bias,
});
