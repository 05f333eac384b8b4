/** @file Pieces of Markdown that reports share. */

/** Two columns without a heading. */
export function pairTable(rows: readonly (readonly [string, string])[]): string {
  return ['| | |', '|---|---|', ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
}

/** A path as it is; a backtick or a bar in it would end the cell. */
export function code(path: string): string {
  return `\`${path.replace(/[`|]/g, '?')}\``;
}
