/** @file The tokens of a prompt that a model is to continue: one user turn where the checkpoint has a chat template. */
import type { CheckpointTokenizer } from '../formats/tokenizer';

export interface PromptOptions {
  /** Plain text also where there is a chat template. */
  readonly isRaw?: boolean;
  /** A system turn before the user's; only through a chat template. */
  readonly system?: string;
  /** The day that a template sees which asks for it. */
  readonly now?: Date;
}

/** A chat template writes its own start token; plain text gets the one the tokenizer's post-processor adds. */
export function promptTokens(
  prompt: string,
  tokenizer: CheckpointTokenizer,
  { isRaw = false, system, now }: PromptOptions = {},
): readonly number[] {
  const { chatTemplate } = tokenizer;
  if (chatTemplate && !isRaw) {
    const turns = [
      ...(system === undefined ? [] : [{ role: 'system', content: system }]),
      { role: 'user', content: prompt },
    ];
    return tokenizer.encode(chatTemplate.render(turns, { addGenerationPrompt: true, ...(now && { now }) }));
  }
  const ids = tokenizer.encode(prompt);
  const hasStart = tokenizer.startIds.every((id, i) => ids[i] === id);
  return hasStart ? ids : [...tokenizer.startIds, ...ids];
}
