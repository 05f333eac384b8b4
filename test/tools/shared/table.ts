/** @file Plain text tables and messages on the terminal. */

/** Columns as wide as their widest cell; numbers should come formatted. The first row is the head. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, c) => Math.max(...rows.map((row) => (row[c] ?? '').length)));
  const line = (row: readonly string[]) => widths.map((width, c) => (row[c] ?? '').padEnd(width)).join('  ');
  const [head = [], ...body] = rows;
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)]
    .map((text) => text.trimEnd())
    .join('\n');
}

/** Progress goes to standard error, so that standard output holds the result only. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** `1234567890` -> `1.23 GB` (decimal units). */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return 'not measured';
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
}
