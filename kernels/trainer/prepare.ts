/** @file From a configuration to everything a run needs: model, plan, parameters, data, device. Refuses what cannot run. */
import * as l10n from '@vscode/l10n';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { SaveOptions } from '../adapters/adapterFile';
import { adapterConfigText, loadAdapter, loadInto } from '../adapters/adapterFile';
import { adapterTask } from '../adapters/adapterTask';
import type { AdapterPlan } from '../adapters/plan';
import { planAdapter } from '../adapters/plan';
import { adapterMethod, adapterMethods } from '../adapters/registry';
import type { ResolvedConfig } from '../config/loadConfig';
import { methodConfig } from '../config/loadConfig';
import type { TokenDataset } from '../data/dataset';
import { openDataset } from '../data/dataset';
import type { EvaluationSplit } from '../data/batches';
import { splitForEvaluation } from '../data/batches';
import { foreignToken } from '../data/foreignToken';
import { RepeatedFaults } from '../data/repeatedFaults';
import { isLabelled, type SampleFormat, type SampleTask } from '../data/samples';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { loadTokenizer } from '../formats/tokenizer';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel, sampleTask, weightDtypes, withTaskOf } from '../models/baseModel';
import { oddities } from '../models/oddities';
import { refuseUnsoundWeights } from '../models/soundWeights';
import type { Problem } from '../protocol/errors';
import { formatProblem, KernelError } from '../protocol/errors';
import type { RunInfo } from '../protocol/types';
import type { ChosenDevice } from '../runtime/devices';
import { chooseDevice, physicalCores } from '../runtime/devices';
import { ortRuntime } from '../runtime/ort';
import type { Device } from '../runtime/types';
import { cacheFolder } from '../util/cacheFolder';
import { ENGINE_VERSION } from '../util/version';
import { BatchStream, evaluationSet } from './batchStream';
import type { EvaluationSet } from './evaluate';
import { Judgement } from './judgement';
import type { OptimiserGroup } from './optimiserGroups';
import { optimiserGroups } from './optimiserGroups';
import { Parameters } from './parameters';
import { refuseHalfTrainedCycles, refuseIdleRestarts, refuseImpossibleRestarts } from './restartSettings';
import { answersFor, headFor, refuseMissingHead, refuseOtherFormat } from './task';
import type { FixedPrompts } from './trainingSamples';
import { fixedPrompts } from './trainingSamples';

export interface PreparedRun {
  readonly config: ResolvedConfig;
  readonly model: BaseModel;
  readonly plan: AdapterPlan;
  readonly parameters: Parameters;
  /** Which learning rate each trained tensor gets. */
  readonly groups: readonly OptimiserGroup[];
  /** How the adapter is written: its base, and what another adapter said that this one started from. */
  readonly saveOptions: SaveOptions;
  readonly train: BatchStream;
  readonly evaluation: EvaluationSet | null;
  /** What the model is asked at every evaluation. */
  readonly samples: FixedPrompts | null;
  /** The data as tokens, of which `train` and `evaluation` are made; the same where a share was set aside. */
  readonly data: { readonly train: TokenDataset; readonly evaluation: TokenDataset };
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
  readonly device: Device;
  readonly threads: number;
  readonly info: RunInfo;
  /** Things a person should know before the run: skipped samples, unknown fields. */
  readonly warnings: readonly string[];
  close(): void;
}

export interface PrepareOptions {
  /** When the run was first started: a chat template that asks for the date gets this day's; default: now. */
  readonly startedAt?: Date;
  readonly signal?: AbortSignal;
  readonly onProgress?: (message: string, fraction?: number) => void;
  /** Only what a run says of itself is wanted: the parameters get no start, which takes long where it is taken out of the weights. */
  readonly isForInfo?: boolean;
  /** Only what is refused is wanted, all of it: rules go on after one has refused, and a device that works anyway is not probed. */
  readonly isJudgedOnly?: boolean;
}

export async function prepareRun(
  file: string,
  config: ResolvedConfig,
  options: PrepareOptions = {},
): Promise<PreparedRun> {
  const opened = new OpenFiles();
  try {
    return await prepare(file, config, options, opened);
  } catch (error) {
    opened.close();
    throw error;
  }
}

