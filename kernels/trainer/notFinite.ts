/** @file The refusal to go on from numbers that are not finite: it names the samples, one of which may be the cause, and a way out. */
import type { Problem } from '../protocol/errors';
import { formatProblem } from '../protocol/errors';
import type { TrainBatch } from './batchStream';
import { WatchError } from './watchError';

/**
 * `when`: "step 12"; `what`: "the loss is NaN"; `lastCheckpoint`: the folder of the last one, if there is one. It is whole
 * and finite: none is written whose parameters are not.
 */
export function notFinite(
  when: string,
  what: string,
  batches: readonly TrainBatch[],
  lastCheckpoint: string | undefined,
): WatchError {
  const problems = batches.flatMap(({ sources }) =>
    sources.map(({ file, line }): Problem => {
      const found = `${what} in ${when}, whose batch holds this sample`;
      return { file, line, severity: 'error', found, expected: 'expected a finite loss' };
    }),
  );
  const samples = batches.length > 0 ? ', or look at the samples of the batch' : '';
  const start =
    lastCheckpoint === undefined
      ? 'There is no checkpoint yet.'
      : `The last checkpoint, ${lastCheckpoint}, is unharmed; a new run can start from it with adapter.init_from.`;
  const advice =
    `Lower training.learning_rate, or give it more training.warmup_steps${samples}. ${start} ` +
    'To resume would repeat the same step.';
  const lines = [`${when} stopped the run: ${what}. ${advice}`, ...problems.map(formatProblem)];
  const action = `The run was stopped before anything of it was saved. ${advice}`;
  return new WatchError('non-finite', action, 'input/refused', lines.join('\n'), { problems });
}
