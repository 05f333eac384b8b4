/** @file The best evaluation of a run in words. */
import * as l10n from '@vscode/l10n';
import type { RunState } from '../../kernels/protocol/types';
import { formatCount, formatNumber } from './format';

/** With its step; the evaluation before the first step is one as well. */
export function bestText({ step, loss }: NonNullable<RunState['best']>): string {
  return step === 0
    ? l10n.t('{0} before training', formatNumber(loss))
    : l10n.t('{0} at step {1}', formatNumber(loss), formatCount(step));
}