async function prepare(
  file: string,
  config: ResolvedConfig,
  options: PrepareOptions,
  opened: OpenFiles,
): Promise<PreparedRun> {
  const { onProgress = () => undefined, startedAt = new Date(), isJudgedOnly = false } = options;
  const { training, data } = config;
  const { init_from } = config.adapter;
  const judged = new Judgement(file);
  onProgress(l10n.t('Opening the base model'));
  const base = openBaseModel(config.model);
  opened.add(base.checkpoint);
  // Before the data is read, which may take long; a head for its labels comes after.
  judged.attempt(() => planFor(config, base, file));
  judged.attempt(() => refuseOtherFormat(data.format, base, file));
  judged.attempt(() => refuseLongSamples(config, base, file));
  const readTokenizer = judged.attempt(() => loadTokenizer(config.model));
  const prompts =
    readTokenizer && judged.attempt(() => ({ samples: fixedPrompts(config, readTokenizer, base, file, startedAt) }));
  const device = await judged.attemptAsync(() => deviceOf(config, base, file, isJudgedOnly));
  const threads = judged.attempt(() => threadsOf(config, file));
  if (!isJudgedOnly) judged.conclude();
  const tokenizer = judged.need(readTokenizer);

  const open = (files: readonly string[], what: DataSet, format: SampleFormat | 'auto') =>
    judged.attemptAsync(async () => {
      const reading = { what, format, task: sampleTask(base) };
      const tokens = opened.add(await openTokens(files, reading, config, tokenizer, { ...options, startedAt }));
      refuseForeignTokens(tokens, tokenizer, base);
      refuseNoSamples(tokens, what, file);
      return tokens;
    });
  const readTrain = await open(data.train, 'training', data.format);
  // Whole numbers alone do not tell classes from what is to be computed: the training data does.
  const evalFormat = readTrain && isLabelled(readTrain.format) ? readTrain.format : data.format;
  const evalData = data.eval ? ((await open(data.eval, 'evaluation', evalFormat)) ?? null) : null;
  if (!isJudgedOnly) judged.conclude();
  const trainData = judged.need(readTrain);
  const split = judged.need(judged.attempt(() => splitOf(config, trainData, file)));
  const model = judged.need(
    judged.attempt(() => {
      const isKnown = init_from !== undefined && base.head.kind === 'sequence';
      return headFor(base, trainData, isKnown ? adapterTask(init_from, base.head) : undefined);
    }),
  );
  const plan = judged.need(judged.attempt(() => planFor(config, model, file)));
  const shape = {
    batchSize: training.per_device_train_batch_size,
    maxLength: data.max_length,
    padId: padIdFor(model, tokenizer),
  };
  const answersOf = (set: TokenDataset) => judged.attempt(() => ({ answers: answersFor(model, set) }));
  const trainAnswers = answersOf(trainData);
  const [evalSource, evalIndices] = evalData
    ? [evalData, Int32Array.from({ length: evalData.length }, (_, i) => i)]
    : [trainData, split.evaluation];
  const evalAnswers = answersOf(evalSource);
  const train = new BatchStream(trainData, split.train, {
    ...shape,
    ...judged.need(trainAnswers),
    accumulation: training.gradient_accumulation_steps,
    shuffle: training.shuffle,
    groupByLength: training.group_by_length,
    seed: training.seed,
  });
  const { stepsPerEpoch } = train;
  const totalSteps = training.max_steps ?? Math.ceil((training.num_train_epochs ?? 1) * stepsPerEpoch);
  judged.attempt(() => refuseIdleRestarts(config, totalSteps, file));
  judged.attempt(() => refuseHalfTrainedCycles(config, plan, totalSteps, file));
  if (!isJudgedOnly) judged.conclude();

  await judged.attemptAsync(() => refuseUnsound(model, options));
  const initialising = l10n.t('Initialising the adapter');
  onProgress(initialising);
  const parameters = new Parameters(plan);
  if (!options.isForInfo && !isJudgedOnly) {
    judged.conclude();
    await parameters.initialiseInPieces(model, training.seed, {
      ...(options.signal && { signal: options.signal }),
      onProgress: (fraction) => onProgress(initialising, fraction),
    });
  }
  if (init_from !== undefined) {
    judged.attempt(() => {
      // What could not be merged into this model is no start either, even where its tensors have a place.
      loadAdapter(init_from, model);
      loadInto(init_from, plan, parameters);
    });
  }
  judged.conclude();
  const chosen = judged.need(device);
  const evaluation =
    evalIndices.length > 0 ? evaluationSet(evalSource, evalIndices, { ...shape, ...judged.need(evalAnswers) }) : null;
  const warnings = [trainData, evalData].flatMap((d) => (d ? describeLosses(d, data.max_length) : []));
  const info: RunInfo = {
    version: 1,
    name: runName(file),
    created: startedAt.getTime() / 1000,
    config_file: path.resolve(file),
    config: config as unknown as Readonly<Record<string, unknown>>,
    versions: { 'adapter-studio': ENGINE_VERSION, onnxruntime: ortRuntime.name, node: process.versions.node },
    device: { provider: chosen.device, threads: judged.need(threads), reason: chosen.reason },
    digests: {
      base: model.checkpoint.sampledDigest(),
      train: trainData.digest,
      ...(evalData && { eval: evalData.digest }),
      ...(init_from !== undefined && { init_from: adapterDigest(init_from) }),
    },
    parameters: { base: model.parameterCount, trainable: plan.trainedSize },
    total_steps: totalSteps,
    steps_per_epoch: stepsPerEpoch,
  };
  return {
    config,
    model,
    plan,
    parameters,
    groups: optimiserGroups(plan, training),
    saveOptions: {
      baseModelPath: model.dir,
      ...(init_from !== undefined && { preserve: adapterConfigText(init_from) }),
    },
    train,
    evaluation,
    samples: judged.need(prompts).samples,
    data: { train: trainData, evaluation: evalSource },
    totalSteps,
    stepsPerEpoch,
    device: chosen.device,
    threads: judged.need(threads),
    info,
    warnings: [...warnings, ...oddities(model).map(formatProblem)],
    close: () => opened.close(),
  };
}

