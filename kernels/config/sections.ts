/**
 * @file The keys of `*.adapter.yaml` except those of the adapter methods: meaning, default, unit and limits of each.
 * Names are those of the Hugging Face Trainer and of PEFT, so that settings can be carried over as they are.
 */
import { choice, flag, integer, list, number, part, path, text, union, type Fields } from '../util/fields';

/** Endings of the data files that can be read. */
export const DATA_EXTENSIONS = ['.jsonl', '.json', '.parquet'] as const;

const dataFile = path({ ...part, path: { kind: 'file', exists: true, extensions: DATA_EXTENSIONS } });
const dataFiles = [dataFile, list(dataFile, part)] as const;

/** The operators of MoRA that can take turns, and 6, which can only stay. */
const MORA_CYCLE_TYPES = [1, 2, 3, 4, 6] as const;

export const rootFields = {
  version: choice([1], { label: 'Version', help: 'Version of this file format.', required: true }),
  model: path({
    label: 'Base model',
    help: 'Checkpoint folder with config.json, the safetensors files and the tokenizer. Its weights are not changed.',
    required: true,
    path: { kind: 'folder', exists: true },
  }),
  output: path({
    label: 'Run folders',
    help: 'Folder in which each run gets its own folder; it is made when it does not exist.',
    default: 'runs',
    path: { kind: 'folder', exists: false },
  }),
} satisfies Fields;

export const dataFields = {
  train: union(dataFiles, {
    label: 'Training data',
    help: 'The file with the training samples, or a list of files. JSON lines, a JSON list or Parquet.',
    required: true,
  }),
  eval: union(dataFiles, {
    label: 'Evaluation data',
    help: 'The file, or list of files, on which the evaluation loss is measured. It is never trained on.',
    optional: true,
  }),
  eval_fraction: number({
    label: 'Evaluation share',
    help: 'Share of the training samples that is set aside for evaluation, chosen by the seed. Instead of evaluation data.',
    optional: true,
    above: 0,
    below: 1,
  }),
  format: choice(['auto', 'text', 'prompt-completion', 'instruction', 'messages', 'classification', 'regression'], {
    label: 'Format',
    help:
      'How a sample is written: `text`; `prompt` and `completion`; `instruction`, `input` and `output`; `messages`; or, ' +
      'for encoders, a text or a pair of texts with its `label`. ' +
      '`auto` looks at the first samples and says what it found.',
    meanings: {
      auto: 'The format of the first samples.',
      text: 'Plain text under `text`, learnt whole.',
      'prompt-completion':
        'A `prompt` that is given and a `completion` that is learnt, as text or as lists of messages.',
      instruction: 'An `instruction`, perhaps an `input`, and the `output` that is learnt.',
      messages: 'A conversation under `messages`, written with the chat template of the checkpoint.',
      classification:
        'A `text` (or `sentence`), perhaps a `text_pair`, and its `label`: the name of a class, or a whole number. For encoders.',
      regression: 'The same with a number as `label`, which is computed. For encoders.',
    },
    modelKinds: {
      text: 'text',
      'prompt-completion': 'text',
      instruction: 'text',
      messages: 'text',
      classification: 'labels',
      regression: 'labels',
    },
    default: 'auto',
  }),
  loss_on: choice(['completion', 'all'], {
    label: 'Loss on',
    help: 'Which tokens are learnt: those of the completions (of the assistant), or all of them. Samples of plain text are always learnt whole.',
    meanings: {
      completion: 'Only what the model should answer is learnt; prompts are given.',
      all: 'Every token is learnt, prompts too.',
    },
    default: 'completion',
    modelKind: 'text',
  }),
  max_length: integer({
    label: 'Longest sample',
    help: 'Samples with more tokens are cut on the right. Memory and time of a step grow with it.',
    default: 1024,
    min: 2,
    max: 1_048_576,
    unit: 'tokens',
  }),
} satisfies Fields;

