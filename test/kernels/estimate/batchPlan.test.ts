/** @file The counted batches are those that the run reads. */
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { planBatches } from '../../../kernels/estimate/batchPlan';
import type { PreparedRun } from '../../../kernels/trainer/prepare';
import { readConfig } from '../../../kernels/check/checkConfig';
import { prepareRun } from '../../../kernels/trainer/prepare';
import { graphShape } from '../../../kernels/trainer/runner';
import { temporaryFolder } from '../../support/tinyModel';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
let run: PreparedRun;
beforeAll(async () => {
  process.env.ADAPTER_STUDIO_CACHE = temporaryFolder();
  const file = fixture.config('plan', { data: { max_length: 24 } });
  run = await prepareRun(file, readConfig(file));
});
afterAll(() => {
  run.close();
  delete process.env.ADAPTER_STUDIO_CACHE;
});

describe('a plan of the batches', () => {
  it('has the shapes, tokens and padding of every batch of the run', () => {
    const plan = planBatches(run);
    const shapes = new Map<string, number>();
    let [tokens, most, supervised, computed] = [0, 0, 0, 0];
    for (let step = 1; step <= run.totalSteps; step++) {
      let own = 0;
      for (const batch of run.train.batchesOf(step)) {
        const shape = graphShape(batch.batch, batch.length, batch.rows.length);
        const key = `${shape.batch} ${shape.length} ${shape.rows}`;
        shapes.set(key, (shapes.get(key) ?? 0) + 1);
        own += batch.tokens;
        supervised += batch.rows.length;
        computed += batch.batch * batch.length;
      }
      tokens += own;
      most = Math.max(most, own);
    }
    const counted = plan.shapes.filter((s) => s.kind === 'train');
    expect(new Map(counted.map((s) => [`${s.batch} ${s.length} ${s.rows}`, s.batches]))).toEqual(shapes);
    expect(plan.tokens).toEqual({ mean: tokens / run.totalSteps, max: most });
    expect(plan.supervisedPerStep).toBeCloseTo(supervised / run.totalSteps);
    expect(plan.padding).toBeCloseTo(1 - tokens / computed);
    expect(plan.countedSteps).toBe(run.totalSteps);
  });

  it('counts the evaluations before, during and at the end', () => {
    const plan = planBatches(run);
    expect(plan.evaluations).toBe(4); // before step 1, and after steps 8, 16 and 24
    const batches = plan.shapes.filter((s) => s.kind === 'evaluation').reduce((n, s) => n + s.batches, 0);
    expect(batches).toBe(4 * run.evaluation!.count);
  });

  it('holds at most as many graphs as the runner keeps', () => {
    const { shapes, compilations } = planBatches(run);
    expect(Math.max(...shapes.map((s) => s.held))).toBe(Math.min(12, shapes.length));
    expect(compilations).toBeGreaterThanOrEqual(shapes.length);
  });
});
