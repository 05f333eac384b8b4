/** @file AdamW, norms and clipping against numbers of torch 2.13 (`torch.optim.AdamW`, float32). */
import { describe, expect, it } from 'vitest';
import { AdamW, clipFactor, globalNorm } from '../../../kernels/trainer/adamw';

const GRADIENTS = [
  [0.3, -0.1, 0, 2],
  [0.1, 0.4, -0.2, -1],
  [-0.5, 0.2, 0.3, 0.25],
];

describe('AdamW', () => {
  it('makes the steps of torch.optim.AdamW(lr=0.1, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05)', () => {
    const adam = new AdamW(4, { beta1: 0.8, beta2: 0.95, epsilon: 1e-6 });
    const parameters = Float32Array.of(1, -2, 0.5, 3);
    const expected = [
      [0.8950003, -1.890001, 0.4975, 2.885],
      [0.8051721, -1.94085, 0.5725911, 2.849329],
      [0.8281829, -2.001544, 0.5426422, 2.81158],
    ];
    GRADIENTS.forEach((gradient, step) => {
      adam.update(
        parameters,
        Float32Array.from(gradient),
        [{ from: 0, to: 4, learningRate: 0.1, weightDecay: 0.05 }],
        1,
      );
      parameters.forEach((value, i) => expect(value).toBeCloseTo(expected[step]?.[i] ?? NaN, 6));
    });
  });

  it('gives each range its own rate and decay, and leaves the rest alone', () => {
    const adam = new AdamW(3, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    const parameters = Float32Array.of(1, 1, 1);
    const ranges = [
      { from: 0, to: 1, learningRate: 0, weightDecay: 0.5 },
      { from: 1, to: 2, learningRate: 0.1, weightDecay: 0.5 },
    ];
    adam.update(parameters, Float32Array.of(1, 1, 1), ranges, 1);
    expect(parameters[0]).toBe(1);
    expect(parameters[1]).toBeCloseTo(1 * (1 - 0.05) - 0.1, 6);
    expect(parameters[2]).toBe(1);
  });

  it('scales the gradient before the moments see it', () => {
    const adam = new AdamW(1, { beta1: 0, beta2: 0, epsilon: 1e-8 });
    adam.update(Float32Array.of(1), Float32Array.of(8), [{ from: 0, to: 1, learningRate: 1, weightDecay: 0 }], 0.25);
    expect([adam.firstMoment[0], adam.secondMoment[0]]).toEqual([2, 4]);
  });
});

describe('clipping', () => {
  it('measures the norm over all tensors in double precision', () => {
    expect(globalNorm(Float32Array.of(3, 4))).toBe(5);
    expect(globalNorm(new Float32Array(1e6).fill(1))).toBe(1000);
  });

  it('shrinks to the limit, as clip_grad_norm_ does, never grows, and is off at 0', () => {
    expect(clipFactor(5, 1)).toBeCloseTo(1 / (5 + 1e-6), 12);
    expect(clipFactor(0.5, 1)).toBe(1);
    expect(clipFactor(5, 0)).toBe(1);
  });
});
