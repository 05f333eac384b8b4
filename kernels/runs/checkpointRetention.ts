/**
 * @file Which checkpoints of a run are no longer kept once a newer one is whole: those that were only kept for a best
 * evaluation that another one has beaten, and the oldest beyond `training.save_total_limit`.
 */

export interface SavedCheckpoint {
  readonly step: number;
  /** Its evaluation was the best so far when it was saved. */
  readonly wasBest: boolean;
}

export interface Retention {
  readonly saveSteps: number;
  /** The most that are kept, as in the Hugging Face Trainer; undefined: all. */
  readonly limit: number | undefined;
  /** The best evaluation so far; null where there is none. */
  readonly best: { readonly step: number } | null;
}

/**
 * Steps to remove, ascending; never the newest, from which a run is resumed, nor the best. The best one counts towards the
 * limit, but with a limit of 1 there may be two, the newest and the best.
 */
export function expiredCheckpoints(saved: readonly SavedCheckpoint[], { saveSteps, limit, best }: Retention): number[] {
  const newestFirst = saved.toSorted((a, b) => b.step - a.step);
  const [newest] = newestFirst;
  const isBeaten = ({ step, wasBest }: SavedCheckpoint): boolean => wasBest && step !== best?.step;
  const wanted = newestFirst.filter((one) => one === newest || one.step % saveSteps === 0 || !isBeaten(one));
  const isBest = ({ step }: SavedCheckpoint): boolean => step === best?.step;
  const hasBest = wanted.some(isBest);
  let room = limit === undefined ? Infinity : limit - (hasBest ? 1 : 0);
  const kept = new Set(
    wanted.filter((one) => {
      if (isBest(one)) return true;
      if (one !== newest && room <= 0) return false;
      room--;
      return true;
    }),
  );
  return saved.flatMap((one) => (kept.has(one) ? [] : [one.step])).sort((a, b) => a - b);
}

/** The most checkpoints that lie beside one another, in a run that evaluates or not. */
export function mostCheckpoints(
  { totalSteps, evalSteps }: { readonly totalSteps: number; readonly evalSteps: number | null },
  { saveSteps, limit }: Pick<Retention, 'saveSteps' | 'limit'>,
): number {
  const isBestApart = evalSteps !== null && evalSteps < totalSteps && evalSteps % saveSteps !== 0;
  const unlimited = Math.ceil(totalSteps / saveSteps) + (isBestApart ? 1 : 0);
  if (limit === undefined) return unlimited;
  return Math.min(unlimited, limit === 1 && evalSteps !== null ? 2 : limit);
}
