/** @file Samples while training: what the model makes of a few fixed prompts, so that a person sees what the losses mean. */
import * as l10n from '@vscode/l10n';
import type { ResolvedConfig } from '../config/loadConfig';
import { promptTokens } from '../data/promptTokens';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import type { BaseModel } from '../models/baseModel';
import type { Problem } from '../protocol/errors';
import { KernelError } from '../protocol/errors';
import type { SampleRecord } from '../protocol/types';
import { generateAll } from './generate';
import type { ModelRunner } from './runner';

/** Prompts that go through the model at the same time. */
const BATCH_SIZE = 8;

/** The prompts of a configuration, ready for the model. */
export interface FixedPrompts {
  readonly prompts: readonly { readonly text: string; readonly ids: readonly number[] }[];
  readonly maxNewTokens: number;
  readonly tokenizer: CheckpointTokenizer;
}

/**
 * The prompts of `samples`, or null when there are none. Throws `input/refused`, with a problem for each, for prompts that
 * the model cannot continue. `now`: the day that a chat template sees which asks for it.
 */
export function fixedPrompts(
  { samples }: ResolvedConfig,
  tokenizer: CheckpointTokenizer,
  model: BaseModel,
  file: string,
  now?: Date,
): FixedPrompts | null {
  if (samples.prompts.length === 0) return null;
  const prompts = samples.prompts.map((text) => ({
    text,
    ids: promptTokens(text, tokenizer, { ...(now && { now }) }),
  }));
  const problems = prompts.flatMap(({ ids }, i): Problem[] => {
    const wrong = problemOf(ids, tokenizer, model);
    return wrong ? [{ file, where: `samples.prompts.${i}`, severity: 'error', ...wrong }] : [];
  });
  if (problems.length > 0) throw KernelError.refused(problems);
  return { prompts, maxNewTokens: samples.max_new_tokens, tokenizer };
}

function problemOf(
  ids: readonly number[],
  tokenizer: CheckpointTokenizer,
  { config: { maxLength, vocabularySize } }: BaseModel,
): Pick<Problem, 'found' | 'expected'> | null {
  if (ids.length === 0)
    return { found: l10n.t('has no tokens'), expected: l10n.t('expected text that the model can continue') };
  if (ids.length >= maxLength) {
    const expected = l10n.t(
      'expected at most {0}, so that the model, whose longest sequence is {1}, can add to it',
      maxLength - 1,
      maxLength,
    );
    return { found: l10n.t('has {0} tokens', ids.length), expected };
  }
  const foreign = ids.find((id) => id >= vocabularySize);
  if (foreign === undefined) return null;
  return {
    found: l10n.t('holds the token {0} with id {1}', JSON.stringify(tokenizer.idToToken(foreign)), foreign),
    expected: l10n.t('expected ids below {0}, the vocab_size of the base model', vocabularySize),
  };
}

export interface SamplingProgress {
  readonly step: number;
  /** Seconds since 1970, for the records. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Called after each token. */
  readonly onToken: () => void;
}

/** What the model as it is now makes of every prompt, greedily. Throws `cancelled` when the signal fires. */
export async function writeSamples(
  runner: ModelRunner,
  { prompts, maxNewTokens, tokenizer }: FixedPrompts,
  { step, now, signal, onToken }: SamplingProgress,
): Promise<readonly SampleRecord[]> {
  const { maxLength } = runner.model.config;
  const texts = await generateAll(
    runner,
    prompts.map(({ ids }) => ids),
    { maxNewTokens, stopIds: tokenizer.stopIds, batchSize: BATCH_SIZE, signal, onToken },
  );
  const time = now();
  return prompts.map(({ text, ids }, index): SampleRecord => {
    const made = texts[index] ?? [];
    return {
      step,
      time,
      index,
      prompt: text,
      text: tokenizer.decode(made, { skipSpecialTokens: true }),
      tokens: made.length,
      cut: made.length === maxNewTokens || ids.length + made.length === maxLength,
    };
  });
}
