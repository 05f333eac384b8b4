/**
 * @file A configuration and everything it names. It is prepared as a run would be, so that whatever refuses a run is found here,
 * by the same rules and in the same words; what is only odd about the files is told besides.
 */
import { adapterMethods } from '../adapters/registry';
import type { ResolvedConfig } from '../config/loadConfig';
import { loadConfig } from '../config/loadConfig';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel, sampleTask } from '../models/baseModel';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import { prepareRun } from '../trainer/prepare';
import { checkCheckpoint, checkTokenizer } from './checkCheckpoint';
import { judgeConfig } from './checkConfig';
import { checkData } from './checkData';
import type { CheckContext } from './types';
import { reporting } from './types';

export async function checkConfiguration(file: string, context: CheckContext): Promise<void> {
  const { config, problems } = judgeConfig(file);
  problems.forEach((problem) => context.report(problem));
  const model = config && openable(config.model);
  if (!config || !model) return;
  const loaded = loadConfig(file, { methods: adapterMethods });
  try {
    await checkCheckpoint(config.model, context, 'warning');
    await checkSamples(config, model, context);
  } finally {
    model.checkpoint.close();
  }
  // A run would end with what the configuration alone is refused for; of the same keys nothing more is to be said.
  const refused = problems.flatMap(({ severity, where }) => (severity === 'error' ? [where ?? ''] : []));
  const isKnown = ({ where = '' }: Problem): boolean =>
    refused.some((known) => `${known}.`.startsWith(`${where}.`) || `${where}.`.startsWith(`${known}.`));
  const placing: CheckContext = {
    ...context,
    report: (problem) => {
      if (problem.file !== file) context.report(problem);
      else if (!isKnown(problem)) context.report(loaded.placed(problem));
    },
  };
  await reporting(placing, file, async () => {
    const run = await prepareRun(file, config, {
      isJudgedOnly: true,
      signal: context.signal,
      onProgress: (message) => context.progress(message),
    });
    run.close();
  });
}

/** Why it cannot be opened was said already. */
function openable(dir: string): BaseModel | undefined {
  try {
    return openBaseModel(dir);
  } catch (error) {
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

async function checkSamples(config: ResolvedConfig, model: BaseModel, context: CheckContext): Promise<void> {
  const { model: dir, data } = config;
  // What is wrong with it was said of the checkpoint.
  const tokenizer = await checkTokenizer(dir, model, { ...context, report: () => undefined });
  const check = {
    format: data.format,
    lossOn: data.loss_on,
    maxLength: data.max_length,
    task: sampleTask(model),
    vocabularySize: model.config.vocabularySize,
    ...(tokenizer && { tokenizer }),
  };
  await checkData(data.train, { ...check, usedFor: 'training' }, context);
  if (data.eval) await checkData(data.eval, { ...check, usedFor: 'evaluation' }, context);
}
