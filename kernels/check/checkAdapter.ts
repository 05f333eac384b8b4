/** @file An adapter folder: configuration, tensors, every value, and whether it fits its base model. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { findBaseModel, loadAdapter, namedBaseModel, openAdapter } from '../adapters/adapterFile';
import { adapterTask } from '../adapters/adapterTask';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel, withTaskOf } from '../models/baseModel';
import { checkWeightsIn } from './checkWeights';
import type { CheckContext } from './types';
import { reporting } from './types';

export async function checkAdapter(dir: string, context: CheckContext): Promise<void> {
  // Also without a model: factors that do not match, or not what the configuration says, show here.
  const opened = await reporting(context, dir, () => openAdapter(dir));
  opened?.close();
  opened?.adapter.warnings.forEach((warning) => context.report(warning));
  if (opened) await checkFit(dir, context);
  await checkWeightsIn(dir, context);
}

/** The same for an adapter whose base model is known already; `undefined`: whether it fits one is not checked. */
export async function checkAdapterOf(dir: string, model: BaseModel | undefined, context: CheckContext): Promise<void> {
  const opened = await reporting(context, dir, () => openAdapter(dir));
  opened?.close();
  opened?.adapter.warnings.forEach((warning) => context.report(warning));
  if (opened && model) await checkFitTo(dir, model, context);
  await checkWeightsIn(dir, context);
}

async function checkFitTo(dir: string, model: BaseModel, context: CheckContext): Promise<void> {
  const loaded = await reporting(context, dir, () => {
    const own = withTaskOf(model, (head) => adapterTask(dir, head));
    return loadAdapter(dir, own, { takesRestarts: true });
  });
  loaded?.warnings.forEach((warning) => context.report(warning));
}

async function checkFit(dir: string, context: CheckContext): Promise<void> {
  const base = context.base ?? findBaseModel(dir);
  if (base === null) {
    const file = path.join(dir, 'adapter_config.json');
    const name = namedBaseModel(dir);
    const found =
      name === null ? l10n.t('names no base model') : l10n.t('is {0}, which is not on disk', JSON.stringify(name));
    const expected = l10n.t('give it with --base DIR; whether the adapter fits was not checked');
    context.report({ file, where: 'base_model_name_or_path', severity: 'warning', found, expected });
    return;
  }
  const model = await reporting(context, base, () => openBaseModel(base));
  if (!model) return;
  try {
    await checkFitTo(dir, model, context);
  } finally {
    model.checkpoint.close();
  }
}

/** Whether a folder is meant as an adapter: it has one of its files. */
export const looksLikeAdapter = (dir: string): boolean =>
  ['adapter_config.json', 'adapter_model.safetensors', 'adapter_model.bin'].some((name) =>
    existsSync(path.join(dir, name)),
  );
