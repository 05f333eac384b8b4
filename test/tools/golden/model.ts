/**
 * @file Golden cases of models and adapters: logits, losses, gradients, ten optimiser steps and the merge, through the
 * code the product uses. The data's README says how the reference ran.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadAdapter, saveAdapter } from '../../../kernels/adapters/adapterFile';
import type { AdapterPlan } from '../../../kernels/adapters/plan';
import { planAdapter, SHARED_MODULE } from '../../../kernels/adapters/plan';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import type { SafetensorsFile } from '../../../kernels/formats/safetensors';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { merge } from '../../../kernels/merge/merge';
import type { BaseModel } from '../../../kernels/models/baseModel';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { tiedHead } from '../../../kernels/models/types';
import { KernelError } from '../../../kernels/protocol/errors';
import { AdamW, clipFactor, globalNorm } from '../../../kernels/trainer/adamw';
import { MeasuredMeans } from '../../../kernels/trainer/measuredMeans';
import { optimiserGroups, rangesOf } from '../../../kernels/trainer/optimiserGroups';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { MicroBatch } from '../../../kernels/trainer/runner';
import { ModelRunner } from '../../../kernels/trainer/runner';
import type { Restarts } from '../../../kernels/trainer/restarts';
import type { Schedule } from '../../../kernels/trainer/schedule';
import { scheduleFactor } from '../../../kernels/trainer/schedule';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import type { IgnoredRanges, Tolerance } from './compare';
import { compareNames, compareValues } from './compare';
import { peftName } from './names';
import type { RestartCase } from './restarts';
import { GoldenTraining, restartAndCompare, restartsOf } from './restarts';
import { scheduleOf as restartScheduleOf } from './schedules';
import type { GoldenResult } from './tokenizer';

export interface Batch {
  readonly input_ids: readonly (readonly number[])[];
  readonly attention_mask: readonly (readonly number[])[];
  /** A row of token labels for each text; one class or number for each, where the head answers for whole texts. */
  readonly labels: readonly (readonly number[])[] | readonly number[];
  /** Which text of a pair each token is of. */
  readonly token_type_ids?: readonly (readonly number[])[];
}

interface OptimizerGroup {
  readonly lr: number;
  readonly weight_decay: number;
  readonly params: readonly string[];
}

interface ModelCase extends RestartCase {
  readonly kind: string;
  readonly base: string;
  readonly optimizer?: {
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly steps: number;
    readonly max_grad_norm: number | null;
    readonly amsgrad: boolean;
    readonly lr: number;
    /** `null`: each group says its own. */
    readonly weight_decay: number | null;
    readonly loraplus_lr_ratio?: number;
    readonly loraplus_lr_embedding?: number;
    readonly magnitude_pruning?: number;
    readonly schedule: { readonly type: string; readonly warmup_steps?: number; readonly total_steps?: number };
  };
  readonly optimizer_groups?: readonly OptimizerGroup[];
  readonly trainable?: readonly string[];
  /** ResLoRA: is, bs or ms; blocks linked; 0 no merge, 3 by weights, 4 by inputs. */
  readonly variant?: string;
  readonly pre_num?: number;
  readonly merge_flag?: number;
  readonly window_length?: number;
}

type Tolerances = Readonly<Record<string, Tolerance>>;

interface Expected {
  readonly logits_rows: number;
  readonly loss: number;
  readonly loss_per_batch?: readonly number[];
  readonly losses?: readonly number[];
  readonly learning_rates?: readonly (readonly number[])[];
  readonly grad_norms_before_clipping?: readonly number[];
  readonly loss_after_training_batch0?: number;
  readonly merged_changed_tensors?: readonly string[];
  readonly ignore?: Readonly<Record<string, IgnoredRanges>>;
  readonly tolerance: {
    readonly logits: Tolerance;
    readonly loss: Tolerance;
    readonly losses?: Tolerance;
    readonly grad_norms_before_clipping?: Tolerance;
    readonly grads?: Tolerances;
    readonly extra?: Tolerances;
    readonly final?: Tolerances;
    readonly merged?: Tolerances;
    readonly merged_logits?: Tolerance;
    readonly logits_after_training?: Tolerance;
  };
}

