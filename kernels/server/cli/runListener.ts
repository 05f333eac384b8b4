/** @file What a run says on the terminal while it trains: a progress line, evaluations and events. */
import type { PreparedRun } from '../../trainer/prepare';
import type { TrainListener } from '../../trainer/trainer';
import type { Output } from './command';
import { bar } from './command';

export function runListener(out: Output, { totalSteps, warnings }: PreparedRun): TrainListener {
  for (const warning of warnings) out.note(`note: ${warning}`);
  let seconds = 0;
  return {
    onTrain: (record) => {
      out.record(record);
      // A moving mean: the first steps compile their graphs and are slower.
      seconds = seconds === 0 ? record.step_seconds : 0.9 * seconds + 0.1 * record.step_seconds;
      const left = Math.round((totalSteps - record.step) * seconds);
      const rate = record.learning_rate.default?.toExponential(1) ?? '';
      out.progress(
        `${bar(record.step / totalSteps)} ${record.step}/${totalSteps}  loss ${record.loss.toFixed(4)}  lr ${rate}  ` +
          `${record.step_seconds.toFixed(2)} s/step  ${left} s left`,
      );
    },
    onEval: (record) => {
      out.record(record);
      out.line(`step ${record.step}: evaluation loss ${record.loss.toFixed(4)}`);
    },
    onEvent: (event, step, reason) => {
      if (event === 'warning') out.note(`step ${step}: ${reason ?? ''}`);
    },
  };
}
