/** @file Files with one JSON object on each line. */
import * as l10n from '@vscode/l10n';
import { longRow, MOST_ROW_BYTES, parseRow, readChunks, type RawRow, type RowChunk } from './rawRow';

const EXPECTED = l10n.t('expected one JSON object on each line');
const NEWLINE = 0x0a;

/** All rows in order; blank lines are none. A file that is JSON of another form is one row with that fault. */
export async function* readJsonLines(file: string): AsyncGenerator<RowChunk> {
  const scan = new LineScan();
  for await (const { bytes, isLast } of readChunks(file)) {
    const rows = isLast ? scan.end() : scan.take(bytes);
    yield { rows, bytesRead: scan.bytesRead };
    if (scan.isOver) return;
  }
}

class LineScan {
  bytesRead = 0;
  /** Nothing behind can be read as lines. */
  isOver = false;
  #line = 1;
  #hasRows = false;
  /** The line that is being read: its bytes so far (none when it is too long), where it begins, how long it is. */
  #parts: Buffer[] = [];
  #offset = 0;
  #size = 0;

  take(bytes: Buffer): RawRow[] {
    const rows: RawRow[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0 && !this.isOver; end = bytes.indexOf(NEWLINE, start)) {
      this.#add(bytes.subarray(start, end));
      rows.push(...this.#row());
      start = end + 1;
      this.#offset = this.bytesRead + start;
    }
    this.#add(bytes.subarray(start));
    this.bytesRead += bytes.length;
    return rows;
  }

  /** The last line, when no line end follows it. */
  end(): RawRow[] {
    return this.#row();
  }

  #add(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#size > MOST_ROW_BYTES) this.#parts = [];
    else if (bytes.length > 0) this.#parts.push(bytes);
  }

  #row(): RawRow[] {
    const [line, offset, size] = [this.#line++, this.#offset, this.#size];
    const bytes = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    if (size > MOST_ROW_BYTES) return [longRow(line, offset, size)];
    const row = bytes && parseRow(bytes, line, offset, EXPECTED);
    if (!row) return [];
    const isFirst = !this.#hasRows;
    this.#hasRows = true;
    const form = isFirst ? otherForm(bytes.toString('utf8')) : undefined;
    if (form === undefined) return [row];
    this.isOver = true;
    return [{ line, offset, size, fault: { found: form, expected: EXPECTED, concernsAll: true } }];
  }
}

/** JSON over several lines, by its first one: every line of it would be a mistake, and none the one that was made. */
function otherForm(first: string): string | undefined {
  const text = first.replace(/^\uFEFF/, '').trim();
  if (text === '{') return l10n.t('found an object over several lines');
  if (text === '[' || /^\[\s*[{[]/.test(text)) return l10n.t('found a list of rows, which a file named .json may hold');
  return undefined;
}
