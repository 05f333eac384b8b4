/** @file Heavy work comes one piece a task. */
import { expect, it } from 'vitest';
import { inTurn } from '../../../webview/shared/turns';

it('pieces of work come in the order in which they were asked for, with other tasks between them', async () => {
  const seen: string[] = [];
  const work = ['a', 'b', 'c'].map((name) => inTurn(() => void seen.push(name)));
  await work[0];
  const before = new Promise<void>((resolve) => setTimeout(() => resolve(void seen.push('other'))));
  await Promise.all([...work, before]);
  expect(seen.filter((name) => name !== 'other')).toEqual(['a', 'b', 'c']);
  expect(seen.indexOf('other')).toBeLessThan(seen.indexOf('c'));
});

it('work that fails tells who asked for it, and holds up nobody else', async () => {
  const failed = inTurn(() => {
    throw new Error('no');
  });
  const next = inTurn(() => 2);
  await expect(failed).rejects.toThrow('no');
  await expect(next).resolves.toBe(2);
});
