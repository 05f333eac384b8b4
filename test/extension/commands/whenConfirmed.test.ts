/** @file What the engine refuses until it is confirmed: a modal question, then the call once more, or nothing. */
import { beforeEach, expect, test } from 'vitest';
import { whenConfirmed } from '../../../extension/commands/whenConfirmed';
import { KernelError } from '../../../kernels/protocol/errors';
import { state } from '../../support/vscodeStub';

const question = { message: 'Take it out all the same?', action: 'Unmerge Unverified' };
let calls: boolean[];

/** Refused as long as it is not confirmed. */
const call = (isConfirmed: boolean): Promise<string> => {
  calls.push(isConfirmed);
  const problem = { file: '/m', severity: 'error', found: 'no merge is recorded here', expected: 'x' } as const;
  return isConfirmed
    ? Promise.resolve('done')
    : Promise.reject(new KernelError('input/unconfirmed', 'refused', { problems: [problem] }));
};

beforeEach(() => {
  state.reset();
  calls = [];
});

test('a call that is refused until it is confirmed is made again after a yes', async () => {
  state.clicks.push(question.action);
  expect(await whenConfirmed(question, call)).toBe('done');
  expect(calls).toEqual([false, true]);
  expect(state.messages).toEqual([question.message]);
});

test('without a yes it is not made again', async () => {
  const error: unknown = await whenConfirmed(question, call).catch((reason: unknown) => reason);
  expect(KernelError.is(error, 'cancelled')).toBe(true);
  expect(calls).toEqual([false]);
});

test('any other refusal is none to be asked about', async () => {
  const refused = new KernelError('input/refused', 'another adapter');
  await expect(whenConfirmed(question, () => Promise.reject(refused))).rejects.toBe(refused);
  expect(state.messages).toEqual([]);
});