/** Keys of the adapter section that every method has, besides `method`. */
export const adapterFields = {
  init_from: path({
    label: 'Start from adapter',
    help: 'Folder of an adapter of the same method and shape. Training starts from its parameters instead of fresh ones.',
    optional: true,
    path: { kind: 'folder', exists: true },
  }),
} satisfies Fields;

export const trainingFields = {
  learning_rate: number({
    label: 'Learning rate',
    help: 'Largest step size, reached at the end of the warm-up. Adapters are usually trained with 1e-4 to 5e-4.',
    default: 2e-4,
    above: 0,
    max: 10,
    group: 'Optimiser',
  }),
  loraplus_lr_ratio: number({
    label: 'LoRA+ ratio',
    help: 'LoRA+: the second factors B learn this many times as fast as the first factors A. 2 to 4 suits decoder models, 8 encoders; harder tasks want more, and a learning rate of about half. Without it all learn at one rate.',
    optional: true,
    above: 0,
    max: 1024,
    group: 'Optimiser',
  }),
  loraplus_lr_embedding: number({
    label: 'LoRA+ embedding rate',
    help: 'LoRA+: the learning rate of the factors of adapted embeddings, whose tokens come up rarely. 1e-6 unless told, as in PEFT.',
    optional: true,
    above: 0,
    max: 10,
    group: 'Optimiser',
  }),
  lr_scheduler_type: choice(['linear', 'cosine', 'constant', 'cosine_restarts', 'cyclical_cosine'], {
    label: 'Schedule',
    help: 'How the learning rate goes on after the warm-up: down to zero in a straight line or along half a cosine, or unchanged. The last two belong to restarts (`relora`).',
    meanings: {
      linear: 'Down to zero in a straight line.',
      cosine: 'Down to zero along half a cosine: slow, fast, slow.',
      constant: 'Stays as it is after the warm-up.',
      cosine_restarts:
        'Along one cosine over the whole run, with a short warm-up from zero after each restart (`relora`).',
      cyclical_cosine: 'A warm-up and half a cosine in each cycle of restarts (`relora`), all alike.',
    },
    default: 'linear',
    group: 'Optimiser',
  }),
  warmup_steps: integer({
    label: 'Warm-up',
    help: 'Steps over which the learning rate rises from zero in a straight line; it applies to every schedule.',
    default: 0,
    min: 0,
    max: 10_000_000,
    unit: 'steps',
    group: 'Optimiser',
  }),
  min_lr_ratio: number({
    label: 'Lowest rate',
    help: 'Share of the learning rate at which cosine_restarts and cyclical_cosine end.',
    default: 0.1,
    min: 0,
    max: 1,
    group: 'Optimiser',
  }),
  num_train_epochs: number({
    label: 'Epochs',
    help: 'How often the training data is read; a fraction stops within an epoch. Instead of a number of steps.',
    default: 3,
    above: 0,
    max: 100_000,
    unit: 'epochs',
    group: 'Length',
  }),
  max_steps: integer({
    label: 'Steps',
    help: 'Number of optimiser steps; the data is read again as often as needed. Instead of a number of epochs.',
    optional: true,
    min: 1,
    max: 100_000_000,
    unit: 'steps',
    group: 'Length',
  }),
  per_device_train_batch_size: integer({
    label: 'Batch size',
    help: 'Samples that go through the model together. Memory grows with it.',
    default: 8,
    min: 1,
    max: 4096,
    unit: 'samples',
    group: 'Batches',
  }),
  gradient_accumulation_steps: integer({
    label: 'Gradient accumulation',
    help: 'Batches whose gradients are added up before each update: a larger batch without more memory.',
    default: 1,
    min: 1,
    max: 65_536,
    unit: 'batches',
    group: 'Batches',
  }),
  max_grad_norm: number({
    label: 'Largest gradient norm',
    help: 'Gradients whose norm over all trained parameters is larger are scaled down to it. 0 switches this off.',
    default: 1,
    min: 0,
    max: 1e9,
    group: 'Optimiser',
  }),
  weight_decay: number({
    label: 'Weight decay',
    help: 'Decoupled decay of AdamW: each update also shrinks the parameters by this times the learning rate.',
    default: 0,
    min: 0,
    max: 10,
    group: 'Optimiser',
  }),
  adam_beta1: number({
    label: 'Adam β1',
    help: 'Decay of the running mean of the gradient.',
    default: 0.9,
    min: 0,
    below: 1,
    group: 'Optimiser',
  }),
  adam_beta2: number({
    label: 'Adam β2',
    help: 'Decay of the running mean of the squared gradient.',
    default: 0.999,
    min: 0,
    below: 1,
    group: 'Optimiser',
  }),
  adam_epsilon: number({
    label: 'Adam ε',
    help: 'Added to the denominator of an update, against division by zero.',
    default: 1e-8,
    above: 0,
    max: 1,
    group: 'Optimiser',
  }),
  seed: integer({
    label: 'Seed',
    help: 'Start of all random numbers: initial adapter, order of samples, dropout, evaluation share. The same seed gives the same run.',
    default: 42,
    min: 0,
    max: 4_294_967_295,
    group: 'Batches',
  }),
  shuffle: flag({
    label: 'Shuffle',
    help: 'Reads the samples in another order in each epoch, instead of the order of the file.',
    default: true,
    group: 'Batches',
  }),
  group_by_length: flag({
    label: 'Group by length',
    help: 'Puts samples of similar length into one batch, so that less is spent on padding. With this and shuffling off, batches follow the file.',
    default: true,
    group: 'Batches',
  }),
  eval_steps: integer({
    label: 'Evaluate every',
    help: 'Steps between two evaluations. There is also one before the first step and one at the end. Needs evaluation data.',
    default: 50,
    min: 1,
    max: 100_000_000,
    unit: 'steps',
    group: 'Evaluation and checkpoints',
  }),
  save_steps: integer({
    label: 'Save every',
    help: 'Steps between two checkpoints from which the run can be resumed. There is also one at the best evaluation so far, when the run is stopped and at its end.',
    default: 100,
    min: 1,
    max: 100_000_000,
    unit: 'steps',
    group: 'Evaluation and checkpoints',
  }),
  save_total_limit: integer({
    label: 'Checkpoints kept',
    help:
      'The most checkpoints that a run keeps: once a new one is whole the oldest goes. That of the best evaluation stays and counts; ' +
      'with 1 it may be kept beside the newest. Without it all are kept.',
    optional: true,
    min: 1,
    max: 1_000_000,
    unit: 'checkpoints',
    group: 'Evaluation and checkpoints',
  }),
  early_stopping_patience: integer({
    label: 'Early stopping',
    help: 'Stops the run when this many evaluations in a row brought no lower loss; the one before the first step counts. 0 switches this off. Needs evaluation data.',
    default: 0,
    min: 0,
    max: 10_000,
    unit: 'evaluations',
    group: 'Evaluation and checkpoints',
  }),
} satisfies Fields;

