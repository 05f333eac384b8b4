/** @file The refusal to go on from a loss or gradient that is not finite: it names the samples, one of which may be the cause. */
import type { Problem } from '../protocol/errors';
import { formatProblem, KernelError } from '../protocol/errors';
import type { TrainBatch } from './batchStream';

/** `when`: "step 12"; `what`: "the loss is NaN". */
export function notFinite(when: string, what: string, batches: readonly TrainBatch[]): KernelError {
  const problems = batches.flatMap(({ sources }) =>
    sources.map(({ file, line }): Problem => {
      const found = `${what} in ${when}, whose batch holds this sample`;
      return { file, line, severity: 'error', found, expected: 'expected a finite loss' };
    }),
  );
  const advice = 'Lower training.learning_rate, or look at the samples of the batch; the last checkpoint is unharmed.';
  const lines = [`${when} stopped the run: ${what}. ${advice}`, ...problems.map(formatProblem)];
  return new KernelError('input/refused', lines.join('\n'), { problems });
}
