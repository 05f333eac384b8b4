/** @file A JSON file that is one list of objects, cut into its items without holding the list. */
import { closeSync, readSync } from 'node:fs';
import * as l10n from '@vscode/l10n';
import { openPlainFile } from '../formats/plainFile';
import { longRow, MOST_ROW_BYTES, parseRow, readChunks, type RawRow, type RowChunk } from './rawRow';

const EXPECTED = l10n.t('expected a list of JSON objects');
const [QUOTE, BACKSLASH, COMMA, NEWLINE] = [0x22, 0x5c, 0x2c, 0x0a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
/** White space, and control characters, which JSON does not have outside of texts. */
const LAST_BLANK = 0x20;

/** Whether the file begins with a list; many files named .json hold one object on each line instead. */
export function isJsonList(file: string): boolean {
  const fd = openPlainFile(file, l10n.t('expected a data file'));
  try {
    const buffer = Buffer.alloc(4096);
    const text = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0)).toString('utf8');
    return text
      .replace(/^\uFEFF/, '')
      .trimStart()
      .startsWith('[');
  } finally {
    closeSync(fd);
  }
}

/** The items of the list. Commas outside of strings and brackets separate them; each item is then parsed by itself. */
export async function* readJsonList(file: string): AsyncGenerator<RowChunk> {
  const scan = new ListScan();
  for await (const { bytes, isLast } of readChunks(file)) {
    yield { rows: isLast ? scan.end() : scan.take(bytes), bytesRead: scan.bytesRead };
  }
}

class ListScan {
  bytesRead = 0;
  #depth = 0;
  #isInText = false;
  #isEscaped = false;
  #line = 1;
  #isClosed = false;
  #hasMore = false;
  #items = 0;
  /** The item that is being read: its bytes so far, and where it begins. */
  #parts: Buffer[] = [];
  #itemLine = 0;
  #itemOffset = 0;
  #itemBytes = 0;

  take(bytes: Buffer): RawRow[] {
    const rows: RawRow[] = [];
    let start = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      if (byte === NEWLINE) this.#line++;
      if (this.#isInText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInText = false;
        continue;
      }
      if (byte <= LAST_BLANK) continue;
      if (this.#isClosed) {
        if (!this.#hasMore) rows.push(this.#fault(l10n.t('found more text after the list')));
        this.#hasMore = true;
        continue;
      }
      const isEndOfItem = this.#depth === 1 && (byte === COMMA || byte === CLOSE_LIST);
      if (isEndOfItem) {
        this.#add(bytes.subarray(start, i));
        rows.push(...this.#item(byte === CLOSE_LIST));
        start = i + 1;
      } else if (this.#itemLine === 0 && this.#depth >= 1) {
        this.#itemLine = this.#line;
        this.#itemOffset = this.bytesRead + i;
        this.#parts = [];
        this.#itemBytes = 0;
        start = i;
      }
      if (byte === QUOTE) this.#isInText = true;
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (this.#depth++ === 0) start = i + 1;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (--this.#depth === 0) this.#isClosed = true;
      }
    }
    if (this.#itemLine > 0) this.#add(bytes.subarray(start));
    this.bytesRead += bytes.length;
    return rows;
  }

  /** What is wrong with the end of the file, if anything. */
  end(): RawRow[] {
    return this.#depth > 0 ? [this.#fault(l10n.t('the file ends before the list is closed'))] : [];
  }

  #item(isLast: boolean): RawRow[] {
    const row = this.#itemLine > 0 ? this.#read() : undefined;
    const isEmptyList = isLast && this.#items === 0;
    this.#parts = [];
    this.#itemLine = 0;
    this.#items++;
    if (row) return [row];
    return isEmptyList ? [] : [this.#fault(l10n.t('found a comma without an item'))];
  }

  #read(): RawRow | undefined {
    if (this.#itemBytes > MOST_ROW_BYTES) return longRow(this.#itemLine, this.#itemOffset, this.#itemBytes);
    return parseRow(Buffer.concat(this.#parts), this.#itemLine, this.#itemOffset, EXPECTED);
  }

  #add(bytes: Buffer): void {
    this.#itemBytes += bytes.length;
    if (this.#itemBytes > MOST_ROW_BYTES) this.#parts = [];
    else this.#parts.push(bytes);
  }

  #fault(found: string): RawRow {
    return { line: this.#line, offset: this.bytesRead, size: 0, fault: { found, expected: EXPECTED } };
  }
}