/** In a judgement `auto` finds something in any case. */
function deviceOf(
  { runtime }: ResolvedConfig,
  base: BaseModel,
  file: string,
  isJudgedOnly: boolean,
): Promise<ChosenDevice> {
  const wanted = isJudgedOnly && runtime.device === 'auto' ? 'cpu' : runtime.device;
  return chooseDevice(wanted, weightDtypes(base), { file, where: 'runtime.device' });
}

function refuseNoSamples(set: TokenDataset, what: DataSet, file: string): void {
  if (set.length > 0) return;
  const why = describeSkipped(set) || l10n.t('it is empty');
  const [where, found] =
    what === 'training'
      ? ['data.train', l10n.t('holds no sample that can be trained on ({0})', why)]
      : ['data.eval', l10n.t('holds no sample that can be evaluated ({0})', why)];
  throw refusedKey(file, where, found, l10n.t('expected at least one'));
}

/** Which samples are trained on, and which are kept to evaluate on. */
function splitOf({ data, training }: ResolvedConfig, { length }: TokenDataset, file: string): EvaluationSplit {
  if (data.eval_fraction === undefined) {
    return { train: Int32Array.from({ length }, (_, i) => i), evaluation: new Int32Array() };
  }
  if (length >= 2) return splitForEvaluation(length, data.eval_fraction, training.seed);
  const found = l10n.t('needs 2 samples that can be trained on, and there is 1');
  throw refusedKey(file, 'data.eval_fraction', found, l10n.t('expected more samples, or data.eval in its place'));
}

function refuseUnsound(model: BaseModel, { signal, onProgress }: PrepareOptions): Promise<void> {
  return refuseUnsoundWeights(model, {
    ...(signal && { signal }),
    onProgress: (fraction) => onProgress?.(l10n.t('Reading the base weights'), fraction),
  });
}

type DataSet = 'training' | 'evaluation';

/** What has to be closed when the run is over, or cannot be prepared. */
class OpenFiles {
  private readonly files: { close(): void }[] = [];

