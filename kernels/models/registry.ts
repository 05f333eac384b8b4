/** @file All model families, by the `model_type` of their config.json. */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import { bert } from './bert';
import { gemma } from './gemma';
import { gemma2 } from './gemma2';
import { gemma3 } from './gemma3';
import { gpt2 } from './gpt2';
import { llama } from './llama';
import { mistral } from './mistral';
import { phi3 } from './phi3';
import { qwen2 } from './qwen2';
import { qwen3 } from './qwen3';
import { roberta, xlmRoberta } from './roberta';
import type { CommonConfig, ModelArchitecture } from './types';

/** A family whose configuration type is its own business. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- erased here, once; `parseConfig` and `hidden` belong together
export type AnyArchitecture = ModelArchitecture<any>;

export const architectures: readonly AnyArchitecture[] = [
  llama,
  mistral,
  qwen2,
  qwen3,
  gemma,
  gemma2,
  gemma3,
  phi3,
  gpt2,
  roberta,
  xlmRoberta,
  bert,
];

export function architectureOf(json: Readonly<Record<string, unknown>>, file: string): ModelArchitecture<CommonConfig> {
  const type = json.model_type;
  const found = architectures.find((a) => a.id === type);
  if (found) return found as ModelArchitecture<CommonConfig>;
  throw KernelError.refused([
    {
      file,
      where: 'model_type',
      severity: 'error',
      found: type === undefined ? l10n.t('is missing') : l10n.t('is {0}', JSON.stringify(type)),
      expected: l10n.t('expected one of {0}', architectures.map((a) => a.id).join(', ')),
    },
  ]);
}
