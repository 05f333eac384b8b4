/** @file The known name that is most like a mistyped one. */

/**
 * The best of `known` for `name`: first one that contains it or is contained in it (`batch_size`), then one whose words
 * it abbreviates (`lr`), else the one with the smallest edit distance. `undefined` only when `known` is empty.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const score = (candidate: string): number => {
    const other = candidate.toLowerCase();
    const [short, long] = wanted.length < other.length ? [wanted, other] : [other, wanted];
    if (short.length >= 3 && long.includes(short)) return -1 - short.length / long.length;
    if (wanted.length >= 2 && initials(other) === wanted) return -1;
    return editDistance(wanted, other);
  };
  return [...known].map((k) => ({ k, s: score(k) })).sort((a, b) => a.s - b.s)[0]?.k;
}

/**
 * The one of `known` that `name` was very likely meant to be: a slip of the fingers, an abbreviation, or words around the known
 * one. `undefined` where the list of all says more than a guess.
 */
export function likely(name: string, known: readonly string[]): string | undefined {
  const best = nearest(name, known);
  if (best === undefined) return undefined;
  const [wanted, other] = [name.toLowerCase(), best.toLowerCase()];
  const isPart = wanted.length >= 3 && other.includes(wanted);
  const isBegun = other.length >= 3 && wanted.startsWith(other) && /[^a-z0-9]/.test(wanted.charAt(other.length));
  const isSlip = editDistance(wanted, other) <= Math.max(1, Math.floor(wanted.length / 3));
  return isPart || isBegun || isSlip || initials(other) === wanted ? best : undefined;
}

function initials(name: string): string {
  return name
    .split(/[_\-.]/)
    .map((word) => word[0] ?? '')
    .join('');
}

/** Levenshtein distance with swapped neighbours counted as one edit. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(substitution, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
