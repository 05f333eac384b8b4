/** @file Convert: an adapter of any method becomes plain LoRA, and the measured loss is shown. */
import { basename } from 'node:path';
import { l10n, window } from 'vscode';
import type { KernelApi } from '../../kernels/protocol/kernelApi';
import type { ConvertReport } from '../../kernels/protocol/types';
import type { Studio } from '../studio';
import { formatNumber } from '../util/format';
import { convertReportText } from '../views/convertReportText';
import { askAdapter, askBase } from './askAdapter';
import { askOutputFolder } from './askOutputFolder';
import { offerReport } from './offerReport';
import { cancelled, pick, staysOpen } from './pick';
import { requireTrust } from './trust';
import { withLongCall } from './withLongCall';

type ConvertParams = Parameters<KernelApi['calls']['adapter/convert']>[0];

/** The argument may be a run, an adapter folder, or the `adapter_config.json` in one. */
export async function convertAdapter(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const title = l10n.t('Convert to LoRA');
  const adapter = await askAdapter(studio, title, argument);
  const base = await askBase(studio, title, adapter);
  const wanted = await askWanted(title);
  const dtype = await pickDType(l10n.t('{0}: number type', title));
  const out = await askOutputFolder(l10n.t('{0}: new folder', title), `${nameOf(adapter)}-lora`);
  const report = await withLongCall(l10n.t('Converting into {0}', basename(out)), (options) =>
    studio.kernel.call('adapter/convert', { base, adapter, out, wanted, dtype }, options),
  );
  studio.log.info(`converted: ${JSON.stringify(report)}`);
  studio.models.refresh();
  await offerReport(studio, {
    title: l10n.t('Conversion into {0}', basename(out)),
    text: convertReportText(report, { base, adapter }),
    message: outcome(report),
    folder: out,
    isAdapter: true,
  });
}

/** The adapter of a run lies in a folder of that name; the run's own says more. */
function nameOf(adapter: string): string {
  const [name = 'adapter', above] = adapter.split(/[\\/]/).reverse();
  return name === 'adapter' && above ? above : name;
}

function outcome(report: ConvertReport): string {
  const worst = report.modules.reduce((most, { error }) => Math.max(most, error), 0);
  return l10n.t(
    'Converted into {0}: LoRA of rank {1}. Largest relative error of a delta weight: {2}; largest logit difference: {3}, at logits up to {4}.',
    basename(report.out),
    report.rank,
    formatNumber(worst),
    formatNumber(report.maxAbsLogitDifference),
    formatNumber(report.maxAbsLogit),
  );
}

async function askWanted(title: string): Promise<ConvertParams['wanted']> {
  const label = (percent: string): string => l10n.t('Keep {0} % of the energy', percent);
  const perModule = l10n.t('Each module gets the rank it needs.');
  const chosen = await pick<ConvertParams['wanted'] | 'rank'>(
    l10n.t('{0}: how much of the update is kept', title),
    [
      {
        label: l10n.t('One rank…'),
        detail: l10n.t('The same for all modules, as every engine reads it.'),
        value: 'rank',
      },
      { label: label('99'), detail: perModule, value: { energy: 0.99 } },
      { label: label('99.9'), detail: perModule, value: { energy: 0.999 } },
      { label: label('100'), detail: l10n.t('Without loss; the rank may be large.'), value: { energy: 1 } },
    ],
    '',
  );
  return chosen === 'rank' ? { rank: await askRank(title) } : chosen;
}

async function askRank(title: string): Promise<number> {
  const isRank = (text: string): boolean => /^\d+$/.test(text.trim()) && Number(text) >= 1;
  const text = await window.showInputBox({
    ...staysOpen,
    title: l10n.t('{0}: rank', title),
    value: '16',
    validateInput: (value) => (isRank(value) ? undefined : l10n.t('A whole number of at least 1.')),
  });
  if (text === undefined) throw cancelled();
  return Number(text);
}

async function pickDType(title: string): Promise<ConvertParams['dtype']> {
  return pick<ConvertParams['dtype']>(
    title,
    [
      { label: 'F32', description: l10n.t('exact, largest'), value: 'f32' },
      { label: 'F16', description: l10n.t('half the size'), value: 'f16' },
      { label: 'BF16', description: l10n.t('half the size, larger range, fewer digits'), value: 'bf16' },
    ],
    '',
  );
}
