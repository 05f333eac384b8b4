/** @file Long tables: what passes the filter, and in which order. */
import { describe, expect, it } from 'vitest';
import { sortedRows, type Column, type Row } from '../../../webview/inspector/tableRows';

const columns: readonly Column[] = [
  { key: 'name', label: 'Name', isNumber: false, width: [10, 1] },
  { key: 'size', label: 'Size', isNumber: true, width: [10, 1] },
];
const row = (name: string, size: number | null): Row => ({
  key: name,
  cells: [{ text: name }, { text: String(size), value: size }],
});
const rows = [row('layers.10.q_proj', 5), row('layers.2.q_proj', null), row('layers.2.K_proj', 40)];
const keys = (shown: readonly Row[]) => shown.map(({ key }) => key);

describe('rows of a table', () => {
  it('stand as in the file until they are sorted', () => {
    expect(sortedRows(rows, columns, '', null)).toBe(rows);
    expect(sortedRows(rows, columns, ' ', { key: 'gone', isDescending: true })).toBe(rows);
  });

  it('pass the filter when they have every word, in any case', () => {
    expect(keys(sortedRows(rows, columns, 'k_ LAYERS.2', null))).toEqual(['layers.2.K_proj']);
    expect(sortedRows(rows, columns, 'layers.3', null)).toEqual([]);
  });

  it('are sorted by names with the numbers in them, and by numbers with unknown ones last', () => {
    const by = (key: string, isDescending: boolean) => keys(sortedRows(rows, columns, '', { key, isDescending }));
    expect(by('name', false)).toEqual(['layers.2.K_proj', 'layers.2.q_proj', 'layers.10.q_proj']);
    expect(by('size', true)).toEqual(['layers.2.K_proj', 'layers.10.q_proj', 'layers.2.q_proj']);
    expect(by('size', false)).toEqual(['layers.10.q_proj', 'layers.2.K_proj', 'layers.2.q_proj']);
  });
});
