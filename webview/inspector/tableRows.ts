/** @file Rows of a long table: which pass the filter, and in which order. */

export interface Column {
  readonly key: string;
  readonly label: string;
  readonly isNumber: boolean;
  /** Least width in pixels, and the share of what is left. */
  readonly width: readonly [least: number, share: number];
}

export interface TableCell {
  readonly text: string;
  /** What the cell is sorted by; null stands last. The text when absent. */
  readonly value?: number | null;
}

export interface Row {
  readonly key: string;
  /** One for each column. */
  readonly cells: readonly TableCell[];
}

export interface Sorting {
  readonly key: string;
  readonly isDescending: boolean;
}

/** Every word of the filter occurs in the row's text, in any order and case. */
export function sortedRows(
  rows: readonly Row[],
  columns: readonly Column[],
  filter: string,
  sorting: Sorting | null,
): readonly Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const isWanted = ({ cells }: Row) => {
    const text = cells.map((cell) => cell.text.toLowerCase()).join(' ');
    return words.every((word) => text.includes(word));
  };
  const wanted = words.length === 0 ? rows : rows.filter(isWanted);
  const column = columns.findIndex(({ key }) => key === sorting?.key);
  if (!sorting || column < 0) return wanted;
  const sign = sorting.isDescending ? -1 : 1;
  return [...wanted].sort((a, b) => compare(a.cells[column], b.cells[column], sign));
}

/** Layer 2 before layer 10. */
const inOrder = new Intl.Collator('en', { numeric: true });

function compare(a: TableCell | undefined, b: TableCell | undefined, sign: number): number {
  if (a?.value === undefined || b?.value === undefined) return sign * inOrder.compare(a?.text ?? '', b?.text ?? '');
  if (a.value === null || b.value === null) return (a.value === null ? 1 : 0) - (b.value === null ? 1 : 0);
  return sign * (a.value - b.value);
}
