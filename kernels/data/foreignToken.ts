/** @file Tokens that the tokenizer knows and the model does not. */
import * as l10n from '@vscode/l10n';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import type { RowFault } from './samples';

/** What is wrong with a sample one of whose ids the model has no embedding for. `size`: the tokens of the model. */
export function foreignToken(
  ids: ArrayLike<number>,
  tokenizer: CheckpointTokenizer,
  size: number,
): RowFault | undefined {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? 0;
    if (id < size) continue;
    const found = l10n.t('found the token {0} with id {1}', JSON.stringify(tokenizer.idToToken(id)), id);
    return { found, expected: l10n.t('expected ids below {0}, the vocab_size of the model', size) };
  }
  return undefined;
}
