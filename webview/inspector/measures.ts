/** @file What can be measured of a module, with the words for it. */
import * as l10n from '@vscode/l10n';
import type { AdapterModuleEntry, DeltaMeasures, ModuleMeasures } from '../../kernels/protocol/calls/inspect';

export interface Measure {
  readonly key: string;
  readonly label: string;
  readonly help: string;
  readonly of: (measures: ModuleMeasures) => number | null;
}

const delta =
  (field: Exclude<keyof DeltaMeasures, 'shape'>) =>
  ({ delta: measured }: ModuleMeasures): number | null =>
    measured?.[field] ?? null;

const DELTA_MEASURES: readonly Measure[] = [
  {
    key: 'norm',
    label: l10n.t('‖ΔW‖, Frobenius norm'),
    help: l10n.t('The size of the delta weight: square root of the sum of its squared values.'),
    of: delta('norm'),
  },
  {
    key: 'largest',
    label: l10n.t('σ₁, largest singular value'),
    help: l10n.t('How much the delta weight can stretch an input: its spectral norm.'),
    of: delta('largest'),
  },
  {
    key: 'stable_rank',
    label: l10n.t('Stable rank'),
    help: l10n.t(
      'Sum of the squared singular values divided by the largest squared: near 1 when one direction carries all.',
    ),
    of: delta('stable_rank'),
  },
  {
    key: 'effective_rank',
    label: l10n.t('Effective rank'),
    help: l10n.t('Exponential of the entropy of the normalised singular values: how many directions carry the update.'),
    of: delta('effective_rank'),
  },
  {
    key: 'above_relative',
    label: l10n.t('Singular values > 1 % of largest'),
    help: l10n.t('The number of singular values above 1 % of the largest.'),
    of: delta('above_relative'),
  },
];

/** Norms of the tensors of one parameter. */
const normOf = (parameter: string): Measure => ({
  key: `norm:${parameter}`,
  label: l10n.t('‖{0}‖, Frobenius norm', parameter),
  help: l10n.t('Square root of the sum of the squared values of {0}.', parameter),
  of: ({ norms }) => norms[parameter] ?? null,
});

/** Copies show nothing that their originals do not. */
export function parametersOf(modules: readonly AdapterModuleEntry[]): readonly string[] {
  const own = ({ tensors }: AdapterModuleEntry) => Object.entries(tensors).filter(([, { role }]) => role !== 'copy');
  return [...new Set(modules.flatMap((module) => own(module).map(([name]) => name)))];
}

/** What can be chosen for the map: of the delta weight where some module has one, and of each parameter. */
export function measuresOf(
  modules: readonly AdapterModuleEntry[],
  measured: ReadonlyMap<string, ModuleMeasures>,
): readonly Measure[] {
  const hasDelta = [...measured.values()].some((m) => m.delta !== null);
  return [...(hasDelta ? DELTA_MEASURES : []), ...parametersOf(modules).map(normOf)];
}
