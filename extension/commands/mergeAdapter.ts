/** @file Merge: base and adapter become one checkpoint folder, and the measured difference is shown. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { l10n } from 'vscode';
import type { MergeReport } from '../../kernels/protocol/types';
import { baseOfAdapter } from '../models/baseOfAdapter';
import { readRunContents } from '../runs/runFolder';
import type { Studio } from '../studio';
import { formatNumber } from '../util/format';
import { mergeReportText } from '../views/reportText';
import { askOutputFolder } from './askOutputFolder';
import { folderArgument, pick, pickModel } from './pick';
import { offerReport } from './offerReport';
import { requireTrust } from './trust';
import { withLongCall } from './withLongCall';

type DType = 'keep' | 'f32' | 'f16' | 'bf16';

/** The argument may be a run, an adapter folder, or the `adapter_config.json` in one. */
export async function mergeAdapter(studio: Studio, argument?: unknown): Promise<void> {
  await requireTrust();
  const title = l10n.t('Merge Adapter');
  const given = folderArgument(argument);
  const adapter =
    (given === undefined ? undefined : await adapterFolder(given)) ??
    (await pickModel(studio, { title: l10n.t('{0}: adapter', title), kind: 'adapter' }));
  const base = await pickModel(studio, {
    title: l10n.t('{0}: base model of {1}', title, basename(adapter)),
    kind: 'checkpoint',
    suggested: await baseOfAdapter(adapter),
  });
  const out = await askOutputFolder(l10n.t('{0}: new folder', title), `${basename(base)}-merged`);
  const dtype = await pickDType(l10n.t('{0}: number type', title));
  const report = await withLongCall(l10n.t('Merging into {0}', basename(out)), (options) =>
    studio.kernel.call('adapter/merge', { base, adapter, out, dtype }, options),
  );
  studio.log.info(`merged: ${JSON.stringify(report)}`);
  studio.models.refresh();
  const text = mergeReportText(report, { base, adapter });
  await offerReport(studio, {
    title: l10n.t('Merge of {0}', basename(out)),
    text,
    message: proof(report),
    folder: out,
  });
}

/** The adapter in a folder: the folder itself, or what a run has made of it so far. */
export async function adapterFolder(path: string): Promise<string | undefined> {
  const folder = basename(path) === 'adapter_config.json' ? dirname(path) : path;
  if (await readText(join(folder, 'adapter_config.json'))) return folder;
  const { adapter, lastCheckpoint } = await readRunContents(folder);
  return adapter ?? lastCheckpoint ?? undefined;
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

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
