/** @file The labels of a data set as numbers: names of classes by their place, or the numbers themselves. */
import * as l10n from '@vscode/l10n';
import type { RowFault } from './samples';

/** Collects the names of classes; texts and whole numbers are names alike, but a set has only one kind of them. */
export class LabelNames {
  private readonly places = new Map<string, number>();
  private kind: 'string' | 'number' | undefined;

  /** The place of a name, or what is wrong with it. */
  place(label: string | number): number | RowFault {
    const kind = typeof label === 'string' ? 'string' : 'number';
    this.kind ??= kind;
    if (kind !== this.kind) {
      const [is, was] = kind === 'string' ? ['a name', 'numbers'] : ['a number', 'names'];
      const found = l10n.t('found {0}, {1} after labels that are {2}', JSON.stringify(label), is, was);
      return { where: 'label', found, expected: l10n.t('expected labels of one kind in all files') };
    }
    const name = String(label);
    const known = this.places.get(name);
    if (known !== undefined) return known;
    if (this.places.size >= MOST_LABELS) {
      const expected = l10n.t(
        'expected at most {0} classes; is this a number to be predicted (data.format: regression)?',
        MOST_LABELS,
      );
      return { where: 'label', found: l10n.t('found {0}, one label more', JSON.stringify(label)), expected };
    }
    this.places.set(name, this.places.size);
    return this.places.size - 1;
  }

  /** In the order of their places. */
  get names(): readonly string[] {
    return [...this.places.keys()];
  }
}

/** More would not be classes but a text that is different each time. */
const MOST_LABELS = 2000;

/** Names in the order in which a new head gets its ids: numbers by their size, texts by their characters. */
export function sortedLabels(names: readonly string[]): readonly string[] {
  const areNumbers = names.every((name) => /^\d+$/.test(name));
  return [...names].sort(areNumbers ? (a, b) => Number(a) - Number(b) : (a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The id of a label among `labels`: that of its name, or the number itself where the labels have names. */
export function labelId(labels: readonly string[], name: string): number | undefined {
  const own = labels.indexOf(name);
  if (own >= 0) return own;
  const areNumbers = labels.every((label) => /^\d+$/.test(label));
  return !areNumbers && /^\d+$/.test(name) && Number(name) < labels.length ? Number(name) : undefined;
}
