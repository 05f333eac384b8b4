/** @file Every number that decides what the sample's base model becomes. Change one, and `npm run sample` makes another model. */

export const RECIPE = {
  /** Size of the vocabulary at most, special tokens and single bytes included. */
  vocabularySize: 3072,
  /** Documents that the tokenizer is learnt from. */
  tokenizerDocuments: 20_000,
  /** Longest sequence that config.json states; the training sequences are `sequenceLength` long. */
  maxLength: 256,
  hidden: 256,
  intermediate: 640,
  layers: 4,
  heads: 8,
  keyValueHeads: 4,
  /** Standard deviation of the initial weights. */
  initialStd: 0.02,
  seeds: { text: 1, heldOutText: 2, weights: 3 },
  sequenceLength: 128,
  batchSize: 16,
  steps: 1600,
  warmupSteps: 50,
  learningRate: 3e-3,
  weightDecay: 0.1,
  beta1: 0.9,
  beta2: 0.95,
  epsilon: 1e-8,
  maxGradNorm: 1,
  /** Sequences of unseen text that the held-out loss is taken over. */
  heldOutSequences: 128,
} as const;
