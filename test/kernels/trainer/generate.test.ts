/** @file Generation: against plain repeated argmax, batches against single prompts, ends, sampling and refusals. */
import { afterAll, describe, expect, it } from 'vitest';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import { generate, generateAll } from '../../../kernels/trainer/generate';
import { bucketLength } from '../../../kernels/trainer/nextLogits';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { writeTinyModel } from '../../support/tinyModel';

const model = openBaseModel(writeTinyModel({ seed: 4 }));
const runner = new ModelRunner(model, null, null, { device: 'cpu', threads: 1 });
afterAll(async () => {
  await runner.dispose();
  model.checkpoint.close();
});

const NONE: ReadonlySet<number> = new Set();
const PROMPTS = [[3, 9, 1], [20], [7, 7, 2, 30, 11, 5], [36, 0], [15, 16, 17]];

/** The definition: run the sequence as it is, take the largest logit of its last position. */
async function byArgmax(prompt: readonly number[], count: number): Promise<readonly number[]> {
  const ids = [...prompt];
  for (let i = 0; i < count; i++) {
    const rows = Int32Array.of(ids.length - 1);
    const logits = await runner.logits({ batch: 1, length: ids.length, inputIds: Int32Array.from(ids), rows });
    ids.push(logits.indexOf(Math.max(...logits)));
  }
  return ids.slice(prompt.length);
}

describe('greedy generation', () => {
  it('takes the most probable token each time', async () => {
    const ids: number[] = [];
    const made = await generate(runner, [3, 9, 1], { maxNewTokens: 8, stopIds: NONE, onToken: (id) => ids.push(id) });
    expect(made).toEqual(await byArgmax([3, 9, 1], 8));
    expect(ids).toEqual(made);
  });

  it('of many prompts at once gives each what it gets alone', async () => {
    const options = { maxNewTokens: 5, stopIds: NONE };
    const alone = await Promise.all(PROMPTS.map((prompt) => generate(runner, prompt, options)));
    const finished: number[] = [];
    const together = await generateAll(runner, PROMPTS, {
      ...options,
      batchSize: 2,
      onFinished: (count) => finished.push(count),
    });
    expect(together).toEqual(alone);
    expect(finished).toEqual([1, 2, 3, 4, 5]);
  });

  it('ends before a stop token, at the limit, and where the model ends', async () => {
    const [first, second = 0] = await byArgmax([20], 2);
    expect(await generate(runner, [20], { maxNewTokens: 9, stopIds: new Set([second]) })).toEqual(
      first === second ? [] : [first],
    );
    expect(await generate(runner, [20], { maxNewTokens: 0, stopIds: NONE })).toEqual([]);
    const long = Array.from({ length: 61 }, (_, i) => i % 37);
    expect(await generate(runner, long, { maxNewTokens: 50, stopIds: NONE })).toHaveLength(3);
  });
});

describe('sampling', () => {
  const sampling = { temperature: 2, topP: 1, seed: 5 };
  const options = { maxNewTokens: 12, stopIds: NONE, sampling };

  it('repeats itself with the same seed, and differs with another', async () => {
    const made = await generate(runner, [3, 9, 1], options);
    expect(await generate(runner, [3, 9, 1], options)).toEqual(made);
    expect(await generate(runner, [3, 9, 1], { ...options, sampling: { ...sampling, seed: 6 } })).not.toEqual(made);
  });

  it('of a prompt does not depend on how many run beside it', async () => {
    const small = await generateAll(runner, PROMPTS, { ...options, batchSize: 1 });
    expect(await generateAll(runner, PROMPTS, { ...options, batchSize: 4 })).toEqual(small);
  });

  it('from almost no probability mass, or at almost no temperature, is greedy', async () => {
    const greedy = await byArgmax([3, 9, 1], 12);
    for (const narrow of [{ topP: 1e-9 }, { temperature: 1e-6 }]) {
      expect(await generate(runner, [3, 9, 1], { ...options, sampling: { ...sampling, ...narrow } })).toEqual(greedy);
    }
  });

  it('draws tokens as often as their probabilities say', async () => {
    const prompts = Array.from({ length: 3000 }, () => [20]);
    const rows = Int32Array.of(0);
    const logits = await runner.logits({ batch: 1, length: 1, inputIds: Int32Array.of(20), rows });
    const weights = Float64Array.from(logits, Math.exp);
    const total = weights.reduce((a, b) => a + b, 0);
    const drawn = await generateAll(runner, prompts, {
      maxNewTokens: 1,
      stopIds: NONE,
      batchSize: 500,
      sampling: { temperature: 1, topP: 1, seed: 1 },
    });
    weights.forEach((w, id) => {
      const share = drawn.filter(([first]) => first === id).length / prompts.length;
      // Five standard deviations of a binomial share.
      expect(Math.abs(share - w / total)).toBeLessThan(5 * Math.sqrt(w / total / prompts.length));
    });
  });
});

describe('what cannot be generated', () => {
  it.each([
    [[], /prompt 1 is empty; expected 1 to 63 tokens/],
    [Array<number>(64).fill(1), /prompt 1 has 64 tokens/],
  ])('is refused: a prompt of %j', async (prompt, message) => {
    await expect(generate(runner, prompt, { maxNewTokens: 1, stopIds: NONE })).rejects.toThrow(message);
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    const made = generate(runner, [20], {
      maxNewTokens: 50,
      stopIds: NONE,
      signal: controller.signal,
      onToken: () => controller.abort(),
    });
    await expect(made).rejects.toSatisfy((error) => KernelError.is(error, 'cancelled'));
  });
});

it('lengths come in few sizes and never beyond the model', () => {
  expect([1, 32, 33, 100, 128, 129, 200].map((n) => bucketLength(n, 1000))).toEqual([32, 32, 64, 128, 128, 192, 256]);
  expect(bucketLength(150, 160)).toBe(160);
});
