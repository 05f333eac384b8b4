/** @file What of a checkpoint can be read, but is not what one would expect: the same for whoever opens it. */
import * as l10n from '@vscode/l10n';
import type { Problem } from '../protocol/errors';
import type { BaseModel } from './baseModel';
import { tiedHead } from './types';

/** Tables that old checkpoints hold and every program computes anew. */
const COMPUTED = /\.(rotary_emb\.inv_freq|attn\.(masked_)?bias)$/;

/** Odd fields of its configuration, files that are not read, tensors that are no part of the model: as warnings. */
export function oddities({ checkpoint, tensors, warnings, architecture, head }: BaseModel): readonly Problem[] {
  const tied = tiedHead(head);
  const unread = new Map<string, string[]>();
  for (const [name, { file, isPart }] of checkpoint.tensors) {
    if (isPart || tensors.has(name) || name === tied?.weight || COMPUTED.test(name) || architecture.unread?.test(name))
      continue;
    const known = unread.get(file);
    if (known) known.push(name);
    else unread.set(file, [name]);
  }
  const extra = [...unread].map(([file, [where = '', ...more]]): Problem => {
    const found =
      more.length === 0
        ? l10n.t('is not part of the model')
        : more.length === 1
          ? l10n.t('and 1 more tensor are not part of the model')
          : l10n.t('and {0} more tensors are not part of the model', more.length);
    const expected =
      more.length === 0
        ? l10n.t('expected the tensors of a {0} model; this one is not read', architecture.id)
        : l10n.t('expected the tensors of a {0} model; these are not read', architecture.id);
    return { file, where, severity: 'warning', found, expected };
  });
  return [...warnings, ...checkpoint.warnings, ...extra];
}
