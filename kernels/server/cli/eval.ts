/** @file `eval`: loss of the base model or an adapter over a data file, by the rules of the configuration. */
import path from 'node:path';
import { evaluate, metricsText } from '../../trainer/evaluate';
import { readConfig } from '../../check/checkConfig';
import { openEvaluation } from '../../trainer/prepare';
import { openAdapted } from '../../weights/openAdapted';
import { ModelRunner } from '../../trainer/runner';
import type { Command } from './command';
import { listOption, oneArgument, stringOption } from './command';

export const evalCommand: Command = {
  name: 'eval',
  usage: 'FILE.adapter.yaml [--adapter DIR] [--data FILE] [--set KEY=VALUE]…',
  summary: 'Loss over the evaluation data, of the base model or with an adapter.',
  options: { adapter: { type: 'string' }, data: { type: 'string' }, set: { type: 'string', multiple: true } },
  async run(context) {
    const { out, values, signal } = context;
    const file = path.resolve(oneArgument(context, 'a configuration file'));
    const data = stringOption(values, 'data');
    const overrides = [
      ...listOption(values, 'set'),
      ...(data === undefined ? [] : [`data.eval=${JSON.stringify(path.resolve(data))}`]),
    ];
    const config = readConfig(file, overrides);
    const adapterDir = stringOption(values, 'adapter');
    const onProgress = (message: string): void => out.progress(message);
    const opened = await openEvaluation(file, config, { signal, onProgress, adapter: adapterDir });
    const { model, set, device, threads } = opened;
    const adapted = adapterDir === undefined ? null : await openAdapted(adapterDir, model);
    const { plan, parameters } = adapted?.adapter ?? { plan: null, parameters: null };
    const runner = new ModelRunner(adapted?.model ?? model, plan, parameters, { device, threads });
    try {
      const result = await evaluate(runner, set, (done) => out.progress(`${done} of ${set.count} batches`), signal);
      out.clearProgress();
      out.record(result);
      const counted = result.metrics
        ? `${result.samples} samples`
        : `${result.tokens} tokens, ${result.samples} samples`;
      out.line(`loss ${result.loss.toFixed(6)}${metricsText(result.metrics)}  (${counted})`);
    } finally {
      await runner.dispose();
      adapted?.close();
      opened.close();
    }
  },
};