  add<T extends { close(): void }>(file: T): T {
    this.files.push(file);
    return file;
  }

  close(): void {
    for (const file of this.files.splice(0)) file.close();
  }
}

const tokenising = (what: DataSet): string =>
  what === 'training' ? l10n.t('Tokenising the training data') : l10n.t('Tokenising the evaluation data');

function openTokens(
  files: readonly string[],
  { what, format, task }: { readonly what: DataSet; readonly format: SampleFormat | 'auto'; readonly task: SampleTask },
  { data }: ResolvedConfig,
  tokenizer: CheckpointTokenizer,
  { signal, onProgress, startedAt }: PrepareOptions,
): Promise<TokenDataset> {
  return openDataset({
    files,
    format,
    task,
    lossOn: data.loss_on,
    maxLength: data.max_length,
    tokenizer,
    cacheDir: path.join(cacheFolder(), 'tokens'),
    ...(startedAt && { now: startedAt }),
    ...(signal && { signal }),
    onProgress: (fraction) => onProgress?.(tokenising(what), fraction),
  });
}

export interface OpenedEvaluation {
  readonly model: BaseModel;
  readonly set: EvaluationSet;
  readonly device: Device;
  readonly threads: number;
  close(): void;
}

/** The evaluation data of a configuration, without anything that training needs, for the base model or an adapter. */
export async function openEvaluation(
  file: string,
  config: ResolvedConfig,
  options: PrepareOptions & { readonly adapter?: string | undefined } = {},
): Promise<OpenedEvaluation> {
  const opened = new OpenFiles();
  try {
    return await openEvaluationFiles(file, config, options, opened);
  } catch (error) {
    opened.close();
    throw error;
  }
}

async function openEvaluationFiles(
  file: string,
  config: ResolvedConfig,
  options: PrepareOptions & { readonly adapter?: string | undefined },
  opened: OpenFiles,
): Promise<OpenedEvaluation> {
  const { adapter } = options;
  const base = openBaseModel(config.model);
  opened.add(base.checkpoint);
  if (adapter === undefined) refuseMissingHead(base);
  const model = adapter === undefined ? base : withTaskOf(base, (head) => adapterTask(adapter, head));
  refuseOtherFormat(config.data.format, model, file);
  const tokenizer = loadTokenizer(config.model);
  const { data, training } = config;
  refuseLongSamples(config, model, file);
  if (!data.eval && data.eval_fraction === undefined) {
    throw refusedKey(
      file,
      'data',
      l10n.t('has no evaluation data'),
      l10n.t('expected data.eval, data.eval_fraction or --data FILE'),
    );
  }
  const dataset = opened.add(
    await openTokens(
      data.eval ?? data.train,
      { what: 'evaluation', format: data.format, task: model.task.kind },
      config,
      tokenizer,
      options,
    ),
  );
  refuseForeignTokens(dataset, tokenizer, model);
  refuseNoSamples(dataset, 'evaluation', file);
  const indices =
    data.eval || data.eval_fraction === undefined
      ? Int32Array.from({ length: dataset.length }, (_, i) => i)
      : splitOf(config, dataset, file).evaluation;
  await refuseUnsound(model, options);
  const { device } = await deviceOf(config, model, file, false);
  return {
    model,
    set: evaluationSet(dataset, indices, {
      batchSize: training.per_device_train_batch_size,
      maxLength: data.max_length,
      padId: padIdFor(model, tokenizer),
      answers: answersFor(model, dataset),
    }),
    device,
    threads: threadsOf(config, file),
    close: () => opened.close(),
  };
}

/** Throws for more threads than the machine has processors. */
export function threadsOf({ runtime }: ResolvedConfig, file: string): number {
  if (runtime.threads === 'auto') return physicalCores();
  const most = availableParallelism();
  if (runtime.threads <= most) return runtime.threads;
  const expected = l10n.t(
    'expected at most {0}, the processors of this machine; more threads than that only wait for each other',
    most,
  );
  throw refusedKey(file, 'runtime.threads', l10n.t('is {0}', runtime.threads), expected);
}

