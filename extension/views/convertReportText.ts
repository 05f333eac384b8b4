/** @file What a conversion to plain LoRA lost, module by module, as Markdown. */
import { l10n } from 'vscode';
import type { ConvertedModule, ConvertReport } from '../../kernels/protocol/types';
import { formatDuration, formatNumber } from '../util/format';
import { code, pairTable } from './markdown';

export function convertReportText(
  report: ConvertReport,
  from: { readonly base: string; readonly adapter: string },
): string {
  const { carried, approximation } = report;
  return [
    `# ${l10n.t('Conversion to LoRA')}`,
    pairTable([
      [l10n.t('Base model'), code(from.base)],
      [l10n.t('Adapter'), `${code(from.adapter)} (${report.method})`],
      [l10n.t('LoRA adapter'), code(report.out)],
      [l10n.t('Rank'), report.hasPatterns ? l10n.t('up to {0}, per module', report.rank) : String(report.rank)],
      [l10n.t('Number type'), report.dtype],
      ...(carried.length > 0 ? [[l10n.t('Trained in full, carried over'), carried.map(code).join(', ')] as const] : []),
      [l10n.t('Time'), formatDuration(report.seconds)],
    ]),
    ...(report.hasPatterns
      ? [l10n.t('Engines that ignore rank_pattern and alpha_pattern need one rank for all modules.')]
      : []),
    `## ${l10n.t('Logits')}`,
    ...(approximation === undefined
      ? []
      : [`**${l10n.t('No weight stands for this method exactly: {0}', approximation)}**`]),
    l10n.t(
      'Logits of base model with the LoRA adapter against base model with the adapter it came from, on {0} fixed prompts ({1} positions).',
      report.prompts,
      report.positions,
    ),
    pairTable([
      [l10n.t('Largest absolute difference'), formatNumber(report.maxAbsLogitDifference)],
      [l10n.t('Mean absolute difference'), formatNumber(report.meanAbsLogitDifference)],
      [l10n.t('Largest absolute logit'), formatNumber(report.maxAbsLogit)],
      [l10n.t('Largest difference as a share of it'), formatNumber(report.maxAbsLogitDifference / report.maxAbsLogit)],
    ]),
    `## ${l10n.t('Delta weights')}`,
    l10n.t('Relative error: ‖ΔW − B·A‖ / ‖ΔW‖ with the factors as they were written, Frobenius norms.'),
    moduleTable(report.modules),
  ].join('\n\n');
}

function moduleTable(modules: readonly ConvertedModule[]): string {
  const heading = [
    l10n.t('Module'),
    l10n.t('Rank'),
    '‖ΔW‖',
    l10n.t('Energy kept'),
    l10n.t('Relative error'),
    l10n.t('Found by'),
  ];
  const ways = {
    factors: l10n.t('its factors'),
    exact: l10n.t('full SVD'),
    randomised: l10n.t('randomised SVD'),
  } as const satisfies Record<ConvertedModule['how'], string>;
  const rows = modules.map(({ module, rank, norm, energy, error, how }) => [
    code(module),
    String(rank),
    formatNumber(norm),
    `${(100 * energy).toFixed(2)} %`,
    formatNumber(error),
    ways[how],
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heading), line(['---', '---:', '---:', '---:', '---:', '---']), ...rows.map(line)].join('\n');
}
