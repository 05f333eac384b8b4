/** @file When a disk is nearly full, and when it is too full to go on. */
import { expect, test } from 'vitest';
import { DiskWatch } from '../../../kernels/trainer/diskWatch';

const MB = 1e6;
/** A disk whose free space the test sets; checkpoints take 10 MB, and 100 MB should be free. */
function disk(free: number): { watch: DiskWatch; set(free: number): void } {
  let now = free;
  return { watch: new DiskWatch('/runs/x', 10 * MB, 100 * MB, () => now), set: (value) => (now = value) };
}

test('with enough room there is nothing to say', () => {
  expect(disk(101 * MB).watch.look({ isDue: true })).toBeNull();
});

test('low space is said once, and again after there was enough', () => {
  const { watch, set } = disk(99 * MB);
  expect(watch.look({ isDue: true })).toEqual({
    kind: 'low',
    found: '99.0 MB free on the disk of /runs/x; a checkpoint of this run takes 10.0 MB',
    isRoomForOne: true,
  });
  expect(watch.look({ isDue: true })).toBeNull();
  set(200 * MB);
  expect(watch.look({ isDue: true })).toBeNull();
  set(50 * MB);
  expect(watch.look({ isDue: true })?.kind).toBe('low');
});

test('large checkpoints need two of their size', () => {
  expect(new DiskWatch('/', 300 * MB, 0, () => 599 * MB).look({ isDue: true })?.kind).toBe('low');
  expect(new DiskWatch('/', 300 * MB, 0, () => 601 * MB).look({ isDue: true })).toBeNull();
});

test('a disk that holds one more is not full when an old checkpoint goes for it', () => {
  const { watch, set } = disk(12 * MB);
  const toBeFreed = (): number => 10 * MB;
  expect(watch.look({ isDue: true, toBeFreed })?.kind).toBe('low');
  set(9 * MB);
  expect(watch.look({ isDue: true, toBeFreed })).toMatchObject({ kind: 'full', isRoomForOne: false });
});

test('a disk that will hold one more checkpoint, or none, is full', () => {
  const { watch, set } = disk(12 * MB);
  expect(watch.look({ isDue: true })).toMatchObject({ kind: 'full', isRoomForOne: true });
  set(9 * MB);
  expect(watch.look({ isDue: true })).toMatchObject({ kind: 'full', isRoomForOne: false });
});

test('between checkpoints the disk is asked every few seconds only', () => {
  const { watch, set } = disk(200 * MB);
  expect(watch.look()).toBeNull();
  set(1 * MB);
  expect(watch.look()).toBeNull();
  expect(watch.look({ isDue: true })?.kind).toBe('full');
});

test('a system that does not tell the free space is not guessed at', () => {
  expect(new DiskWatch('/', 1, 1, () => undefined).look({ isDue: true })).toBeNull();
});
