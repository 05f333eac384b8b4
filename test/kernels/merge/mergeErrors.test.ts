/** @file The measured error of merges that only come close: zero where a merge is exact, of all ways, over the data that is told. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveAdapter } from '../../../kernels/adapters/adapterFile';
import { planAdapter } from '../../../kernels/adapters/plan';
import { reslora } from '../../../kernels/adapters/methods/reslora';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { calibrationSamples } from '../../../kernels/merge/calibration';
import { merge } from '../../../kernels/merge/merge';
import { outputErrors } from '../../../kernels/merge/outputErrors';
import { promptIds } from '../../../kernels/merge/proof';
import { unmerge } from '../../../kernels/merge/unmerge';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { MeasuredMeans } from '../../../kernels/trainer/measuredMeans';
import { Parameters } from '../../../kernels/trainer/parameters';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { withDefaults } from '../../../kernels/util/fields';
import { temporaryFolder, writeTinyModel } from '../../support/tinyModel';
import { writeTinyTraining } from '../../support/tinyTraining';
import { trainedAdapter } from '../../support/trainedAdapter';

const WAYS = ['input', 'weight', 'least_squares'];

/** An adapter whose measured numbers are those of the prompts, as if the last batch had been them. */
async function measuredAdapter(config: Readonly<Record<string, unknown>>) {
  const base = writeTinyModel({ config: { num_hidden_layers: 4 } });
  const model = openBaseModel(base);
  const plan = planAdapter(reslora, withDefaults(reslora.config, { r: 3, ...config }), model);
  const parameters = new Parameters(plan).initialise(model, 5);
  for (const t of plan.trained) {
    if (t.param === 'lora_B') parameters.get(t.key).forEach((_, i, all) => (all[i] = 0.2 * Math.sin(i + t.offset)));
  }
  const samples = promptIds(model);
  const length = samples[0]!.length;
  const means = new MeasuredMeans(plan);
  const runner = new ModelRunner(model, plan, parameters, { device: 'cpu', threads: 1 });
  const inputIds = Int32Array.from(samples.flat());
  const rows = Int32Array.from(inputIds.keys()).filter((i) => (i + 1) % length !== 0);
  const labels = rows.map((i) => inputIds[i + 1]!);
  const batch = { batch: samples.length, length, inputIds, rows, labels };
  await runner.step({ batch, rowWeight: 1, dropoutSeed: 0 }, new Float32Array(plan.trainedSize), means.add);
  await runner.dispose();
  means.writeInto(parameters);
  const adapter = temporaryFolder();
  saveAdapter(adapter, plan, parameters, { baseModelPath: base });
  return { base, adapter, model, plan, parameters, samples };
}

describe.each([
  ['is', {}],
  ['ms', { pre_num: 1 }],
  ['ms', { pre_num: -1 }],
])('ResLoRA %s %j', (variant, more) => {
  it('has an error in each way, and none comes nearer than least squares to what the shortcut adds', async () => {
    const { model, plan, parameters, samples } = await measuredAdapter({ variant, ...more });
    const errors = await outputErrors(model, plan, parameters, samples, { threads: 1 });
    model.checkpoint.close();
    expect(errors.map(({ way }) => way)).toEqual(WAYS);
    for (const { layers, mean, largest } of errors) {
      expect(layers.map(({ module }) => module)).toEqual(plan.layers.map(({ site }) => site.path));
      expect(mean).toBeGreaterThan(0);
      expect(mean).toBeLessThanOrEqual(largest);
      // Nothing stands before the first block: its merge is exact.
      for (const { module, error } of layers) if (module.includes('.0.')) expect(error).toBeLessThan(1e-5);
    }
    const [input, , fitted] = errors;
    expect(fitted!.mean).toBeLessThanOrEqual(input!.mean * 1.01);
  });
});

it('a merge reports the way it took and what the others cost, over the fixed prompts without data', async () => {
  const folders = trainedAdapter({ method: 'reslora', config: { variant: 'is' } });
  const report = await merge({ ...folders, out: path.join(temporaryFolder(), 'merged'), dtype: 'keep' });
  expect(report.errors).toMatchObject({ chosen: 'input', samples: 4, tokens: 48, files: [] });
  expect(report.errors?.ways.map(({ way }) => way)).toEqual(WAYS);
});

it('another way can be taken, and is taken back when unmerging', async () => {
  const { base, adapter, model } = await measuredAdapter({ variant: 'is' });
  model.checkpoint.close();
  const out = path.join(temporaryFolder(), 'merged');
  const report = await merge({ base, adapter, out, dtype: 'keep', way: 'least_squares' });
  expect(report.errors?.chosen).toBe('least_squares');
  const restored = await unmerge({ merged: out, adapter, out: path.join(temporaryFolder(), 'restored') });
  expect(restored.maxAbsWeightDifference).toBeLessThan(1e-6);
  const [plain, fitted] = [path.join(temporaryFolder(), 'plain'), openCheckpoint(out)];
  await merge({ base, adapter, out: plain, dtype: 'keep' });
  const byInput = openCheckpoint(plain);
  const name = 'model.layers.2.self_attn.q_proj.weight';
  expect(fitted.readF32(name)).not.toEqual(byInput.readF32(name));
  [fitted, byInput].forEach((file) => file.close());
});

it('exact merges have no ways to choose from or to compare', async () => {
  const folders = trainedAdapter({ method: 'reslora', config: { variant: 'bs' } });
  const out = path.join(temporaryFolder(), 'merged');
  await expect(merge({ ...folders, out, dtype: 'keep', way: 'weight' })).rejects.toThrow(/cannot be merged by weight/);
  await expect(merge({ ...folders, out, dtype: 'keep', data: 'x.jsonl' })).rejects.toThrow(
    /is exact; expected no data/,
  );
  expect((await merge({ ...folders, out, dtype: 'keep' })).errors).toBeUndefined();
});

describe('the samples of the comparison', () => {
  const place = (): { readonly folder: string; readonly model: string; readonly evalFile: string } =>
    writeTinyTraining(temporaryFolder());

  it('are those of a file that is given', async () => {
    const { model: dir, evalFile } = place();
    const model = openBaseModel(dir);
    const { samples, files } = await calibrationSamples(model, temporaryFolder(), evalFile);
    model.checkpoint.close();
    expect(files).toEqual([evalFile]);
    expect(samples).toHaveLength(6);
  });

  it('are the evaluation data of the run that the adapter lies in, from its final folder and its checkpoints', async () => {
    const { folder, model: dir, evalFile } = place();
    const run = path.join(folder, 'runs', 'one');
    const data = { train: [path.join(folder, 'train.jsonl')], eval: [evalFile], format: 'auto', max_length: 64 };
    for (const place of ['adapter', 'checkpoints/step-000010']) mkdirSync(path.join(run, place), { recursive: true });
    writeFileSync(path.join(run, 'run.json'), JSON.stringify({ config: { data, training: { seed: 1 } } }));
    const model = openBaseModel(dir);
    for (const place of ['adapter', 'checkpoints/step-000010']) {
      expect((await calibrationSamples(model, path.join(run, place), undefined)).files).toEqual([evalFile]);
    }
    rmSync(evalFile);
    expect((await calibrationSamples(model, path.join(run, 'adapter'), undefined)).files).toEqual([]);
    model.checkpoint.close();
  });
});
