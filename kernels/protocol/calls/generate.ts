/** @file What the editor may ask a model to write. Asked of a kernel of its own: generation keeps its process busy. */

export type GeneratePrompt =
  /** Plain text that is continued; the start token is added where the tokenizer's post-processor adds one. */
  | { readonly kind: 'text'; readonly text: string }
  /** A user turn, behind a system line if there is one, through the checkpoint's chat template. */
  | { readonly kind: 'chat'; readonly system?: string; readonly user: string };

export interface GenerateSettings {
  readonly maxNewTokens: number;
  /** Absent: greedy, the most probable token each time. */
  readonly sampling?: { readonly temperature: number; readonly topP: number; readonly seed: number };
}

export interface GenerateRequest extends GenerateSettings {
  /** Checkpoint folder. */
  readonly base: string;
  /** Adapter folder or checkpoint of a run. */
  readonly adapter?: string;
  readonly prompt: GeneratePrompt;
  /** A run is at work on this machine: use half of the cores. */
  readonly isBesideRun?: boolean;
}

export interface GeneratedText {
  readonly text: string;
  /** New tokens. */
  readonly tokens: number;
  readonly promptTokens: number;
  /** `end`: the model ended by itself; `length`: at the limit of new tokens or of the model. */
  readonly stopped: 'end' | 'length';
  /** Until the first token: the prompt, and what had to be compiled. */
  readonly firstTokenSeconds: number;
  /** From the first token to the last. */
  readonly seconds: number;
}

export interface GenerateCalls {
  /** Writes; progress brings the text as it comes (`Progress.text`). Can be cancelled between any two tokens. */
  'generate/write'(p: GenerateRequest): GeneratedText;
  /** What a person may ask of a checkpoint. */
  'generate/about'(p: { base: string }): { readonly hasChatTemplate: boolean; readonly maxLength: number };
}