export const reloraFields = {
  every: integer({
    label: 'Restart every',
    help:
      'ReLoRA (with MoRA: ReMoRA): after this many steps the update is merged into the weights that are trained on, and a fresh ' +
      'adapter begins, so that the whole update can have a higher rank than one adapter. Without it there are no restarts.',
    optional: true,
    min: 2,
    max: 100_000_000,
    unit: 'steps',
  }),
  optimizer_reset: choice(['reset', 'zero', 'magnitude', 'keep'], {
    label: 'Optimiser at a restart',
    help: "What becomes of the optimiser's running means of the adapter, which are about factors that are no longer there.",
    meanings: {
      reset: 'Both moments are zero and the bias correction begins anew, as at the first step.',
      zero: 'Both moments are zero; the bias correction goes on.',
      magnitude: 'The smallest entries of both moments are set to zero, those of the share `magnitude_pruning`.',
      keep: 'They stay as they are.',
    },
    default: 'reset',
  }),
  magnitude_pruning: number({
    label: 'Pruned share',
    help: 'With `optimizer_reset: magnitude`: the share of the entries of each moment that becomes zero. The paper prunes 0.99, its readme 0.9.',
    default: 0.9,
    above: 0,
    max: 1,
  }),
  restart_warmup_steps: integer({
    label: 'Warm-up after a restart',
    help: 'With the schedule cosine_restarts: steps over which the learning rate rises from zero again. Without it a tenth of a cycle, at most 50 steps.',
    optional: true,
    min: 0,
    max: 10_000_000,
    unit: 'steps',
  }),
  mora_types: list(choice(MORA_CYCLE_TYPES, part), {
    label: 'MoRA operators',
    help: 'ReMoRA: the operators (`mora_type`) by turns, one for each cycle. Without it 1, 2, 3 and 4 from `mora_type` on. One alone keeps it.',
    optional: true,
  }),
} satisfies Fields;

