/** @file Heavy work one piece a task: between two pieces the browser may show a frame and hear the person. */

let last: Promise<unknown> = Promise.resolve();

/** Does the work in a task of its own, after all that was asked for before. Settles as the work does. */
export function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
  const result = last.then(nextTask).then(work);
  last = result.catch(() => undefined);
  return result;
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
