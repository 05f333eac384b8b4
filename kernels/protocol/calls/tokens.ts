/** @file What the editor may ask about the samples of a configuration as tokens: the same ones that training reads. */

export type TokenWarningKind =
  /** No token carries loss: training leaves the sample out. */
  | 'no-loss'
  /** No end token carries loss: the model does not learn where to stop. */
  | 'end-without-loss'
  | 'doubled-start'
  /** Longer than max_length. */
  | 'cut'
  /** Text that the tokenizer has no token for, or a token that the model has no embedding for. */
  | 'unknown'
  /** A part of the sample that the chat template does not write. */
  | 'dropped';

export interface TokenWarning {
  readonly kind: TokenWarningKind;
  readonly message: string;
}

/** One token as the model reads it. */
export interface SampleToken {
  readonly id: number;
  /** Its part of the text. What is no whole character is U+FFFD here, and in `bytes` as it is. */
  readonly text: string;
  /** As the vocabulary spells it: `Ġworld`. */
  readonly token: string;
  /** Whether it, as the token to be predicted, carries loss. */
  readonly loss: boolean;
  readonly special: boolean;
  /** The start of the sequence, or a token that ends generation. */
  readonly role?: 'start' | 'end';
  /** Its bytes in hexadecimal (`e2 82`), of a token that holds only a part of a character. */
  readonly bytes?: string;
}

/** A sample as training reads it; padding is not shown. */
export interface SampleTokens {
  /** Number of the row over all files of the set, from 1. */
  readonly sample: number;
  readonly file: string;
  readonly line: number;
  readonly format: string;
  /** The rendered text of all tokens, those behind the cut included. */
  readonly text: string;
  /** Of a labelled sample: what is to be answered. */
  readonly label?: string;
  /** Those that the model sees. */
  readonly tokens: readonly SampleToken[];
  /** Where it is cut: tokens that are left, tokens there were, the beginning of the text that is lost. */
  readonly cut: { readonly at: number; readonly total: number; readonly rest: string } | null;
  readonly warnings: readonly TokenWarning[];
  readonly counts: {
    readonly tokens: number;
    /** Tokens that are predicted and carry loss: those with a token before them. */
    readonly loss: number;
    readonly special: number;
    /** Tokens before the cut. */
    readonly total: number;
  };
}

export type SampleSet = 'train' | 'eval';

/** Which data of which configuration; `text` is the unsaved text of an editor. */
export interface SampleSource {
  readonly config: string;
  readonly text?: string;
  readonly set: SampleSet;
}

export type SampleGoal =
  | { readonly to: 'number'; readonly number: number }
  /** The nearest one after or before `from` (0: from the start) that contains `query` and, if asked, has a warning. */
  | { readonly to: 'next' | 'previous'; readonly from: number; readonly query?: string; readonly withWarning?: boolean }
  | { readonly to: 'random' | 'longest' };

/** The lengths of all samples of a set, before they are cut. */
export interface SampleLengths {
  readonly samples: number;
  readonly unreadable: number;
  readonly maxLength: number;
  readonly longest: number;
  readonly mean: number;
  /** Samples that are cut. */
  readonly cut: number;
  /** All tokens after the cut, and those of them that carry loss. */
  readonly tokens: number;
  readonly loss: number;
  readonly warnings: Readonly<Partial<Record<TokenWarningKind, number>>>;
  /** Samples whose length is in [i · binWidth + 1, (i + 1) · binWidth]. */
  readonly binWidth: number;
  readonly bins: readonly number[];
}

export interface TokensCalls {
  /** Finds a sample and shows it; `sample` is null when there is none such. A row that is no sample is an error. */
  'tokens/show'(p: { source: SampleSource; goal: SampleGoal }): {
    sample: SampleTokens | null;
    /** Rows of the set. */
    count: number;
    /** Sets the configuration has. */
    sets: readonly SampleSet[];
  };
  'tokens/lengths'(p: { source: SampleSource }): SampleLengths;
}
