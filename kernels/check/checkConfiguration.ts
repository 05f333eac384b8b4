/** @file A configuration and everything it names: base model, data, initial adapter, read as a run would read them. */
import * as l10n from '@vscode/l10n';
import { loadAdapter, loadInto } from '../adapters/adapterFile';
import { adapterTask } from '../adapters/adapterTask';
import type { AdapterPlan } from '../adapters/plan';
import { adapterMethods } from '../adapters/registry';
import type { ResolvedConfig } from '../config/loadConfig';
import { loadConfig } from '../config/loadConfig';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel, sampleTask, withTaskOf } from '../models/baseModel';
import { KernelError } from '../protocol/errors';
import { Parameters } from '../trainer/parameters';
import { planFor } from '../trainer/prepare';
import { fixedPrompts } from '../trainer/trainingSamples';
import { checkCheckpoint, checkTokenizer } from './checkCheckpoint';
import { checkConfig } from './checkConfig';
import { checkData } from './checkData';
import type { CheckContext } from './types';
import { reporting } from './types';

export async function checkConfiguration(file: string, context: CheckContext): Promise<void> {
  checkConfig(file).problems.forEach((problem) => context.report(problem));
  const { config } = loadConfig(file, { methods: adapterMethods });
  const model = config && openable(config.model);
  if (!config || !model) return;
  try {
    await checkCheckpoint(config.model, context);
    await checkSamples(file, config, model, context);
    const { init_from: from } = config.adapter;
    if (from !== undefined) {
      const itsModel = await reporting(context, from, () => withTaskOf(model, (head) => adapterTask(from, head)));
      if (!itsModel) return;
      const loaded = await reporting(context, from, () => loadAdapter(from, itsModel));
      loaded?.warnings.forEach((warning) => context.report(warning));
      if (loaded) await reporting(context, from, () => loadFactors(from, planFor(config, itsModel, file)));
    }
  } finally {
    model.checkpoint.close();
  }
}

/** Why it cannot be opened was said at the key `model`. */
function openable(dir: string): BaseModel | undefined {
  try {
    return openBaseModel(dir);
  } catch (error) {
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

const loadFactors = (from: string, plan: AdapterPlan): void => loadInto(from, plan, new Parameters(plan));

async function checkSamples(
  file: string,
  config: ResolvedConfig,
  model: BaseModel,
  context: CheckContext,
): Promise<void> {
  const { model: dir, data } = config;
  const tokenizer = await checkTokenizer(dir, model, context);
  if (tokenizer) await reporting(context, file, () => void fixedPrompts(config, tokenizer, model, file));
  const check = {
    format: data.format,
    lossOn: data.loss_on,
    maxLength: data.max_length,
    task: sampleTask(model),
    vocabularySize: model.config.vocabularySize,
    ...(tokenizer && { tokenizer }),
  };
  if (!tokenizer) {
    const found = l10n.t('the base model has no tokenizer that can be used');
    context.report({
      file,
      where: 'model',
      severity: 'error',
      found,
      expected: l10n.t('expected one, to train on text'),
    });
  }
  const least = data.eval_fraction === undefined ? 1 : 2;
  const sets = [
    { key: 'train', files: data.train, least },
    { key: 'eval', files: data.eval ?? [], least: 1 },
  ];
  for (const { key, files, least } of sets) {
    if (files.length === 0) continue;
    const usable = await checkData(files, check, context);
    if (usable >= least) continue;
    const found =
      usable === 0 ? l10n.t('holds no samples that can be used') : l10n.t('holds 1 sample that can be used');
    context.report({
      file,
      where: `data.${key}`,
      severity: 'error',
      found,
      expected: l10n.t('expected at least {0}', least),
    });
  }
}