/** Added to the scores of masked positions. */
const MASKED = -1e30;
/** Learning rates come from the same formula in double precision. */
const RATE_TOLERANCE = 1e-12;

/** Runs one folder whose case.json is of kind "base", "adapter" or "full". Refuses what the product refuses, with its error. */
export async function runModelCase(root: string, folder: string): Promise<GoldenResult[]> {
  const test = readJson<ModelCase>(folder, 'case.json');
  const expected = readJson<Expected>(folder, 'expected.json');
  const { batches } = readJson<{ readonly batches: readonly Batch[] }>(folder, 'inputs.json');
  const model = openBaseModel(path.join(root, 'bases', test.base));
  const tensors = openSafetensors(path.join(folder, 'expected.safetensors'));
  const work = mkdtempSync(path.join(tmpdir(), 'golden-'));
  try {
    const golden: Golden = { folder, test, expected, batches, tensors, model };
    if (test.kind === 'base') return await runBase(golden);
    return test.kind === 'full' ? await runFull(golden, work) : await runAdapter(golden, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
    tensors.close();
    model.checkpoint.close();
  }
}

interface Golden {
  readonly folder: string;
  readonly test: ModelCase;
  readonly expected: Expected;
  readonly batches: readonly Batch[];
  readonly tensors: SafetensorsFile;
  readonly model: BaseModel;
}

async function runBase(golden: Golden): Promise<GoldenResult[]> {
  const { model, expected, batches } = golden;
  const runner = new ModelRunner(model, null, null, RUN);
  try {
    const results = [await compareLogits(golden, runner, 'logits', 'logits', expected.tolerance.logits)];
    const losses: number[] = [];
    for (const batch of batches) losses.push(await lossOf(runner, batch));
    const { loss_per_batch: wanted = [expected.loss], tolerance } = expected;
    results.push(compareValues('loss', losses.slice(0, 1), [expected.loss], tolerance.loss));
    results.push(compareValues('loss_per_batch', losses.slice(0, wanted.length), wanted, tolerance.loss));
    return results;
  } finally {
    await runner.dispose();
  }
}

async function runAdapter(golden: Golden, work: string): Promise<GoldenResult[]> {
  const { test, expected, model } = golden;
  const { plan, parameters: initial, configText } = loadAdapter(initialAdapter(golden, work), model);
  const names = plan.trained.map((t) => peftName(t, plan));
  const parameters = new Parameters(plan);
  for (const t of [...plan.trained, ...plan.frozen]) parameters.set(t.key, initial.get(t.key) ?? new Float32Array());
  const saveOptions = { baseModelPath: model.dir, preserve: configText };
  const training = new GoldenTraining({ model, plan, parameters, saveOptions });
  const { tolerance } = expected;
  try {
    const results = [
      compareNames('trained tensors', names, test.trainable ?? []),
      await compareLogits(golden, training.runner, 'logits', 'logits', tolerance.logits),
      ...(await trainAndCompare(golden, training, restartsOf(test, training, work))),
    ];
    const { runner } = training;
    const after = training.parts;
    // Where the merge is approximate, what comes after training is that of the merged model.
    const isApproximated =
      plan.method.approximates?.(plan.config) !== undefined && tolerance.merged_logits !== undefined;
    if (!isApproximated) results.push(...(await compareLossAfter(golden, runner)));
    const adapterDir = path.join(work, 'adapter');
    saveAdapter(adapterDir, after.plan, after.parameters, after.saveOptions);
    results.push(...compareAdapters(golden, plan, adapterDir));
    for (const name of ['logits_after_training', 'merged_logits'] as const) {
      const allowed = tolerance[name];
      if (!allowed || isApproximated) continue;
      results.push(await compareLogits(golden, runner, `${name}, not merged`, name, allowed));
    }
    if (tolerance.merged_logits)
      results.push(...(await mergeAndCompare(golden, plan, adapterDir, path.join(work, 'merged'), isApproximated)));
    return results;
  } finally {
    await training.dispose();
  }
}

/** PEFT's files do not say that a factor is frozen: the list of trained tensors does, and our files have a key for it. */
function initialAdapter({ folder, test }: Golden, work: string): string {
  const given = path.join(folder, 'adapter_init');
  const has = (factor: string): boolean => test.trainable?.some((name) => name.includes(`.${factor}.`)) ?? false;
  const config = readJson<Readonly<Record<string, unknown>>>(given, 'adapter_config.json');
  if (config.peft_type !== 'LORA' || config.use_mora === true) return given;
  const write = (keys: object): string => {
    const dir = path.join(work, 'adapter_init');
    cpSync(given, dir, { recursive: true });
    writeFileSync(path.join(dir, 'adapter_config.json'), JSON.stringify({ ...config, ...keys }));
    return dir;
  };
  if (test.kind === 'reslora') {
    const { variant, merge_flag, window_length: window = 100 } = test;
    // What the variant has no use for is an error in our files.
    const measured = variant === 'bs' ? {} : { window, merge: merge_flag === 3 ? 'weight' : 'input' };
    const pre_num = variant === 'is' ? 1 : test.pre_num;
    const dir = write({ reslora: { variant, pre_num, ...measured } });
    addMeasured(path.join(dir, 'adapter_model.safetensors'), variant);
    return dir;
  }
  if (has('lora_A') === has('lora_B')) return given;
  // The start of the frozen factor is that of the file, and of no matter here.
  const [frozen, initA, initB] = has('lora_B') ? ['A', 'kaiming', 'zero'] : ['B', 'zero', 'kaiming'];
  return write({ asylora: { frozen, initA, initB } });
}

/** The reference's files have no place for what is measured; ours do, and before the first step it is 1. */
function addMeasured(file: string, variant: string | undefined): void {
  const fitted = ['reslora_dot', 'reslora_square'];
  const names = { is: ['reslora_f_x', ...fitted], ms: ['reslora_f_x', 'reslora_f_ax', ...fitted] }[variant ?? ''] ?? [];
  const given = openSafetensors(file);
  const tensors = [...given.tensors.values()].map(({ name, shape }) => ({ name, shape, data: given.readF32(name) }));
  given.close();
  const modules = tensors.flatMap(({ name }) => /^(.*)\.lora_A\.weight$/.exec(name)?.[1] ?? []);
  for (const module of modules) {
    for (const name of names) tensors.push({ name: `${module}.${name}`, shape: [], data: Float32Array.of(1) });
  }
  const specs = tensors.map(({ name, shape }) => ({ name, shape, dtype: 'F32' as const }));
  const writer = SafetensorsWriter.create(file, specs);
  for (const { name, data } of tensors) writer.writeF32(name, data);
  writer.commit();
}

/** Tensors of the base are trained themselves; names are those of the checkpoint, in the saved folder too. */
async function runFull(golden: Golden, work: string): Promise<GoldenResult[]> {
  const { folder, test, expected, model, batches, tensors } = golden;
  const plan = basePlan(model, test.trainable ?? []);
  const parameters = new Parameters(plan).initialise(model, 0);
  const training = new GoldenTraining({ model, plan, parameters, saveOptions: { baseModelPath: model.dir } });
  const { runner } = training;
  const final = openSafetensors(path.join(folder, 'final.safetensors'));
  const { tolerance } = expected;
  const after = 'logits_after_training';
  try {
    const names = plan.trained.map((t) => t.key);
    const results = [
      compareNames('trained tensors', names, test.trainable ?? []),
      await compareLogits(golden, runner, 'logits', 'logits', tolerance.logits),
      ...(await trainAndCompare(golden, training)),
    ];
    const saved = path.join(work, 'adapter');
    saveAdapter(saved, plan, parameters, { baseModelPath: model.dir });
    const own = openSafetensors(path.join(saved, 'adapter_model.safetensors'));
    results.push(compareNames('names in the saved file', own.tensors.keys(), names));
    for (const name of final.tensors.keys()) {
      const options = { ...ignoring(expected, name), isTrained: true };
      const allowed = tolerance.final?.[name] ?? EXACT;
      const values = own.tensors.has(name) ? own.readF32(name) : [];
      results.push(compareValues(`final.${name}`, values, final.readF32(name), allowed, options));
    }
    own.close();
    results.push(...(await compareLossAfter(golden, runner)));
    const allowed = tolerance[after] ?? EXACT;
    if (tensors.tensors.has(after)) results.push(await compareLogits(golden, runner, after, after, allowed));

    const out = path.join(work, 'merged');
    await merge({ base: model.dir, adapter: saved, out, dtype: 'f32' });
    const merged = openBaseModel(out);
    const plain = new ModelRunner(merged, null, null, RUN);
    try {
      const [before, onDisk] = [await lossOf(runner, first(batches)), await lossOf(plain, first(batches))];
      // The same float32 tensors in the same graph but for where they lie.
      results.push(compareValues('loss of the merged checkpoint', [onDisk], [before], { atol: 1e-6 }));
      if (tensors.tensors.has(after))
        results.push(await compareLogits(golden, plain, `merged ${after}`, after, allowed));
    } finally {
      await plain.dispose();
      merged.checkpoint.close();
    }
    return results;
  } finally {
    final.close();
    await runner.dispose();
  }
}

/** The plan of the method that trains just these tensors; where none does, that of full fine-tuning, whose names then differ. */
function basePlan(model: BaseModel, trainable: readonly string[]): AdapterPlan {
  const wanted = [...trainable].sort().join();
  const configs = [
    {},
    { train_head: false },
    ...Array.from({ length: model.config.layers }, (_, i) => ({ num_layers: i + 1 })),
  ];
  for (const method of adapterMethods.filter((m) => m.peft.peft_type === 'BASE_TENSORS')) {
    for (const config of configs) {
      const plan = planOrNull(() => planAdapter(method, withDefaults(method.config as Fields, config), model));
      const names = plan?.trained.map((t) => t.key).sort();
      if (plan && names?.join() === wanted) return plan;
    }
  }
  const full = adapterMethods.find((m) => m.id === 'full');
  if (!full) throw new Error('there is no method full');
  return planAdapter(full, {}, model);
}

/** A method that the model refuses is not the one. */
function planOrNull(make: () => AdapterPlan): AdapterPlan | null {
  try {
    return make();
  } catch (error) {
    if (KernelError.is(error, 'adapter/unsupported')) return null;
    throw error;
  }
}

async function trainAndCompare(
  { test, expected, batches, tensors, model }: Golden,
  training: GoldenTraining,
  restarts: Restarts | null = null,
): Promise<GoldenResult[]> {
  const { plan } = training.parts;
  const { optimizer } = test;
  if (!optimizer || optimizer.amsgrad) {
    throw new KernelError('adapter/unsupported', 'AMSGrad is not supported');
  }
  const { loraplus_lr_ratio } = optimizer;
  const { lr: learning_rate, loraplus_lr_embedding } = optimizer;
  const groups = optimiserGroups(plan, { learning_rate, loraplus_lr_ratio, loraplus_lr_embedding });
  // PEFT's helper makes four groups for LoRA+, of which those without tensors do not count.
  const isUsed = (group: number): boolean => (test.optimizer_groups?.[group]?.params.length ?? 1) > 0;
  const usedGroups = (test.optimizer_groups ?? [{ params: [] }]).filter((_, group) => isUsed(group));
  const decays = plan.trained.map((t) => {
    const group = test.optimizer_groups?.find((g) => g.params.includes(peftName(t, plan)));
    return group?.weight_decay ?? optimizer.weight_decay ?? 0;
  });
  const { tolerance } = expected;
  const adam = new AdamW(plan.trainedSize, {
    beta1: optimizer.betas[0],
    beta2: optimizer.betas[1],
    epsilon: optimizer.eps,
  });
  const schedule = scheduleOf(test);
  const gradient = new Float32Array(plan.trainedSize);
  const means = new MeasuredMeans(plan);
  const results: GoldenResult[] = [];
  const measured = { losses: [] as number[], norms: [] as number[], rates: [] as number[] };
  for (let step = 0; step < optimizer.steps; step++) {
    const batch = batches[step % batches.length] ?? first(batches);
    const micro = microBatch(batch, model, plan.method.measures !== undefined);
    gradient.fill(0);
    const rowWeight = 1 / micro.rows.length;
    measured.losses.push(await training.runner.step({ batch: micro, rowWeight, dropoutSeed: 0 }, gradient, means.add));
    if (step === 0) {
      for (const t of plan.trained) {
        const name = peftName(t, plan);
        const expectedName = `grad.${name}`;
        if (!tensors.tensors.has(expectedName)) continue;
        const wanted = tensors.readF32(expectedName);
        const allowed = tolerance.grads?.[name] ?? EXACT;
        const own = gradient.subarray(t.offset, t.offset + t.size);
        results.push(compareValues(expectedName, own, wanted, allowed, ignoring(expected, name)));
      }
    }
    const norm = globalNorm(gradient);
    const learningRate = optimizer.lr * scheduleFactor(schedule, step);
    measured.norms.push(norm);
    // One of ours for each group of the reference that has tensors: that of its first tensor.
    for (const { params } of usedGroups) {
      const own = groups.find((g) => g.tensors.some((t) => params.length === 0 || peftName(t, plan) === params[0]));
      measured.rates.push((own?.ratio ?? NaN) * learningRate);
    }
    adam.update(
      training.parts.parameters.trained,
      gradient,
      rangesOf(groups, learningRate, 0).map((range) => {
        const tensor = plan.trained.findIndex((t) => t.offset === range.from);
        return { ...range, weightDecay: decays[tensor] ?? 0 };
      }),
      clipFactor(norm, optimizer.max_grad_norm ?? 0),
    );
    if (restarts && step + 1 === test.merge_after_step) {
      const state = { step: step + 1, optimiser: adam, groups, schedule };
      results.push(...(await restartAndCompare(training, restarts, state, tensors, tolerance.extra ?? {})));
    }
  }
  means.writeInto(training.parts.parameters);
  const rates = expected.learning_rates?.flatMap((all) => all.filter((_, group) => isUsed(group)));
  const { grad_norms_before_clipping: norms } = expected;
  return [
    ...results,
    compareValues('loss', measured.losses.slice(0, 1), [expected.loss], tolerance.loss),
    ...ifGiven(expected.losses, (all) => compareValues('losses', measured.losses, all, losses(tolerance))),
    ...ifGiven(norms, (all) =>
      compareValues('grad_norms', measured.norms, all, tolerance.grad_norms_before_clipping ?? EXACT),
    ),
    ...ifGiven(rates, (all) =>
      compareValues('learning_rates', measured.rates, all, { atol: RATE_TOLERANCE * optimizer.lr }),
    ),
  ];
}

/** A case need not hold every quantity. */
const ifGiven = <T>(wanted: T | undefined, compare: (wanted: T) => GoldenResult): readonly GoldenResult[] =>
  wanted === undefined ? [] : [compare(wanted)];

function scheduleOf({ optimizer, schedule: ofCycles }: ModelCase): Schedule {
  if (ofCycles) {
    const { scheduler_type: name } = ofCycles;
    return restartScheduleOf({
      // What the reference calls a cosine is the one that begins anew in each cycle.
      type: name === 'cosine' ? 'cyclical_cosine' : name,
      num_training_steps: ofCycles.num_training_steps,
      first_warmup_steps: ofCycles.warmup_steps,
      restart_warmup_steps: ofCycles.restart_warmup_steps,
      restart_every: ofCycles.cycle_length ?? ofCycles.num_training_steps,
      min_lr_ratio: ofCycles.min_lr_ratio,
      adjust_step: ofCycles.adjust_step,
    });
  }
  const { schedule, steps } = optimizer ?? { schedule: { type: 'none' }, steps: 0 };
  const { type, warmup_steps, total_steps = steps } = schedule;
  return restartScheduleOf({ type, num_warmup_steps: warmup_steps, num_training_steps: total_steps });
}

/** The folder we wrote against the reference's: the same names, each tensor within its tolerance. */
function compareAdapters({ folder, expected }: Golden, plan: AdapterPlan, dir: string): GoldenResult[] {
  const own = openSafetensors(path.join(dir, 'adapter_model.safetensors'));
  const wanted = openSafetensors(path.join(folder, 'adapter_final', 'adapter_model.safetensors'));
  try {
    // The reference leaves most copies of MoRA's matrix out; one that is there must be equal to ours.
    const isCopy = (name: string): boolean =>
      Object.keys(plan.method.copies ?? {}).some((c) => name.includes(`.${c}.`));
    // Nor does it hold what was measured: those numbers are in its expected.json.
    const isMeasured = (name: string): boolean => plan.frozen.some((t) => t.isMeasured && peftName(t, plan) === name);
    // Or what a seed gives (`save_projection: false`).
    const isShared = (name: string): boolean =>
      plan.frozen.some((t) => t.module === SHARED_MODULE && peftName(t, plan) === name);
    const written = [...own.tensors.keys()].filter(
      (name) => !(isCopy(name) || isMeasured(name) || isShared(name)) || wanted.tensors.has(name),
    );
    // PEFT stores the frozen table of an adapted embedding or head once more; that it is the base's was checked when it was read.
    const needed = [...wanted.tensors.keys()].filter((name) => !name.endsWith('.base_layer.weight'));
    const names = compareNames('names in the adapter file', written, needed);
    const common = [...wanted.tensors.keys()].filter((name) => own.tensors.has(name));
    const values = common.map((name) => {
      const original = originalOf(name, plan);
      const allowed = expected.tolerance.final?.[name] ?? expected.tolerance.final?.[original] ?? EXACT;
      const options = { ...ignoring(expected, name), isTrained: true };
      return compareValues(`final.${name}`, own.readF32(name), wanted.readF32(name), allowed, options);
    });
    return [names, ...values];
  } finally {
    own.close();
    wanted.close();
  }
}

/** The tensor that another one is the copy of, or the name itself. */
function originalOf(name: string, { method }: AdapterPlan): string {
  const copies = Object.entries((method.copies ?? {}) as Readonly<Record<string, string>>);
  return copies.reduce((result, [copy, param]) => result.replace(`.${copy}.`, `.${param}.`), name);
}

async function mergeAndCompare(
  golden: Golden,
  plan: AdapterPlan,
  adapter: string,
  out: string,
  isApproximated: boolean,
): Promise<GoldenResult[]> {
  const { folder, expected, model } = golden;
  const { tolerance } = expected;
  // The reference converts half-precision weights to float32 before it merges.
  await merge({ base: model.dir, adapter, out, dtype: 'f32' });
  const merged = openBaseModel(out);
  const wanted = openSafetensors(path.join(folder, 'merged.safetensors'));
  const runner = new ModelRunner(merged, null, null, RUN);
  // Ranges that are ignored are those of the tensor that was trained.
  const trainedNames = new Map(plan.trained.map((t) => [t.key, peftName(t, plan)]));
  try {
    const results = [...wanted.tensors.keys()].map((name) => {
      const own = merged.checkpoint.tensors.has(name) ? merged.checkpoint.readF32(name) : [];
      const allowed = tolerance.merged?.[name] ?? EXACT;
      const copies = copiesIn(name, plan);
      const options = { ...ignoring(expected, trainedNames.get(name) ?? name), isTrained: true, copies };
      return compareValues(`merged.${name}`, own, wanted.readF32(name), allowed, options);
    });
    const changed = changedTensors(model, out);
    if (expected.merged_changed_tensors) {
      results.push(compareNames('merged_changed_tensors', changed, expected.merged_changed_tensors));
    }
    results.push(
      await compareLogits(golden, runner, 'merged_logits', 'merged_logits', tolerance.merged_logits ?? EXACT),
    );
    if (isApproximated) results.push(...(await compareLossAfter(golden, runner)));
    return results;
  } finally {
    await runner.dispose();
    wanted.close();
    merged.checkpoint.close();
  }
}

/** A weight that is made of one small matrix (MoRA) has each of its entries in many places. */
function copiesIn(weight: string, { layers }: AdapterPlan): number {
  const layer = layers.find(({ site }) => site.weight === weight);
  const [only, ...others] = Object.values(layer?.params ?? {}).map(({ shape }) => shape.reduce((n, d) => n * d, 1));
  if (!layer || only === undefined || others.length > 0) return 1;
  const { inFeatures, outFeatures } = layer.site;
  return Math.max(1, Math.ceil((inFeatures * outFeatures) / only));
}

/** Tensors whose values differ from the base's, or that the base does not have: a head of its own is one only if it is not the embedding. */
function changedTensors({ checkpoint: before, head }: BaseModel, merged: string): string[] {
  const after = openCheckpoint(merged);
  const tied = tiedHead(head);
  try {
    return [...after.tensors.keys()].filter((name) => {
      const source = name === tied?.weight ? tied.tiedTo : name;
      if (!before.tensors.has(source)) return true;
      const old = before.readF32(source);
      return after.readF32(name).some((value, i) => value !== old[i]);
    });
  } finally {
    after.close();
  }
}

/** Batch 0, the sequences that the expected tensor holds, at the positions that are no padding. */
async function compareLogits(
  { batches, tensors, model }: Golden,
  runner: ModelRunner,
  quantity: string,
  name: string,
  tolerance: Tolerance,
): Promise<GoldenResult> {
  const batch = first(batches);
  const micro = microBatch(batch, model);
  const [sequences = 0] = tensors.tensor(name).shape;
  if (model.task.kind !== 'next-token') {
    const actual = await runner.logits({ ...micro, rows: micro.rows.slice(0, sequences) });
    return compareValues(quantity, actual, tensors.readF32(name), tolerance);
  }
  const rows = batch.attention_mask
    .slice(0, sequences)
    .flatMap((mask, i) => mask.flatMap((on, at) => (on === 1 ? [i * micro.length + at] : [])));
  const actual = await runner.logits({ ...micro, rows: Int32Array.from(rows) });
  const width = model.config.vocabularySize;
  const all = tensors.readF32(name);
  const wanted = new Float32Array(rows.length * width);
  rows.forEach((row, i) => wanted.set(all.subarray(row * width, (row + 1) * width), i * width));
  return compareValues(quantity, actual, wanted, tolerance);
}

async function compareLossAfter({ batches, expected }: Golden, runner: ModelRunner): Promise<readonly GoldenResult[]> {
  const name = 'loss_after_training_batch0';
  const after = await lossOf(runner, first(batches));
  return ifGiven(expected[name], (wanted) => compareValues(name, [after], [wanted], losses(expected.tolerance)));
}

async function lossOf(runner: ModelRunner, batch: Batch): Promise<number> {
  const micro = microBatch(batch, runner.model);
  return runner.loss(micro, 1 / micro.rows.length);
}

export function microBatch(
  { input_ids: ids, attention_mask: mask, token_type_ids: types, labels }: Batch,
  { task }: BaseModel,
  isMeasured = false,
): MicroBatch {
  const length = ids[0]?.length ?? 0;
  const bias = Float32Array.from(mask.flat(), (on) => (on === 1 ? 0 : MASKED));
  if (task.kind !== 'next-token') {
    const numbers = labels.flat();
    return {
      batch: ids.length,
      length,
      inputIds: Int32Array.from(ids.flat()),
      rows: Int32Array.from(ids.keys(), (i) => i * length),
      labels: task.kind === 'regression' ? Float32Array.from(numbers) : Int32Array.from(numbers),
      paddingBias: bias,
      ...(types && { tokenTypes: Int32Array.from(types.flat()) }),
    };
  }
  const supervised = labels.flatMap((row, i) =>
    [row].flat().flatMap((label, at) => (at > 0 && label !== -100 ? [{ row: i * length + at - 1, label }] : [])),
  );
  // Behind causal attention only padding that comes before a token is ever seen.
  // Norms that are measured are taken over padding too, whose own hidden states depend on what they see.
  const isSeen = mask.some((row) => row.some((on, at) => on === 0 && (isMeasured || row.slice(at).includes(1))));
  return {
    batch: ids.length,
    length,
    inputIds: Int32Array.from(ids.flat()),
    rows: Int32Array.from(supervised, ({ row }) => row),
    labels: Int32Array.from(supervised, ({ label }) => label),
    ...(isSeen && { paddingBias: bias }),
  };
}

const RUN = { device: 'cpu', threads: 2 } as const;
const EXACT: Tolerance = { atol: 0 };

const losses = ({ losses: own, loss }: Expected['tolerance']): Tolerance => own ?? loss;

function ignoring({ ignore }: Expected, name: string): { readonly ignored?: IgnoredRanges } {
  const ignored = ignore?.[name];
  return ignored ? { ignored } : {};
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('inputs.json holds no batches');
  return item;
}

const readJson = <T>(folder: string, file: string): T => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as T;
