/** @file Waits for a run whose starter was killed, and resumes it when it was left behind. */
import { isAlive } from '../../../kernels/runs/processes';
import { readState } from './verify';
import type { Workplace } from './workplace';
import { ended, eventually, startEngine } from './workplace';

const LONGEST_MS = 60_000;
/** Exit status of a refusal. */
const REFUSED = 2;

/** Returns what went wrong. `mustBeAlive`: the run had been started, so nobody but itself brings it to its end. */
export async function bringToEnd(
  place: Workplace,
  dir: string,
  { mustBeAlive = false }: { readonly mustBeAlive?: boolean } = {},
): Promise<readonly string[]> {
  const isOver = (): boolean => {
    const { status, pid, heartbeat, process_start: start } = readState(dir);
    return ['finished', 'failed', 'stopped'].includes(status) || !isAlive(pid, heartbeat, start);
  };
  for (const end = performance.now() + LONGEST_MS; performance.now() < end;) {
    if (!(await eventually(isOver, LONGEST_MS))) break;
    const { status } = readState(dir);
    if (status === 'finished') return [];
    if (mustBeAlive) return [`the run ${dir} ended with its editor, ${status}`];
    const exit = await ended(startEngine(place, ['resume', dir]));
    // Refused where the process that was started right before the kill has taken the run up in this moment.
    if (exit !== 0 && exit !== REFUSED) return [`the run ${dir} could not be resumed (${exit})`];
  }
  return readState(dir).status === 'finished' ? [] : [`the run ${dir} does not end`];
}
