/** @file The fast estimate: an upper bound first, the counted batches once they are known. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { QuickEstimates } from '../../../kernels/estimate/quickEstimate';
import { readConfig } from '../../../kernels/check/checkConfig';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const file = fixture.config('quick');

describe('a quick estimate', () => {
  it('takes the batch to be full of samples of max_length', async () => {
    const quick = await new QuickEstimates().estimate(file, undefined);
    expect(quick).toMatchObject({ basis: 'max_length', tokensPerBatch: 3 * 64 });
    expect(quick.peakBytes).toBeGreaterThanOrEqual(quick.neededBytes);
  });

  it('reads the text of an editor in place of the file', async () => {
    const text = readFileSync(file, 'utf8').replace('per_device_train_batch_size: 3', 'per_device_train_batch_size: 6');
    const estimates = new QuickEstimates();
    const [saved, edited] = [await estimates.estimate(file, undefined), await estimates.estimate(file, text)];
    expect(edited.peakBytes).toBeGreaterThan(saved.peakBytes);
  });

  it('is kept until something changes that matters', async () => {
    const estimates = new QuickEstimates();
    const text = readFileSync(file, 'utf8');
    const first = await estimates.estimate(file, text);
    expect(await estimates.estimate(file, text.replace('learning_rate: 0.01', 'learning_rate: 0.02'))).toBe(first);
  });

  it('is exact about the batches once they were counted', async () => {
    const estimates = new QuickEstimates();
    const bound = await estimates.estimate(file, undefined);
    const shape = { kind: 'train', batch: 3, length: 48, rows: 64, held: 1 } as const;
    estimates.rememberShapes(readConfig(file), { shapes: [shape], samples: 41, totalSteps: 12 });
    const counted = await estimates.estimate(file, undefined);
    expect(counted).toMatchObject({ basis: 'tokens', tokensPerBatch: 144 });
    expect(counted.peakBytes).toBeLessThan(bound.peakBytes);
  });

  it('refuses what a run would be refused for', async () => {
    const text = readFileSync(file, 'utf8').replace('r: 3', 'r: none');
    await expect(new QuickEstimates().estimate(file, text)).rejects.toMatchObject({ code: 'input/refused' });
  });

  it('ends when it is cancelled, and answers again afterwards', async () => {
    const estimates = new QuickEstimates();
    await expect(estimates.estimate(file, undefined, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    expect(await estimates.estimate(file, undefined)).toMatchObject({ basis: 'max_length' });
  });
});
