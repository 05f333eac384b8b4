/** @file Files with one JSON object on each line. */
import { parseRow, readChunks, type RawRow, type RowChunk } from './rawRow';

/** All rows in order; blank lines are none. */
export async function* readJsonLines(file: string): AsyncGenerator<RowChunk> {
  let line = 1;
  let offset = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const { bytes, isLast } of readChunks(file)) {
    const data: Buffer = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const rows: RawRow[] = [];
    let start = 0;
    for (;;) {
      const newline = data.indexOf(0x0a, start);
      if (newline < 0 && !isLast) break;
      const end = newline < 0 ? data.length : newline;
      const row = parseRow(data.subarray(start, end), line, offset + start, 'expected one JSON object on each line');
      if (row) rows.push(row);
      start = end + 1;
      line++;
      if (newline < 0) break;
    }
    rest = data.subarray(Math.min(start, data.length));
    offset += start;
    yield { rows, bytesRead: offset };
  }
}
