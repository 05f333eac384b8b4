/** @file Merge: base and adapter become one checkpoint folder, and the measured difference is shown. */
import { basename } from 'node:path';
import { l10n } from 'vscode';
import type { MergeReport } from '../../kernels/protocol/types';
import type { Studio } from '../studio';
import { formatNumber } from '../util/format';
import { mergeReportText } from '../views/reportText';
import { askAdapter, askBase } from './askAdapter';
import { askOutputFolder } from './askOutputFolder';
import { pick } from './pick';
import { offerReport } from './offerReport';
import { requireTrust } from './trust';
import { whenConfirmed } from './whenConfirmed';
import { withLongCall } from './withLongCall';

type DType = 'keep' | 'f32' | 'f16' | 'bf16';

/** The argument may be a run, an adapter folder, or the `adapter_config.json` in one. */
export async function mergeAdapter(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const title = l10n.t('Merge Adapter');
  const adapter = await askAdapter(studio, title, argument);
  const base = await askBase(studio, title, adapter);
  const out = await askOutputFolder(l10n.t('{0}: new folder', title), `${basename(base)}-merged`);
  const dtype = await pickDType(l10n.t('{0}: number type', title));
  const question = {
    message: l10n.t('Merge the adapter a second time into {0}?', basename(base)),
    action: l10n.t('Merge Again'),
  };
  const report = await whenConfirmed(question, (again) =>
    withLongCall(l10n.t('Merging into {0}', basename(out)), (options) =>
      studio.kernel.call('adapter/merge', { base, adapter, out, dtype, again }, options),
    ),
  );
  studio.log.info(`merged: ${JSON.stringify(report)}`);
  studio.models.refresh();
  const text = mergeReportText(report, { base, adapter });
  await offerReport(studio, {
    title: l10n.t('Merge of {0}', basename(out)),
    text,
    message: [proof(report), ...report.warnings].join(' '),
    folder: out,
  });
}

function proof(report: MergeReport): string {
  return l10n.t(
    'Merged into {0}. Largest logit difference to base + adapter: {1}, mean {2}, at logits up to {3}.',
    basename(report.out),
    formatNumber(report.maxAbsLogitDifference),
    formatNumber(report.meanAbsLogitDifference),
    formatNumber(report.maxAbsLogit),
  );
}

async function pickDType(title: string): Promise<DType> {
  return pick<DType>(
    title,
    [
      { label: l10n.t('Keep'), description: l10n.t("the base model's own"), value: 'keep' },
      { label: 'F32', description: l10n.t('exact, largest'), value: 'f32' },
      { label: 'F16', description: l10n.t('half the size'), value: 'f16' },
      { label: 'BF16', description: l10n.t('half the size, larger range, fewer digits'), value: 'bf16' },
    ],
    '',
  );
}
