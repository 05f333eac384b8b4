/** @file Two texts word by word: what both have, what only the older has, what only the newer has. */
import { diffWordsWithSpace } from 'diff';

export interface DiffPart {
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** Longer texts are shown as they are: the time of a difference grows with the square of what differs. */
const MAX_EDITS = 500;

/** The parts in reading order; without those that were added they are `before`, without those removed `after`. */
export function textDiff(before: string, after: string): readonly DiffPart[] {
  const parts = diffWordsWithSpace(before, after, { maxEditLength: MAX_EDITS });
  if (!parts) {
    return [
      { kind: 'removed', text: before },
      { kind: 'added', text: after },
    ];
  }
  return parts.map(({ value, added, removed }) => ({
    kind: added ? 'added' : removed ? 'removed' : 'same',
    text: value,
  }));
}
