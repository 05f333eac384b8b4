/** @file Trains and writes an adapter with the parts that the product uses, on a random model of a few thousand numbers. */
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { saveAdapter } from '../../../kernels/adapters/adapterFile';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { reloraFields, trainingFields } from '../../../kernels/config/sections';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { convert } from '../../../kernels/merge/convert';
import { promptIds } from '../../../kernels/merge/proof';
import type { BaseModel } from '../../../kernels/models/baseModel';
import { openBaseModel, withTaskOf } from '../../../kernels/models/baseModel';
import type { ConvertReport } from '../../../kernels/protocol/types';
import { AdamW } from '../../../kernels/trainer/adamw';
import { MeasuredMeans } from '../../../kernels/trainer/measuredMeans';
import { optimiserGroups, rangesOf } from '../../../kernels/trainer/optimiserGroups';
import { Parameters } from '../../../kernels/trainer/parameters';
import { Restarts } from '../../../kernels/trainer/restarts';
import type { Schedule } from '../../../kernels/trainer/schedule';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { createRandom } from '../../../kernels/util/random';
import type { Batch } from '../golden/model';
import { microBatch } from '../golden/model';
import { GoldenTraining } from '../golden/restarts';
import type { FormatCase, OwnAdapter } from './formatCases';

const STEPS = 2;
/** So large that two steps change the logits far more than rounding does. */
const LEARNING_RATE = 0.05;
const SEED = 7;
const SCHEDULE: Schedule = { type: 'constant', warmupSteps: 0, totalSteps: STEPS };
const LENGTH = 9;

/** The base of a case: its folder, or a copy in `work` without the modules that answer. */
export function baseOf({ base, headless }: Pick<FormatCase, 'base' | 'headless'>, root: string, work: string): string {
  const given = path.join(root, 'bases', base);
  if (headless === undefined) return given;
  const dir = path.join(work, `${base}-headless`);
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  cpSync(path.join(given, 'config.json'), path.join(dir, 'config.json'));
  const stored = openSafetensors(path.join(given, 'model.safetensors'));
  const body = [...stored.tensors.values()].filter(({ name }) => !name.startsWith('classifier.'));
  const writer = SafetensorsWriter.create(
    path.join(dir, 'model.safetensors'),
    body.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    { metadata: new Map([['format', 'pt']]) },
  );
  for (const { name } of body) writer.writeF32(name, stored.readF32(name));
  writer.commit();
  stored.close();
  return dir;
}

/** Opened for training; a head that is to be made answers with the case's labels. */
export function openForTraining(dir: string, { headless }: Pick<FormatCase, 'headless'>): BaseModel {
  const model = openBaseModel(dir);
  if (headless === undefined) return model;
  const labels = Array.from({ length: headless }, (_, i) => `answer ${i}`);
  return withTaskOf(model, () => ({ kind: 'classification', labels }));
}

/** Ids and labels, fixed by the sizes of the model. Conversions are compared on the prompts of which they report the error. */
export function inputsFor(model: BaseModel, { own }: Pick<FormatCase, 'own'>): Batch {
  const { config, task } = model;
  const random = createRandom(SEED, config.vocabularySize);
  // The first ids are special: padding among them would move positions.
  const row = (): number[] => Array.from({ length: LENGTH }, () => 3 + random.below(config.vocabularySize - 3));
  const ids = own?.convert ? promptIds(model) : [row(), row()];
  const labels = { 'next-token': ids, classification: [1, 2], regression: [0.5, -1] }[task.kind];
  return { input_ids: ids, attention_mask: ids.map((all) => all.map(() => 1)), labels };
}

/** Where the adapter of a conversion lies before it. */
export const trainedFolder = (work: string): string => path.join(work, 'trained');

/** Trains, writes and, where the case says so, converts: `out` is then the converted folder, with its report. */
export async function writeOwnAdapter(
  model: BaseModel,
  own: OwnAdapter,
  batch: Batch,
  paths: { readonly out: string; readonly work: string },
): Promise<ConvertReport | null> {
  const { adapter, convert: conversion } = own;
  const { method: id, ...section } = adapter;
  const method = adapterMethods.find((m) => m.id === id);
  if (!method) throw new Error(`there is no method ${id}`);
  const config = withDefaults(method.config as Fields, section);
  const plan = planAdapter(method, config, model);
  const parameters = new Parameters(plan).initialise(model, SEED);
  const training = new GoldenTraining({ model, plan, parameters, saveOptions: { baseModelPath: model.dir } });
  const restarts = own.isRestarted ? restartsOf(training, path.join(paths.work, 'cycles')) : null;
  const trained = conversion ? trainedFolder(paths.work) : paths.out;
  try {
    await takeSteps(training, batch, restarts);
    const last = (await restarts?.finalAdapter(training.parts)) ?? null;
    const { parts } = training;
    if (last) saveAdapter(trained, last.plan, last.values, last.options);
    else saveAdapter(trained, parts.plan, parts.parameters, parts.saveOptions);
  } finally {
    await training.dispose();
    restarts?.dispose();
  }
  if (!conversion) return null;
  const { wanted, dtype = 'f32' } = conversion;
  return convert({ base: model.dir, adapter: trained, out: paths.out, wanted, dtype });
}

function restartsOf({ parts }: GoldenTraining, folder: string): Restarts | null {
  const relora = withDefaults(reloraFields, { every: 1 });
  const training = withDefaults(trainingFields, {});
  return Restarts.of({ ...parts, config: { relora, training }, totalSteps: STEPS }, folder);
}

async function takeSteps(training: GoldenTraining, batch: Batch, restarts: Restarts | null): Promise<void> {
  const { plan, model } = training.parts;
  const micro = microBatch(batch, model, plan.method.measures !== undefined);
  const groups = optimiserGroups(plan, {});
  const optimiser = new AdamW(plan.trainedSize, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  const gradient = new Float32Array(plan.trainedSize);
  const means = new MeasuredMeans(plan);
  for (let step = 0; step < STEPS; step++) {
    gradient.fill(0);
    const work = { batch: micro, rowWeight: 1 / micro.rows.length, dropoutSeed: 0 };
    await training.runner.step(work, gradient, means.add);
    const { trained } = training.parts.parameters;
    optimiser.update(trained, gradient, rangesOf(groups, LEARNING_RATE, 0), 1);
    if (!restarts?.isDue(step + 1)) continue;
    const before = training.parts;
    await training.runner.dispose();
    let after = before;
    await restarts.recorded(
      before,
      { step: step + 1, optimiser, groups, schedule: SCHEDULE },
      (parts) => (after = parts),
    );
    optimiser.counted = restarts.counted;
    await training.begin(after);
  }
  means.writeInto(training.parts.parameters);
}

/** `adapter_config.json` without the place of the base model, which differs from machine to machine. */
export function placelessConfig(dir: string): Readonly<Record<string, unknown>> {
  const text = readFileSync(path.join(dir, 'adapter_config.json'), 'utf8');
  return { ...(JSON.parse(text) as Readonly<Record<string, unknown>>), base_model_name_or_path: null };
}
