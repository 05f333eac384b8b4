/** @file Fewer calls: after a pause (debounce), or at most so many a second (throttle). Both end with their owner. */
import type { Disposable } from './disposables';

export interface Scheduled extends Disposable {
  (): void;
}

/** Runs `action` once nothing has asked for it for `delayMs`. */
export function debounce(delayMs: number, action: () => void): Scheduled {
  let timer: NodeJS.Timeout | undefined;
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(action, delayMs);
  };
  return Object.assign(schedule, { dispose: () => clearTimeout(timer) });
}

/** Runs `action` at once, then at most once every `intervalMs`; a request in between is kept, never lost. */
export function throttle(intervalMs: number, action: () => void): Scheduled {
  let timer: NodeJS.Timeout | undefined;
  let isWanted = false;
  const run = () => {
    isWanted = false;
    timer = setTimeout(() => {
      timer = undefined;
      if (isWanted) run();
    }, intervalMs);
    action();
  };
  const request = () => {
    if (timer) isWanted = true;
    else run();
  };
  return Object.assign(request, { dispose: () => clearTimeout(timer) });
}
