/** @file What the watchdog of a run saw, in a few words. */
import * as l10n from '@vscode/l10n';
import type { WatchKind } from '../../kernels/protocol/types';

export const WATCH_LABELS: Readonly<Record<WatchKind, string>> = {
  'non-finite': l10n.t('The loss is not a number'),
  'loss-spike': l10n.t('The loss has jumped'),
  diverged: l10n.t('The loss is far above where it began'),
  'no-gain': l10n.t('No better than before training'),
  stall: l10n.t('The run stands still'),
  inactive: l10n.t('The method is not active'),
  'disk-low': l10n.t('The disk is nearly full'),
};
