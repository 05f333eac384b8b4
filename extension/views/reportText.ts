/** @file The proof of a merge and the result of an unmerge as Markdown. */
import { l10n } from 'vscode';
import type { MergeErrors, MergeReport, UnmergeReport, WayError } from '../../kernels/protocol/types';
import { formatDuration, formatNumber } from '../util/format';
import { code, pairTable } from './markdown';

export function mergeReportText(
  report: MergeReport,
  from: { readonly base: string; readonly adapter: string },
): string {
  const relative = report.maxAbsLogitDifference / report.maxAbsLogit;
  return [
    `# ${l10n.t('Merge')}`,
    pairTable([
      [l10n.t('Base model'), code(from.base)],
      [l10n.t('Adapter'), code(from.adapter)],
      [l10n.t('Merged model'), code(report.out)],
      [l10n.t('Number type'), report.dtype],
      [l10n.t('Changed tensors'), String(report.changedTensors)],
      [l10n.t('Time'), formatDuration(report.seconds)],
    ]),
    ...warningsText(report),
    `## ${l10n.t('Proof')}`,
    ...(report.approximation === undefined
      ? []
      : [`**${l10n.t('This method has no exact merge: {0}', report.approximation)}**`]),
    l10n.t(
      'Logits of the merged model against base model with adapter, on {0} fixed prompts ({1} positions).',
      report.prompts,
      report.positions,
    ),
    pairTable([
      [l10n.t('Largest absolute difference'), formatNumber(report.maxAbsLogitDifference)],
      [l10n.t('Mean absolute difference'), formatNumber(report.meanAbsLogitDifference)],
      [l10n.t('Largest absolute logit'), formatNumber(report.maxAbsLogit)],
      [l10n.t('Largest difference as a share of it'), formatNumber(relative)],
    ]),
    ...(report.errors ? mergeErrors(report.errors) : []),
  ].join('\n\n');
}

/** What each way of merging costs, layer by layer. */
function mergeErrors({ chosen, ways, samples, tokens, files }: MergeErrors): readonly string[] {
  const over = files.length > 0 ? files.map(code).join(', ') : l10n.t('the fixed prompts');
  const heading = ways.map(({ way }) => (way === chosen ? l10n.t('{0} (this merge)', way) : way));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const row = (name: string, of: (way: WayError) => number | undefined): string =>
    line([name, ...ways.map((way) => formatNumber(of(way) ?? NaN))]);
  return [
    `## ${l10n.t('Error of each way of merging')}`,
    l10n.t(
      'Relative error of the outputs of the layers, ‖h_merged − h‖ / ‖h‖, over {0} samples ({1} tokens) of {2}.',
      samples,
      tokens,
      over,
    ),
    [
      line([l10n.t('Layer'), ...heading]),
      line(['---', ...ways.map(() => '---:')]),
      row(`**${l10n.t('Mean')}**`, ({ mean }) => mean),
      row(`**${l10n.t('Largest')}**`, ({ largest }) => largest),
      ...(ways[0]?.layers ?? []).map(({ module }, i) => row(code(module), ({ layers }) => layers[i]?.error)),
    ].join('\n'),
  ];
}

export function unmergeReportText(
  report: UnmergeReport,
  from: { readonly merged: string; readonly adapter: string },
): string {
  const { comparedWith, maxAbsWeightDifference, maxAbsWeight, verdict } = report;
  return [
    `# ${l10n.t('Unmerge')}`,
    pairTable([
      [l10n.t('Merged model'), code(from.merged)],
      [l10n.t('Adapter'), code(from.adapter)],
      [l10n.t('Restored model'), code(report.out)],
      [l10n.t('Changed tensors'), String(report.changedTensors)],
      [
        l10n.t('Recorded merge'),
        report.isVerified ? l10n.t('found: this adapter, these weights') : l10n.t('not verified'),
      ],
      [l10n.t('Time'), formatDuration(report.seconds)],
    ]),
    ...warningsText(report),
    `## ${l10n.t('Comparison with the base model')}`,
    comparedWith === undefined || maxAbsWeightDifference === undefined
      ? l10n.t('The base model is not on this machine, so it was not compared.')
      : pairTable([
          [l10n.t('Base model'), code(comparedWith)],
          [l10n.t('Largest absolute weight difference'), formatNumber(maxAbsWeightDifference)],
          ...(maxAbsWeight === undefined
            ? []
            : [[l10n.t('Largest absolute weight'), formatNumber(maxAbsWeight)] as const]),
          ...(verdict === undefined ? [] : [[l10n.t('Verdict'), VERDICTS[verdict]()] as const]),
        ]),
  ].join('\n\n');
}

const VERDICTS: Readonly<Record<NonNullable<UnmergeReport['verdict']>, () => string>> = {
  equal: () => l10n.t('the base model to the bit'),
  rounding: () => l10n.t('the base model within the rounding of its number type'),
  different: () => l10n.t('not this base model: further from it than rounding explains'),
};

const warningsText = ({ warnings }: Pick<MergeReport, 'warnings'>): readonly string[] =>
  warnings.map((warning) => `**${warning}**`);
