/** @file The order of execution is the one that onnxruntime itself reports in a profile. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { executionOrder } from '../../../kernels/estimate/executionOrder';
import { hoistFrozen } from '../../../kernels/graph/hoistFrozen';
import { emitProgram } from '../../../kernels/graph/onnx/encode';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { Parameters } from '../../../kernels/trainer/parameters';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { buildGraph } from '../../../kernels/trainer/stepGraph';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { temporaryFolder, writeTinyModel } from '../../support/tinyModel';

const model = openBaseModel(writeTinyModel({ dtype: 'F16' }));
afterAll(() => model.checkpoint.close());

it.each(['lora', 'dora'])('a training step of %s', async (id) => {
  const method = adapterMethods.find((m) => m.id === id)!;
  const config = withDefaults(method.config as Fields, { r: 2, target_modules: 'all-linear' });
  const plan = planAdapter(method, config, model);
  const parameters = new Parameters(plan).initialise(model, 1);
  const profilePrefix = path.join(temporaryFolder(), 'profile');
  const runner = new ModelRunner(model, plan, parameters, { device: 'cpu', threads: 1, profilePrefix });
  const batch = {
    batch: 1,
    length: 16,
    inputIds: Int32Array.from({ length: 16 }, (_, i) => i),
    rows: Int32Array.from({ length: 8 }, (_, i) => i),
    labels: Int32Array.from({ length: 8 }, (_, i) => i + 1),
  };
  await runner.step({ batch, rowWeight: 1, dropoutSeed: 0 }, new Float32Array(plan.trainedSize));
  await runner.dispose();
  const dir = path.dirname(profilePrefix);
  const [file] = readdirSync(dir);
  const events = JSON.parse(readFileSync(path.join(dir, file!), 'utf8')) as { cat: string; name: string }[];
  const executed = events
    .filter(({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'))
    .map(({ name }) => name.slice(0, -'_kernel_time'.length));
  const { program } = hoistFrozen(buildGraph({ kind: 'train', shape: { batch: 1, length: 16, rows: 8 }, model, plan }));
  expect(executed.length).toBeGreaterThan(100);
  expect(executionOrder(emitProgram(program, 'cpu').out.nodes).map(({ name }) => name)).toEqual(executed);
});
