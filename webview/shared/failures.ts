/** @file Calls can fail. What failed stays in view until it is dismissed or the same thing works again. */
import { signal } from '@preact/signals-core';
import { KernelError } from '../../kernels/protocol/errors';

export interface Failure {
  /** What the page tried, as the end of the sentence "Could not …". */
  readonly action: string;
  readonly message: string;
}

export class Failures {
  readonly list = signal<readonly Failure[]>([]);

  /** Waits for a call; undefined when it failed, which is then shown. A call that was cancelled is not a failure. */
  async attempt<T>(action: string, call: Promise<T>): Promise<T | undefined> {
    try {
      const result = await call;
      this.dismiss(action);
      return result;
    } catch (error) {
      this.add(action, error);
      return undefined;
    }
  }

  /** In place of what was shown for the same action before. */
  add(action: string, error: unknown): void {
    this.dismiss(action);
    if (KernelError.is(error, 'cancelled')) return;
    const message = error instanceof Error ? error.message : String(error);
    this.list.value = [...this.list.value, { action, message }];
  }

  dismiss(action: string): void {
    if (this.list.value.some((f) => f.action === action)) {
      this.list.value = this.list.value.filter((f) => f.action !== action);
    }
  }
}
