/** @file Following an append-only file: whatever the pieces in which it grows, the records are the same. */
import fc from 'fast-check';
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JsonlTail } from '../../../extension/runs/jsonlTail';

let folder: string;
let file: string;
let badLines: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'jsonl-tail-'));
  file = path.join(folder, 'metrics.jsonl');
  badLines = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const tail = () =>
  new JsonlTail<unknown>(
    file,
    (value) => value,
    (line) => badLines.push(line),
  );
const lines = (...records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('following a file of records', () => {
  test('a file that is not there yet has no records', async () => {
    const follower = tail();
    expect(await follower.read()).toEqual({ records: [], isReset: false });
    writeFileSync(file, lines({ step: 1 }));
    expect(await follower.read()).toEqual({ records: [{ step: 1 }], isReset: false });
  });

  test('any split of the appended bytes gives the same records', async () => {
    const record = fc.record({ step: fc.nat(), text: fc.string({ unit: 'grapheme' }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { maxLength: 12 }),
        fc.array(fc.nat(400), { maxLength: 8 }),
        async (all, cuts) => {
          rmSync(file, { force: true });
          const bytes = Buffer.from(lines(...all));
          const follower = tail();
          const found: unknown[] = [];
          const positions = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
          let start = 0;
          for (const end of [...positions, bytes.length]) {
            appendFileSync(file, bytes.subarray(start, end));
            start = end;
            const { records, isReset } = await follower.read();
            expect(isReset).toBe(false);
            found.push(...records);
          }
          expect(found).toEqual(all);
          expect(badLines).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a file that became shorter is read from its beginning', async () => {
    writeFileSync(file, lines({ step: 1 }, { step: 2 }, { step: 3 }));
    const follower = tail();
    await follower.read();
    truncateSync(file, lines({ step: 1 }).length);
    expect(await follower.read()).toEqual({ records: [{ step: 1 }], isReset: true });
  });

  test('a file that was cut and has grown past its old length is read from its beginning', async () => {
    writeFileSync(file, lines({ step: 1, loss: 5 }, { step: 2, loss: 4 }));
    const follower = tail();
    await follower.read();
    const now = [
      { step: 1, loss: 5 },
      { step: 2, loss: 9 },
      { step: 3, loss: 8 },
      { step: 4, loss: 7 },
    ];
    writeFileSync(`${file}.new`, lines(...now));
    renameSync(`${file}.new`, file);
    expect(await follower.read()).toEqual({ records: now, isReset: true });
    expect(await follower.read()).toEqual({ records: [], isReset: false });
  });

  test('a file that is deleted has nothing new, and another one in its place is read from its start', async () => {
    writeFileSync(file, lines({ step: 1 }));
    const follower = tail();
    await follower.read();
    rmSync(file);
    expect(await follower.read()).toEqual({ records: [], isReset: false });
    writeFileSync(file, lines({ step: 7 }, { step: 8 }));
    expect(await follower.read()).toEqual({ records: [{ step: 7 }, { step: 8 }], isReset: true });
  });

  test('a line that is not a record is told and left out', async () => {
    writeFileSync(file, `{"step":1}\nnot json\n{"step":2}\n`);
    expect((await tail().read()).records).toEqual([{ step: 1 }, { step: 2 }]);
    expect(badLines).toEqual(['not json']);
  });
});
