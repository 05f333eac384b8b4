/** @file What a person may choose when trying models: which ones, the prompt, how they write. Kept while the page is hidden. */
import type { GeneratePrompt, GenerateSettings } from '../../kernels/protocol/calls/generate';
import type { VsCodeApi } from '../shared/host';
import { keptChoices } from '../shared/uiState';

const DEFAULTS = {
  /** Folders; null: none. */
  base: null as string | null,
  adapter: null as string | null,
  merged: null as string | null,
  isBaseShown: true,
  isChat: true,
  system: '',
  prompt: '',
  maxNewTokens: 128,
  isGreedy: true,
  temperature: 0.7,
  topP: 0.9,
  seed: 0,
  /** Earlier prompts as JSON, latest first. */
  history: '[]',
};

export type TryItChoices = ReturnType<typeof tryItChoices>;

export const tryItChoices = (api: Pick<VsCodeApi, 'getState' | 'setState'>) => keptChoices(api, DEFAULTS);

export interface PastPrompt {
  readonly isChat: boolean;
  readonly system: string;
  readonly prompt: string;
}

const MOST_PAST = 30;

export function pastPrompts({ history }: TryItChoices): readonly PastPrompt[] {
  try {
    const kept: unknown = JSON.parse(history.value);
    return Array.isArray(kept) ? kept.filter(isPastPrompt) : [];
  } catch {
    // Written by another version of this page.
    return [];
  }
}

/** The prompt as it stands goes to the front of the earlier ones. */
export function rememberPrompt(choices: TryItChoices): void {
  const { isChat, system, prompt } = choices;
  const now: PastPrompt = { isChat: isChat.value, system: system.value, prompt: prompt.value };
  const others = pastPrompts(choices).filter((past) => JSON.stringify(past) !== JSON.stringify(now));
  choices.history.value = JSON.stringify([now, ...others].slice(0, MOST_PAST));
}

export function recallPrompt(choices: TryItChoices, past: PastPrompt): void {
  choices.isChat.value = past.isChat;
  choices.system.value = past.system;
  choices.prompt.value = past.prompt;
}

/** `canChat`: the checkpoint has a chat template. */
export function promptOf({ isChat, system, prompt }: TryItChoices, canChat: boolean): GeneratePrompt {
  if (!isChat.value || !canChat) return { kind: 'text', text: prompt.value };
  return { kind: 'chat', user: prompt.value, ...(system.value !== '' && { system: system.value }) };
}

export function settingsOf({ maxNewTokens, isGreedy, temperature, topP, seed }: TryItChoices): GenerateSettings {
  if (isGreedy.value) return { maxNewTokens: maxNewTokens.value };
  const sampling = { temperature: temperature.value, topP: topP.value, seed: seed.value };
  return { maxNewTokens: maxNewTokens.value, sampling };
}

function isPastPrompt(value: unknown): value is PastPrompt {
  if (typeof value !== 'object' || value === null) return false;
  const { isChat, system, prompt } = value as Partial<Record<keyof PastPrompt, unknown>>;
  return typeof isChat === 'boolean' && typeof system === 'string' && typeof prompt === 'string';
}
