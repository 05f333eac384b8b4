/** @file How `train` and `resume` end: what became of the run, where its adapter is, how to go on. */
import type { RunFolder } from '../../runs/runFolder';
import type { TrainOutcome } from '../../trainer/trainer';
import type { Output } from './command';
import { EXIT } from './command';
import { resultOf, storedRankNote } from './resultTexts';

/** Returns the exit status: a run that was stopped was interrupted, whoever asked for it. */
export function reportOutcome(out: Output, run: RunFolder, outcome: TrainOutcome): number {
  const isFinished = outcome.status === 'finished';
  const adapter = run.file('adapter');
  out.clearProgress();
  out.record({ ...outcome, run: run.dir, ...(isFinished && { adapter }) });
  out.line(
    isFinished
      ? `finished after step ${outcome.step}; ${resultOf(run.info.config)} ${adapter}`
      : `stopped after step ${outcome.step}; go on with: adapter-studio resume ${run.dir}`,
  );
  const note = isFinished ? storedRankNote(run.info.config) : undefined;
  if (note !== undefined) out.line(note);
  return isFinished ? EXIT.done : EXIT.interrupted;
}
