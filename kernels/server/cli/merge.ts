/** @file `merge` and `unmerge`: an adapter into its base as a complete checkpoint with the measured proof, and back. */
import path from 'node:path';
import { merge } from '../../merge/merge';
import { unmerge } from '../../merge/unmerge';
import type { Command, CommandContext } from './command';
import type { MergeErrors, UnmergeReport, WayError } from '../../protocol/types';
import { bar, noArguments, refusedArgument, requiredOption, stringOption, table } from './command';
import { noteStoredRank } from './resultTexts';

const DTYPES = ['keep', 'f32', 'f16', 'bf16'] as const;

export const mergeCommand: Command = {
  name: 'merge',
  usage: '--base DIR --adapter DIR --out DIR [--dtype keep|f32|f16|bf16] [--way WAY] [--data FILE] [--again]',
  summary: 'Writes a complete checkpoint with the adapter merged in, and measures the difference.',
  options: {
    base: { type: 'string' },
    adapter: { type: 'string' },
    out: { type: 'string' },
    dtype: { type: 'string' },
    way: { type: 'string' },
    data: { type: 'string' },
    again: { type: 'boolean' },
  },
  meanings: {
    data: 'FILE  samples over which the ways of merging are compared; otherwise the evaluation data of the run, or fixed prompts',
  },
  async run({ args, values, out, signal }) {
    noArguments({ args });
    const wanted = stringOption(values, 'dtype') ?? 'keep';
    const dtype = DTYPES.find((d) => d === wanted);
    if (!dtype) throw refusedArgument('--dtype', `found ${wanted}`, `expected one of ${DTYPES.join(', ')}`);
    const way = stringOption(values, 'way');
    const data = stringOption(values, 'data');
    const adapter = path.resolve(requiredOption(values, 'adapter'));
    const report = await merge({
      base: path.resolve(requiredOption(values, 'base')),
      adapter,
      out: path.resolve(requiredOption(values, 'out')),
      dtype,
      ...(way !== undefined && { way }),
      ...(data !== undefined && { data: path.resolve(data) }),
      again: values['again'] === true,
      signal,
      onProgress: showProgress(out),
    });
    out.clearProgress();
    out.record(report);
    out.line(
      `${report.out}: ${report.changedTensors} tensors changed, ${report.dtype}, ${report.seconds.toFixed(1)} s`,
    );
    out.line(
      `logits of the merged model against base + adapter on ${report.prompts} prompts (${report.positions} positions): ` +
        `largest difference ${report.maxAbsLogitDifference.toExponential(2)}, mean ${report.meanAbsLogitDifference.toExponential(2)}, ` +
        `largest logit ${report.maxAbsLogit.toFixed(2)}`,
    );
    noteStoredRank(adapter, out);
    for (const warning of report.warnings) out.line(`warning: ${warning}`);
    if (report.approximation !== undefined) out.line(`this method has no exact merge: ${report.approximation}`);
    if (report.errors) showErrors(report.errors, out);
  },
};

/** The way that was taken layer by layer, and all ways side by side. */
function showErrors({ chosen, ways, samples, tokens, files }: MergeErrors, out: CommandContext['out']): void {
  const over = files.length > 0 ? files.join(', ') : 'the fixed prompts';
  out.line(
    `error of the layers' outputs over ${samples} samples (${tokens} tokens) of ${over}, relative to the adapter's own:`,
  );
  const [first] = ways;
  const names = ways.map(({ way }) => (way === chosen ? `${way} (this merge)` : way));
  const rows = (first?.layers ?? []).map(({ module }, i) => [
    module,
    ...ways.map(({ layers }) => layers[i]?.error.toExponential(2) ?? ''),
  ]);
  const summary = (name: string, of: (way: WayError) => number): readonly string[] => [
    name,
    ...ways.map((way) => of(way).toExponential(2)),
  ];
  out.line(
    table([
      ['layer', ...names.map((name) => `${name} ‖h_merged − h‖/‖h‖`)],
      ...rows,
      summary('mean', ({ mean }) => mean),
      summary('largest', ({ largest }) => largest),
    ]),
  );
  const better = ways.reduce<WayError | undefined>(
    (best, way) => (best && best.mean <= way.mean ? best : way),
    undefined,
  );
  if (better && better.way !== chosen)
    out.line(`${better.way} comes nearest here: merge again with --way ${better.way} for it`);
}

export const unmergeCommand: Command = {
  name: 'unmerge',
  usage: '--merged DIR --adapter DIR --out DIR [--base DIR] [--unverified]',
  summary: 'Takes an adapter out of a merged checkpoint, and says how close the result is to the base.',
  options: {
    merged: { type: 'string' },
    adapter: { type: 'string' },
    out: { type: 'string' },
    base: { type: 'string' },
    unverified: { type: 'boolean' },
  },
  async run({ args, values, out, signal }) {
    noArguments({ args });
    const base = stringOption(values, 'base');
    const report = await unmerge({
      merged: path.resolve(requiredOption(values, 'merged')),
      adapter: path.resolve(requiredOption(values, 'adapter')),
      out: path.resolve(requiredOption(values, 'out')),
      ...(base !== undefined && { base: path.resolve(base) }),
      unverified: values['unverified'] === true,
      signal,
      onProgress: showProgress(out),
    });
    out.clearProgress();
    out.record(report);
    out.line(`${report.out}: ${report.changedTensors} tensors changed, ${report.seconds.toFixed(1)} s`);
    if (report.isVerified) out.line('by the record of the merge this adapter was in these weights');
    for (const warning of report.warnings) out.line(`warning: ${warning}`);
    if (report.maxAbsWeightDifference !== undefined) {
      out.line(
        `largest difference to ${report.comparedWith ?? 'the base'}: ${report.maxAbsWeightDifference.toExponential(2)} ` +
          `(largest weight ${report.maxAbsWeight?.toFixed(3) ?? '?'})${report.verdict ? `: ${VERDICTS[report.verdict]}` : ''}`,
      );
    }
  },
};

const VERDICTS: Readonly<Record<NonNullable<UnmergeReport['verdict']>, string>> = {
  equal: 'the base to the bit',
  rounding: 'the base within the rounding of its number type',
  different: 'not this base: further from it than rounding explains',
};

/** What a long command is at, on a terminal. */
export const showProgress =
  (out: CommandContext['out']) =>
  ({ fraction, message }: { readonly fraction?: number; readonly message: string }): void =>
    out.progress(`${fraction === undefined ? '' : `${bar(fraction)} `}${message}`);
