/** @file What the page of tokens may ask of the editor. The samples lie in data files; the page shows one of them at a time. */
import type { SampleGoal, SampleLengths, SampleSet, SampleTokens } from '../../kernels/protocol/calls/tokens';

export interface TokensSnapshot {
  /** The configuration; kept in the page's state, from which the editor restores the panel after a reload. */
  readonly config: string;
  /** Its path in the workspace. */
  readonly name: string;
  /** Rises when the configuration or a data file changed; ask again. */
  readonly revision: number;
}

export interface TokensPage {
  calls: {
    /** The first call of a page, made once: what an earlier page in the same place still waited for is forgotten. */
    'page/open'(p: object): TokensSnapshot;
    /** `sample` is null when there is none such. */
    'tokens/show'(p: { set: SampleSet; goal: SampleGoal }): {
      sample: SampleTokens | null;
      count: number;
      sets: readonly SampleSet[];
    };
    'tokens/lengths'(p: { set: SampleSet }): SampleLengths;
    /** Opens the data file at the sample's line. */
    'sample/open'(p: { file: string; line: number }): void;
    'save/png'(p: { name: string; dataUrl: string }): void;
  };
  events: { 'config/changed': TokensSnapshot };
}
