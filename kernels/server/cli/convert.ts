/** @file `convert`: any adapter to plain LoRA at a rank or a share of its energy, with the measured error. */
import path from 'node:path';
import { convert } from '../../merge/convert';
import type { ConvertReport } from '../../protocol/types';
import type { Command, CommandContext, OptionValues } from './command';
import {
  countOption,
  noArguments,
  numberOption,
  refusedArgument,
  requiredOption,
  stringOption,
  table,
} from './command';
import { showProgress } from './merge';
import { noteStoredRank } from './resultTexts';

const DTYPES = ['f32', 'f16', 'bf16'] as const;

export const convertCommand: Command = {
  name: 'convert',
  usage: '--base DIR --adapter DIR --out DIR (--rank R | --energy 0.99) [--dtype f32|f16|bf16]',
  summary: 'Writes an adapter of any method as plain LoRA, by truncated SVD, and measures what that costs.',
  meanings: { dtype: `NAME  type of the written factors: ${DTYPES.join(', ')} (the default: f32)` },
  options: {
    base: { type: 'string' },
    adapter: { type: 'string' },
    out: { type: 'string' },
    rank: { type: 'string' },
    energy: { type: 'string' },
    dtype: { type: 'string' },
  },
  async run({ args, values, out, signal }) {
    noArguments({ args });
    const name = stringOption(values, 'dtype') ?? 'f32';
    const dtype = DTYPES.find((d) => d === name);
    if (!dtype) throw refusedArgument('--dtype', `found ${name}`, `expected one of ${DTYPES.join(', ')}`);
    const wanted = wantedOf(values);
    const adapter = path.resolve(requiredOption(values, 'adapter'));
    const report = await convert({
      base: path.resolve(requiredOption(values, 'base')),
      adapter,
      out: path.resolve(requiredOption(values, 'out')),
      wanted,
      dtype,
      signal,
      onProgress: showProgress(out),
    });
    out.clearProgress();
    out.record(report);
    show(report, adapter, wanted, out);
  },
};

function wantedOf(values: OptionValues): { readonly rank: number } | { readonly energy: number } {
  const isShare = (value: number): boolean => value > 0 && value <= 1;
  const energy = numberOption(values, 'energy', 'a share above 0 and up to 1, such as 0.99', isShare);
  const hasRank = stringOption(values, 'rank') !== undefined;
  if (hasRank === (energy !== undefined)) {
    const found = hasRank ? 'found both --rank and --energy' : 'found neither --rank nor --energy';
    throw refusedArgument('options', found, 'expected one of the two');
  }
  return energy === undefined ? { rank: countOption(values, 'rank', 1) } : { energy };
}

function show(
  report: ConvertReport,
  adapter: string,
  wanted: ReturnType<typeof wantedOf>,
  out: CommandContext['out'],
): void {
  const { modules, carried } = report;
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  const rows = modules.map(({ module, shape, rank, norm, energy, error, how, seconds }) => [
    module,
    `[${shape.join(', ')}]`,
    String(rank),
    norm.toPrecision(4),
    percent(energy),
    error.toExponential(2),
    how,
    seconds.toFixed(2),
  ]);
  out.line(table([['module', 'ΔW', 'rank', '‖ΔW‖', 'energy kept', 'relative error', 'by', 's'], ...rows]));
  out.line();
  const worst = modules.reduce((most, { error }) => Math.max(most, error), 0);
  out.line(
    `${report.out}: ${report.method} as LoRA of rank ${report.rank}, ${modules.length} modules, ${report.dtype}, ` +
      `largest relative error of ΔW ${worst.toExponential(2)}, ${report.seconds.toFixed(1)} s`,
  );
  noteStoredRank(adapter, out);
  const asked = 'rank' in wanted ? wanted.rank : 0;
  if (asked > report.rank) {
    out.note(`note: --rank: found ${asked}; ${report.rank} is written, the most that a delta weight here can have`);
  }
  if (carried.length > 0) out.line(`trained in full and carried over: ${carried.join(', ')}`);
  out.line(
    `logits of base + converted adapter against base + adapter on ${report.prompts} prompts (${report.positions} positions): ` +
      `largest difference ${report.maxAbsLogitDifference.toExponential(2)}, mean ${report.meanAbsLogitDifference.toExponential(2)}, ` +
      `largest logit ${report.maxAbsLogit.toFixed(2)}`,
  );
  if (report.approximation !== undefined) out.line(`no weight stands for this method exactly: ${report.approximation}`);
  if (report.hasPatterns) {
    out.line('ranks differ: engines that ignore rank_pattern and alpha_pattern need one rank, from --rank');
  }
}
