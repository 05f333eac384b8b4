/** @file The two llama shapes that training is timed at, and the arithmetic a LoRA step of them needs. */

export interface LlamaShape {
  readonly hidden: number;
  readonly intermediate: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabulary: number;
}

/** (a) is SmolLM2-135M; (b) is small enough that per-operator overhead shows. Both tie the head to the embedding. */
export const SHAPES = {
  a: { hidden: 576, intermediate: 1536, layers: 30, heads: 9, keyValueHeads: 3, vocabulary: 49152 },
  b: { hidden: 256, intermediate: 688, layers: 8, heads: 8, keyValueHeads: 4, vocabulary: 4096 },
} as const satisfies Readonly<Record<string, LlamaShape>>;

export type ShapeName = keyof typeof SHAPES;

/** The linear maps of one layer as [out, in], by the name of their module. */
export function projections(shape: LlamaShape): Readonly<Record<string, readonly [number, number]>> {
  const { hidden, intermediate } = shape;
  const keyValue = (hidden / shape.heads) * shape.keyValueHeads;
  return {
    'self_attn.q_proj': [hidden, hidden],
    'self_attn.k_proj': [keyValue, hidden],
    'self_attn.v_proj': [keyValue, hidden],
    'self_attn.o_proj': [hidden, hidden],
    'mlp.gate_proj': [intermediate, hidden],
    'mlp.up_proj': [intermediate, hidden],
    'mlp.down_proj': [hidden, intermediate],
  };
}

/**
 * Floating point operations of a step's products with frozen weights: 2 forward and 2 backward for each weight and
 * row; the head only at supervised rows, because the others need it nowhere. Attention and adapters come on top, so
 * a share of the peak computed from this is a lower bound.
 */
export function stepFlops(shape: LlamaShape, rows: number, supervisedRows: number): number {
  const layer = Object.values(projections(shape)).reduce((sum, [out, inputs]) => sum + out * inputs, 0);
  return 4 * (rows * layer * shape.layers + supervisedRows * shape.vocabulary * shape.hidden);
}