/** The plan of the configuration's adapter, with refusals that name the file. */
export function planFor(config: ResolvedConfig, model: BaseModel, file: string): AdapterPlan {
  return refusingIn(file, () => {
    const plan = adapterPlan(config, model, file);
    optimiserGroups(plan, config.training); // refuses rates that could not take effect
    refuseImpossibleRestarts(config, plan);
    return plan;
  });
}

/** The adapter alone, whatever the rest of the configuration asks for. */
export function adapterPlan(config: ResolvedConfig, model: BaseModel, file: string): AdapterPlan {
  const method = adapterMethod(config.adapter.method);
  if (!method)
    throw refusedKey(
      file,
      'adapter.method',
      l10n.t('is {0}', config.adapter.method),
      l10n.t('expected one of {0}', adapterMethods.map((m) => m.id).join(', ')),
    );
  return refusingIn(file, () => planAdapter(method, methodConfig(method, config), model));
}

/** What is unsupported, said of the keys of this file. */
function refusingIn<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (KernelError.is(error, 'adapter/unsupported'))
      throw KernelError.refused(error.problems.map((p) => ({ ...p, file })));
    throw error;
  }
}

/** Samples that may be longer than the model's attention is exact for. */
export function refuseLongSamples({ data }: ResolvedConfig, model: BaseModel, file: string): void {
  const { maxLength } = model.config;
  if (data.max_length <= maxLength) return;
  const expected = l10n.t('expected at most {0}, the longest sequence of this model', maxLength);
  throw refusedKey(file, 'data.max_length', l10n.t('is {0}', data.max_length), expected);
}

/**
 * A tokenizer may know more tokens than the model has embeddings, when special tokens were added to one and not the other.
 * That is harmless while the data does not use them.
 */
function refuseForeignTokens(dataset: TokenDataset, tokenizer: CheckpointTokenizer, model: BaseModel): void {
  const { vocabularySize: size } = model.config;
  if (tokenizer.vocabularySize <= size) return;
  const problems: Problem[] = [];
  const faults = new Map<string, RepeatedFaults>();
  for (let i = 0; i < dataset.length; i++) {
    const { ids, source } = dataset.read(i);
    const fault = foreignToken(ids, tokenizer, size);
    if (!fault) continue;
    const ofFile = faults.get(source.file) ?? new RepeatedFaults(source.file, (problem) => problems.push(problem));
    faults.set(source.file, ofFile);
    ofFile.add({ ...source, severity: 'error', ...fault });
  }
  for (const ofFile of faults.values()) ofFile.finish();
  if (problems.length > 0) throw KernelError.refused(problems);
}

/** Any token does as padding, since no other token sees it; it only has to be one of the model's. */
const padIdFor = ({ config }: BaseModel, { padId }: CheckpointTokenizer): number =>
  padId < config.vocabularySize ? padId : 0;

/** Of what training reads from an adapter folder. */
function adapterDigest(dir: string): string {
  const hash = createHash('sha256');
  for (const name of ['adapter_config.json', 'adapter_model.safetensors'])
    hash.update(readFileSync(path.join(dir, name)));
  return `sha256:${hash.digest('hex')}`;
}

/** The run's name: the file without its endings. */
export const runName = (file: string): string => path.basename(file).replace(/(\.adapter)?\.ya?ml$/, '');

function refusedKey(file: string, where: string, found: string, expected: string): KernelError {
  return KernelError.refused([{ file, where, severity: 'error', found, expected }]);
}

/** What of the data is not trained on. */
function describeLosses(dataset: TokenDataset, maxLength: number): readonly string[] {
  const skipped = describeSkipped(dataset);
  const { truncated } = dataset;
  return [
    ...(skipped === '' ? [] : [skipped]),
    ...(truncated === 1 ? [l10n.t('1 sample is longer than {0} tokens and was cut', maxLength)] : []),
    ...(truncated > 1 ? [l10n.t('{0} samples are longer than {1} tokens and were cut', truncated, maxLength)] : []),
  ];
}

function describeSkipped({ skipped }: TokenDataset): string {
  return Object.entries(skipped)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => l10n.t('{0} samples skipped: {1}', count, reason))
    .join('; ');
}
