/** @file The tokens of a prompt that a model is to continue: one user turn where the checkpoint has a chat template. */
import type { CheckpointTokenizer } from '../formats/tokenizer';

export interface PromptOptions {
  /** Plain text also where there is a chat template. */
  readonly isRaw?: boolean;
  /** The day that a template sees which asks for it. */
  readonly now?: Date;
}

/** A chat template writes its own start token; plain text gets the one the tokenizer's post-processor adds. */
export function promptTokens(
  prompt: string,
  tokenizer: CheckpointTokenizer,
  { isRaw = false, now }: PromptOptions = {},
): readonly number[] {
  const { chatTemplate } = tokenizer;
  if (chatTemplate && !isRaw) {
    const turn = { role: 'user', content: prompt };
    return tokenizer.encode(chatTemplate.render([turn], { addGenerationPrompt: true, ...(now && { now }) }));
  }
  const ids = tokenizer.encode(prompt);
  const hasStart = tokenizer.startIds.every((id, i) => ids[i] === id);
  return hasStart ? ids : [...tokenizer.startIds, ...ids];
}
