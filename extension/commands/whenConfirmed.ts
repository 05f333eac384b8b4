/** @file A call that the engine refuses until the person has said that it is meant: asks, and makes it again. */
import { window } from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import { cancelled } from './pick';

export interface Question {
  readonly message: string;
  /** The button that says yes. */
  readonly action: string;
}

/** `call` gets whether the person has confirmed it. Throws `cancelled` when the person does not. */
export async function whenConfirmed<T>(
  { message, action }: Question,
  call: (isConfirmed: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await call(false);
  } catch (error) {
    if (!KernelError.is(error, 'input/unconfirmed')) throw error;
    const detail = error.problems.map(({ file, found }) => `${found}\n${file}`).join('\n');
    if ((await window.showWarningMessage(message, { modal: true, detail }, action)) !== action) throw cancelled();
    return call(true);
  }
}
