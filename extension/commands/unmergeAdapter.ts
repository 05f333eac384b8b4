/** @file Unmerge: takes an adapter out of a merged checkpoint, and says how near the result is to the base. */
import { basename } from 'node:path';
import { l10n } from 'vscode';
import type { UnmergeReport } from '../../kernels/protocol/types';
import type { Studio } from '../studio';
import { formatNumber } from '../util/format';
import { unmergeReportText } from '../views/reportText';
import { askAdapter } from './askAdapter';
import { askOutputFolder } from './askOutputFolder';
import { offerReport } from './offerReport';
import { pickModel } from './pick';
import { requireTrust } from './trust';
import { whenConfirmed } from './whenConfirmed';
import { withLongCall } from './withLongCall';

/** The argument may be a run, an adapter folder, or the `adapter_config.json` in one. */
export async function unmergeAdapter(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const title = l10n.t('Unmerge Adapter');
  const adapter = await askAdapter(studio, title, argument);
  const merged = await pickModel(studio, { title: l10n.t('{0}: merged model', title), kind: 'checkpoint' });
  const out = await askOutputFolder(l10n.t('{0}: new folder', title), `${basename(merged)}-unmerged`);
  const question = {
    message: l10n.t('Nothing shows that this adapter was merged into {0}. Take it out all the same?', basename(merged)),
    action: l10n.t('Unmerge Unverified'),
  };
  const report = await whenConfirmed(question, (unverified) =>
    withLongCall(l10n.t('Unmerging into {0}', basename(out)), (options) =>
      studio.kernel.call('adapter/unmerge', { merged, adapter, out, unverified }, options),
    ),
  );
  studio.log.info(`unmerged: ${JSON.stringify(report)}`);
  studio.models.refresh();
  const text = unmergeReportText(report, { merged, adapter });
  await offerReport(studio, {
    title: l10n.t('Unmerge into {0}', basename(out)),
    text,
    message: [nearness(report), ...report.warnings].join(' '),
    folder: out,
  });
}

function nearness(report: UnmergeReport): string {
  const folder = basename(report.out);
  if (report.maxAbsWeightDifference === undefined || report.comparedWith === undefined) {
    return l10n.t('Unmerged into {0}. The base model is not on this machine, so it was not compared.', folder);
  }
  return l10n.t(
    'Unmerged into {0}. Largest weight difference to {1}: {2}.',
    folder,
    basename(report.comparedWith),
    formatNumber(report.maxAbsWeightDifference),
  );
}
