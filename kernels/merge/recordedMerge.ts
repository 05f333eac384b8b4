/**
 * @file Whether an adapter is in a checkpoint, by the checkpoint's own record: taking out what is not in there, or merging what is,
 * would make another model without a word.
 */
import * as l10n from '@vscode/l10n';
import type { Checkpoint } from '../formats/checkpoint';
import { formatProblem, KernelError } from '../protocol/errors';
import type { AdapterIdentity } from './adapterIdentity';
import { identityDifference } from './adapterIdentity';
import type { RecordedMerge } from './mergeHistory';
import { historyFile } from './mergeHistory';

export interface MergedFolder {
  readonly dir: string;
  readonly checkpoint: Checkpoint;
  readonly history: readonly RecordedMerge[];
}

/** The record of the merge to be undone; `doubt`: why nothing proves that the adapter is in these weights. */
export interface FoundMerge {
  readonly merge: RecordedMerge | undefined;
  readonly doubt?: string;
}

/**
 * The latest merge, if it was one of this adapter. Throws `input/refused` when another was merged, or others after it, and
 * `input/unconfirmed` where nothing is recorded or the weights have changed since, unless `isUnverified`.
 */
export function mergeToUndo(
  { dir, checkpoint, history }: MergedFolder,
  { adapter, identity }: { readonly adapter: string; readonly identity: AdapterIdentity },
  isUnverified: boolean,
): FoundMerge {
  const file = historyFile(dir);
  const last = history.at(-1);
  if (!last) {
    const doubt = l10n.t('no merge is recorded here');
    const expected = l10n.t(
      'expected the folder that a merge wrote; if another program merged exactly this adapter into it: --unverified',
    );
    if (!isUnverified) throw unconfirmed(file, doubt, expected);
    return { merge: undefined, doubt };
  }
  const difference = identityDifference(last.adapter, identity);
  if (difference !== undefined) {
    const later = history.toReversed().findIndex((merge) => !identityDifference(merge.adapter, identity));
    const found =
      later > 0
        ? l10n.t('other adapters were merged after this one: {0}', later)
        : l10n.t('another adapter was merged: {0}', difference);
    const expected =
      later > 0
        ? l10n.t('expected the last one first, as each merge changed what the one before had made')
        : l10n.t('expected {0}, or the folder that it was merged into', adapter);
    throw KernelError.refused([{ file, severity: 'error', found, expected }]);
  }
  if (checkpoint.sampledWeightsDigest() === last.merged) return { merge: last };
  const doubt = l10n.t('the weights have changed since the adapter was merged');
  const expected = l10n.t(
    'expected those that the merge wrote; to take the adapter out of these all the same: --unverified',
  );
  if (!isUnverified) throw unconfirmed(dir, doubt, expected);
  return { merge: last, doubt };
}

/** Throws `input/unconfirmed` when the adapter is in the base already. */
export function refuseSecondMerge(base: string, history: readonly RecordedMerge[], identity: AdapterIdentity): void {
  if (history.every((merge) => identityDifference(merge.adapter, identity) !== undefined)) return;
  const found = l10n.t('this adapter was merged into it already');
  const expected = l10n.t('expected a base model without it; to add its update a second time: --again');
  throw unconfirmed(historyFile(base), found, expected);
}

function unconfirmed(file: string, found: string, expected: string): KernelError {
  const problem = { file, severity: 'error', found, expected } as const;
  return new KernelError('input/unconfirmed', formatProblem(problem), { problems: [problem] });
}
