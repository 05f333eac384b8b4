/** @file What the editor may ask about a configuration that is being written. */
import type { Problem } from '../errors';

/** What a valid configuration will do; shown over the document and in the form. */
export interface ConfigSummary {
  readonly trainableParameters: number;
  readonly baseParameters: number;
  readonly adaptedModules: number;
  readonly method: string;
  readonly modelType: string;
}

export interface ConfigCalls {
  /** Validates a configuration; `text` is the unsaved text of an editor, read in place of the file. */
  'config/check'(p: { path: string; text?: string }): { problems: readonly Problem[]; summary?: ConfigSummary };
  /** The JSON Schema of `*.adapter.yaml`, with titles, help, defaults and limits. */
  'config/schema'(p: object): { schema: Readonly<Record<string, unknown>> };
}
