/** @file Figures beside the keys they follow from: trained parameters, layers, samples, batches and steps. */
import type { AdapterPlan } from '../adapters/plan';
import { adapterMethods } from '../adapters/registry';
import { knownDataReport } from '../check/dataReport';
import { loadConfig, type LoadedConfig, type ResolvedConfig } from '../config/loadConfig';
import { valueAt } from '../config/values';
import type { KeyPath } from '../config/yamlSource';
import { splitForEvaluation } from '../data/batches';
import { modelHeader, type ModelHeader } from '../models/modelHeader';
import type { ConfigHint, HintPlace } from '../protocol/calls/config';
import { KernelError } from '../protocol/errors';
import { planFor } from '../trainer/prepare';

/** Distributes over the union, so that each kind keeps its own figures. */
type Figures<H> = H extends unknown ? Omit<H, 'key' | 'at'> : never;

/** Says only what is certain: nothing while the configuration cannot be read, no samples before they were counted. */
export function hints({ path: file, text }: { readonly path: string; readonly text: string }): ConfigHint[] {
  const loaded = readableConfig(file, text);
  const { config } = loaded;
  if (!config) return [];
  const found: ConfigHint[] = [];
  /** About the first of these keys that is written, else about the last. */
  const add = (keys: readonly string[], figures: Figures<ConfigHint>): void => {
    const key = keys.find((k) => valueAt(loaded.values, k.split('.')) !== undefined);
    const at = key === undefined ? undefined : endOfLine(loaded, key.split('.'));
    found.push({ key: key ?? keys.at(-1) ?? '', ...(at && { at }), ...figures });
  };
  const planned = plan(config, file);
  if (planned) {
    const { model, plan } = planned;
    const { trainedSize: trainable } = plan;
    add(['adapter.r', 'adapter.method'], { kind: 'parameters', trainable, base: model.parameterCount });
    const { layers, selection } = plan;
    if (!selection.base) {
      // The embedding and the head count where they are named.
      const all = new Set([...model.sites, ...layers.map(({ site }) => site)].map(({ path }) => path));
      add(['adapter.target_modules'], { kind: 'modules', matched: layers.length, total: all.size });
    }
  }
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = config.training;
  add(['training.gradient_accumulation_steps', 'training.per_device_train_batch_size'], {
    kind: 'batch',
    samples: batch * accumulation,
  });
  const samples = sampleCount(config);
  if (samples) {
    add(['data.train'], { kind: 'samples', ...samples });
    add(['training.max_steps', 'training.num_train_epochs'], { kind: 'steps', ...steps(config, samples.samples) });
  }
  add(['data.max_length'], { kind: 'memory' });
  return found;
}

/** A person who types a key has lines with errors for a while: the figures of the rest are those without these lines. */
const MOST_LEFT_OUT = 2;

function readableConfig(file: string, text: string): LoadedConfig {
  const loaded = loadConfig(file, { methods: adapterMethods, text });
  if (loaded.config) return loaded;
  const errors = loaded.problems.filter(({ severity }) => severity === 'error');
  const lines = new Set(errors.map(({ line }) => line));
  if (lines.size > MOST_LEFT_OUT || errors.some(({ line, endLine = line }) => line === undefined || endLine !== line))
    return loaded;
  const rest = text.split('\n').map((content, i) => (lines.has(i + 1) ? '' : content));
  return loadConfig(file, { methods: adapterMethods, text: rest.join('\n') });
}

function plan(
  config: ResolvedConfig,
  file: string,
): { readonly model: ModelHeader; readonly plan: AdapterPlan } | undefined {
  try {
    const model = modelHeader(config.model);
    return { model, plan: planFor(config, model, file) };
  } catch (error) {
    if (KernelError.is(error)) return undefined; // the check says why
    throw error;
  }
}

/** Samples that are trained on and evaluated on, when all of them were counted. */
function sampleCount(config: ResolvedConfig): { readonly samples: number; readonly evaluation: number } | undefined {
  const report = knownDataReport(config);
  if (!report || report.files.some(({ isComplete }) => !isComplete)) return undefined;
  if (report.problems.some(({ severity }) => severity === 'error')) return undefined;
  const countOf = (key: 'train' | 'eval') =>
    report.files.filter((file) => file.key === key).reduce((sum, file) => sum + file.samples, 0);
  const samples = countOf('train');
  const { eval_fraction: fraction } = config.data;
  if (fraction === undefined) return { samples, evaluation: countOf('eval') };
  if (samples < 2) return undefined;
  const { train, evaluation } = splitForEvaluation(samples, fraction, config.training.seed);
  return { samples: train.length, evaluation: evaluation.length };
}

function steps({ training }: ResolvedConfig, samples: number) {
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = training;
  const perEpoch = Math.ceil(Math.ceil(samples / batch) / accumulation);
  const total = training.max_steps ?? Math.ceil((training.num_train_epochs ?? 1) * perEpoch);
  return { perEpoch, total, epochs: total / perEpoch };
}

/** The end of the value, or that of the key for a value that goes on below it. */
function endOfLine(loaded: LoadedConfig, path: KeyPath): HintPlace | undefined {
  const value = loaded.locate(path);
  const key = loaded.locateKey(path);
  if (!value || !key) return undefined;
  if (value.line === key.line && value.endLine === key.line) return { line: value.endLine, column: value.endColumn };
  return { line: key.endLine, column: key.endColumn + 1 };
}
