/** @file Which samples are shown: those of one step, beside those of the step before, of the first, or of none. */
import * as l10n from '@vscode/l10n';
import { computed, signal, type Signal } from '@preact/signals-core';
import type { SampleRecord } from '../../kernels/protocol/types';
import type { SampleList } from '../protocol/dashboard';

export type SampleBase = 'previous' | 'first' | 'none';
export const SAMPLE_BASES: Readonly<Record<SampleBase, string>> = {
  previous: l10n.t('the step before'),
  first: l10n.t('the first step'),
  none: l10n.t('nothing'),
};

export interface ShownSamples {
  readonly step: number;
  readonly records: readonly SampleRecord[];
  /** Null: nothing to compare with. */
  readonly baseStep: number | null;
  readonly baseRecords: readonly SampleRecord[];
}

export class SampleChoice {
  readonly list = signal<SampleList | null>(null);
  readonly shown = signal<ShownSamples | null>(null);
  /** The step that was chosen; null: the last one, also when another is added. */
  private readonly chosen = signal<number | null>(null);

  /** Index of the shown step. */
  readonly index = computed(() => {
    const steps = this.list.value?.steps ?? [];
    const at = this.chosen.value === null ? -1 : steps.indexOf(this.chosen.value);
    return at >= 0 ? at : Math.max(0, steps.length - 1);
  });

  /** The steps whose samples are needed: the shown one, then the one it is compared with. */
  readonly wanted = computed<readonly number[]>(() => {
    const steps = this.list.value?.steps ?? [];
    const step = steps[this.index.value];
    if (step === undefined) return [];
    const base = this.base.value === 'previous' ? steps[this.index.value - 1] : steps[0];
    return this.base.value === 'none' || base === undefined || base === step ? [step] : [step, base];
  });

  constructor(private readonly base: Signal<string>) {}

  choose(index: number): void {
    const steps = this.list.value?.steps ?? [];
    this.chosen.value = index >= steps.length - 1 ? null : (steps[index] ?? null);
  }

  /** The samples that came for what was wanted then. */
  take([step, base]: readonly number[], records: readonly SampleRecord[]): void {
    if (step === undefined) return;
    this.shown.value = {
      step,
      records: records.filter((record) => record.step === step),
      baseStep: base ?? null,
      baseRecords: records.filter((record) => record.step === base),
    };
  }
}
