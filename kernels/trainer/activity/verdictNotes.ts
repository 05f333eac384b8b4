/** @file What a record of activity says beside its figures where some of them cannot be judged: too few updates, or a ruined model. */
import { isSettled, SETTLED_UPDATES } from '../../adapters/activity';
import type { ActivityRecord } from '../../protocol/types';
import type { Divergence } from '../divergence';

const TOO_FEW =
  'Updates of the adapter until the end of the run: {0}; some rules can be judged after {1} only. Train for more steps to know.';
const DIVERGED =
  'The loss is {1}; before training it was {0}. In a model that training has ruined, a rule that is not met says nothing about the method. Lower training.learning_rate, or limit the gradients with training.max_grad_norm.';

/** Every text, in English: what a translation has to know. */
export const noteTexts: readonly string[] = [TOO_FEW, DIVERGED];

interface Circumstances {
  /** Updates of this adapter so far with a learning rate above 0. */
  readonly updates: number;
  readonly isEnd: boolean;
  readonly divergence: Divergence | null;
}

/** The record with why it has no verdict, where that is so. Rules that a ruined model does not meet are left open. */
export function withNote(record: ActivityRecord, { updates, isEnd, divergence }: Circumstances): ActivityRecord {
  if (divergence && record.verdict === 'red') {
    const figures = record.figures.map((f) => (f.verdict === 'red' ? { ...f, verdict: 'pending' as const } : f));
    const values = [divergence.before, divergence.now].map((loss) => Number(loss.toPrecision(4)));
    return { ...record, verdict: 'pending', figures, note: DIVERGED, note_values: values };
  }
  const isOpen = record.verdict === 'pending' && isEnd && !isSettled({ updates });
  return isOpen ? { ...record, note: TOO_FEW, note_values: [updates, SETTLED_UPDATES] } : record;
}