export const samplesFields = {
  prompts: list(text(part), {
    label: 'Prompts',
    help:
      'Texts that the model continues at every evaluation, before the first step and at the end, always choosing the most probable ' +
      'token. Each is one user turn when the checkpoint has a chat template, else plain text.',
    default: [],
    allowEmpty: true,
    modelKind: 'text',
  }),
  max_new_tokens: integer({
    label: 'Longest answer',
    help: 'After this many new tokens an answer is cut. An evaluation takes longer with it.',
    default: 64,
    min: 1,
    max: 8192,
    unit: 'tokens',
    modelKind: 'text',
  }),
} satisfies Fields;

export const watchdogFields = {
  loss_spike_sigma: number({
    label: 'Loss spike',
    help:
      'A step is reported as a spike when its loss is this many standard deviations, and half as much again, above the median of the ' +
      'recent steps. So are losses far above those before training, from the first steps on. Training goes on. 0 switches this off.',
    default: 6,
    min: 0,
    max: 1000,
    unit: 'standard deviations',
  }),
  stall_seconds: integer({
    label: 'Stall',
    help:
      'A step that takes longer than this, and than ten times the recent steps, is reported while it lasts. The first steps compile ' +
      'their graphs and may take thirty times as long.',
    default: 60,
    min: 1,
    max: 86_400,
    unit: 'seconds',
  }),
  min_free_mb: number({
    label: 'Disk nearly full',
    help:
      'The run warns when less than this is free on the disk of its folder, or less than two checkpoints need. When not even one ' +
      'more would fit it saves one and stops.',
    default: 200,
    min: 0,
    max: 1e9,
    unit: 'MB',
  }),
} satisfies Fields;

export const runtimeFields = {
  device: choice(['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml'], {
    label: 'Device',
    help: 'Where the model runs. `auto` takes the fastest device that works here; a device that does not work is an error, never replaced.',
    meanings: {
      auto: 'The fastest device that works here.',
      cpu: 'The processor.',
      webgpu: 'Any graphics card, through WebGPU.',
      cuda: 'An NVIDIA card; its CUDA files are fetched only when asked for.',
      dml: 'A graphics card through DirectML, on Windows.',
      coreml: 'The graphics or neural part of an Apple processor.',
    },
    default: 'auto',
  }),
  precision: choice(['f32'], {
    label: 'Precision',
    help: 'Arithmetic of the training step. f32 is exact; weights stored as F16 or BF16 are read as they are.',
    default: 'f32',
  }),
  threads: union([choice(['auto'], part), integer({ ...part, min: 1, max: 1024 })], {
    label: 'Threads',
    help: 'Processor threads of the run. `auto` takes one for each physical core.',
    default: 'auto',
  }),
} satisfies Fields;

/** Sections whose fields do not depend on the method, in the order in which the form shows them. */
export const sectionFields = {
  data: dataFields,
  training: trainingFields,
  relora: reloraFields,
  samples: samplesFields,
  watchdog: watchdogFields,
  runtime: runtimeFields,
} as const;

/** Sections of the file; `adapter` is between data and training. */
export const sectionTitles = {
  data: 'Data',
  adapter: 'Adapter',
  training: 'Training',
  relora: 'Restarts (ReLoRA, ReMoRA)',
  samples: 'Samples',
  watchdog: 'Watchdog',
  runtime: 'Runtime',
} as const;
