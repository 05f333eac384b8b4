/** @file What a run says on the terminal while it trains: a progress line, evaluations and events. */
import type { RunEvent } from '../../protocol/types';
import type { PreparedRun } from '../../trainer/prepare';
import type { TrainListener } from '../../trainer/trainer';
import type { Output } from './command';
import { bar } from './command';
import { metricsText } from '../../trainer/evaluate';

export function runListener(out: Output, { totalSteps, warnings }: PreparedRun): TrainListener {
  for (const warning of warnings) out.note(`note: ${warning}`);
  let seconds = 0;
  return {
    onTrain: (record) => {
      out.record(record);
      // A moving mean: the first steps compile their graphs and are slower.
      seconds = seconds === 0 ? record.step_seconds : 0.9 * seconds + 0.1 * record.step_seconds;
      const left = Math.round((totalSteps - record.step) * seconds);
      const rate = Object.values(record.learning_rate)
        .map((value) => value.toExponential(1))
        .join('/');
      out.progress(
        `${bar(record.step / totalSteps)} ${record.step}/${totalSteps}  loss ${record.loss.toFixed(4)}  lr ${rate}  ` +
          `${record.step_seconds.toFixed(2)} s/step  ${left} s left`,
      );
    },
    onEval: (record) => {
      out.record(record);
      out.line(`step ${record.step}: evaluation loss ${record.loss.toFixed(4)}${metricsText(record.metrics)}`);
    },
    onSamples: (records) => {
      for (const { step, prompt, text } of records)
        out.line(`step ${step}: ${JSON.stringify(prompt)} → ${JSON.stringify(text)}`);
    },
    onEvent: eventListener(out),
  };
}

/** Says what a person should know at once. */
export function eventListener(out: Output): (event: RunEvent) => void {
  return ({ event, step, reason = '', action }) => {
    if (event === 'warning') out.note(`step ${step}: ${reason}${action === undefined ? '' : `. ${action}`}`);
    if (event === 'queued') out.note(`queued: ${reason}`);
  };
}
