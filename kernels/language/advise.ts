/** @file What a new configuration should say about a model and its data, so that it trains as it is. */
import * as l10n from '@vscode/l10n';
import { checkData } from '../check/checkData';
import { detectFormat } from '../data/setFormat';
import { sortedLabels } from '../data/labels';
import { keptTokenizer } from '../formats/tokenizerCache';
import { sampleTask } from '../models/baseModel';
import { modelHeader } from '../models/modelHeader';
import type { NewConfigAdvice } from '../protocol/calls/config';
import { KernelError, type Problem } from '../protocol/errors';

/** Enough to know the lengths of samples by; a configuration is written while a person waits. */
const MOST_ROWS = 4_000;
/** Memory and time of a step grow with it, so longer samples are cut unless the person says otherwise. */
const USUAL_LENGTH = 1024;
const USUAL_BATCH = 8;
/** With fewer samples a tenth is too few to say anything. */
const LEAST_TO_SPLIT = 10;

/** Throws `input/refused` (or `format/invalid`, `model/unsupported`) with what keeps this pair from being trained. */
export async function adviseConfig(
  dir: string,
  files: readonly string[],
  signal: AbortSignal,
): Promise<NewConfigAdvice> {
  const model = modelHeader(dir);
  const tokenizer = keptTokenizer(dir);
  const format = await detectFormat(files, signal, sampleTask(model));
  const stop = new AbortController();
  const problems: Problem[] = [];
  let rows = 0;
  let longest = 0;
  let samples = 0;
  let isComplete = true;
  let labels: readonly string[] | undefined;
  const check = {
    format,
    task: sampleTask(model),
    lossOn: 'completion' as const,
    onLabels: (names: readonly string[]) => void (labels = sortedLabels(names)),
    maxLength: Infinity,
    tokenizer,
    vocabularySize: model.config.vocabularySize,
    onSample: ({ tokens }: { readonly tokens?: { readonly ids: ArrayLike<number>; readonly supervised: number } }) => {
      if (++rows >= MOST_ROWS) stop.abort();
      longest = Math.max(longest, tokens?.ids.length ?? 0);
      if ((tokens?.supervised ?? 0) > 0) samples++;
    },
  };
  const context = {
    signal: AbortSignal.any([signal, stop.signal]),
    report: (problem: Problem) => void problems.push(problem),
    progress: () => undefined,
  };
  try {
    await checkData(files, check, context);
  } catch (error) {
    if (signal.aborted || !stop.signal.aborted || !KernelError.is(error, 'cancelled')) throw error;
    isComplete = false;
  }
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw KernelError.refused(errors.slice(0, 20));
  if (samples === 0) {
    const found = l10n.t('holds no sample of format {0} with a token that carries loss', format);
    throw KernelError.refused([
      { file: files[0] ?? '', severity: 'error', found, expected: l10n.t('expected at least one') },
    ]);
  }
  const modelLength = model.config.maxLength;
  const maxLength = fittingLength(longest, modelLength, isComplete);
  return {
    format,
    ...(labels && { labels }),
    samples,
    isComplete,
    longest,
    modelLength,
    maxLength,
    ...((samples >= LEAST_TO_SPLIT || !isComplete) && { evalFraction: 0.1 }),
    batchSize: Math.min(USUAL_BATCH, samples),
    warnings: problems,
  };
}

/** The longest sample rounded up, with room where not all were read; never more than the model can take. */
function fittingLength(longest: number, modelLength: number, isComplete: boolean): number {
  const wanted = isComplete ? longest : Math.ceil(longest * 1.5);
  const step = wanted <= 128 ? 16 : 64;
  return Math.max(2, Math.min(modelLength, USUAL_LENGTH, Math.max(32, Math.ceil(wanted / step) * step)));
}
