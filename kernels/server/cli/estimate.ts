/** @file `estimate`: what a run will need, before it runs; and the process in which a few of its steps are timed. */
import path from 'node:path';
import { estimateRun } from '../../estimate/estimateRun';
import type { MeasureRecord } from '../../estimate/measureRun';
import { measureRun } from '../../estimate/measureRun';
import { timeSteps } from '../../estimate/stepTiming';
import { formatProblem } from '../../protocol/errors';
import { readConfig } from '../../check/checkConfig';
import { prepareRun } from '../../trainer/prepare';
import type { Command } from './command';
import { bar, listOption, oneArgument } from './command';
import { estimateText } from './estimateText';
import { withPlaces } from './placedProblems';

export const estimateCommand: Command = {
  name: 'estimate',
  usage: 'FILE.adapter.yaml [--set KEY=VALUE]… [--no-measure]',
  summary: 'Memory, data, device, and after a short measurement the time of a run, before it runs.',
  options: { set: { type: 'string', multiple: true }, 'no-measure': { type: 'boolean' } },
  async run(context) {
    const { out, values, signal } = context;
    const file = path.resolve(oneArgument(context, 'a configuration file'));
    const overrides = listOption(values, 'set');
    const config = readConfig(file, overrides, (p) => out.note(`note: ${formatProblem(p)}`));
    const onProgress = ({ message, fraction }: { message: string; fraction?: number }): void =>
      out.progress(fraction === undefined ? message : `${bar(fraction)} ${message}`);
    const isMeasured = values['no-measure'] !== true;
    const report = await withPlaces(file, overrides, () =>
      estimateRun(file, config, {
        signal,
        onProgress,
        ...(isMeasured && {
          measure: (run, batches) => measureRun(run, batches, { file, overrides, signal, onProgress }),
        }),
      }),
    );
    out.clearProgress();
    out.record(report);
    out.line(estimateText(report));
  },
};

/** Writes `MeasureRecord`s; its peak memory is that of the steps alone. */
export const timeStepsCommand: Command = {
  name: 'time-steps',
  usage: 'FILE.adapter.yaml [--set KEY=VALUE]…',
  summary: 'Times a few real steps; used by estimate.',
  options: { set: { type: 'string', multiple: true } },
  isInternal: true,
  endsAtOnce: true,
  async run(context) {
    const { out, values, signal } = context;
    const file = path.resolve(oneArgument(context, 'a configuration file'));
    const say = (record: MeasureRecord): void => out.record(record);
    const run = await prepareRun(file, readConfig(file, listOption(values, 'set')), { signal });
    try {
      const onProgress = (progress: string, fraction: number): void => say({ progress, fraction });
      say({ timings: await timeSteps(run, { signal, onProgress }) });
    } finally {
      run.close();
    }
  },
};
