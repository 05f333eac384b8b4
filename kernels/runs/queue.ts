/**
 * @file The runs of this user on this machine, in the order in which they came. Each live run has a ticket, a file in the
 * user's cache folder; a run that is to wait does so until no earlier ticket belongs to a live process. The order is by
 * number, not by time: clocks may be set. A ticket whose process is gone is removed by whoever sees it.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { makeFolders, writeFileAtomic } from '../formats/atomicFile';
import type { LiveRun } from '../protocol/calls/runs';
import { cacheFolder } from '../util/cacheFolder';
import type { ProcessIdentity } from './processes';
import { isAlive, thisProcess } from './processes';

/** What a ticket holds. */
type Ticket = LiveRun & ProcessIdentity;

export class QueueTicket {
  private constructor(
    private readonly name: string,
    private content: Ticket,
  ) {}

  /** Takes a number behind all that are there. Throws `machine/failed` when the cache folder cannot be written. */
  static take(run: { readonly dir: string; readonly name: string }, isWaiting: boolean): QueueTicket {
    const since = Date.now() / 1000;
    const content: Ticket = { run: run.dir, name: run.name, isWaiting, since, ...thisProcess() };
    makeFolders(queueFolder());
    for (;;) {
      const number = 1 + Math.max(0, ...ticketNames().map(numberOf));
      // The random part keeps a name from ever being used again: no one can remove a new ticket in place of an old one.
      const name = `${String(number).padStart(9, '0')}-${randomBytes(4).toString('hex')}.json`;
      const ticket = new QueueTicket(name, content);
      ticket.write();
      if (ticketNames().every((other) => other === name || numberOf(other) < number)) return ticket;
      // Somebody took the same number, or a later one, at the same time: both try again.
      ticket.leave();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, randomInt(1, 30));
    }
  }

  /** The last of the live runs that came before this one, or null when it is this one's turn. */
  waitsFor(): LiveRun | null {
    // The folder is a cache: somebody may have emptied it.
    if (!existsSync(path.join(queueFolder(), this.name))) this.write();
    return (
      liveTickets()
        .filter(({ name }) => name < this.name)
        .at(-1)?.ticket ?? null
    );
  }

  /** It is this run's turn. */
  begin(): void {
    this.content = { ...this.content, isWaiting: false };
    this.write();
  }

  leave(): void {
    rmSync(path.join(queueFolder(), this.name), { force: true });
  }

  private write(): void {
    makeFolders(queueFolder());
    writeFileAtomic(path.join(queueFolder(), this.name), `${JSON.stringify(this.content)}\n`);
  }
}

/** All live runs of this user on this machine, in the order in which they came. */
export function liveRuns(): readonly LiveRun[] {
  return liveTickets().map(({ ticket: { run, name, isWaiting, since, pid } }) => ({
    run,
    name,
    isWaiting,
    since,
    pid,
  }));
}

const queueFolder = (): string => path.join(cacheFolder(), 'queue');

const numberOf = (name: string): number => Number.parseInt(name, 10);

/** In the order of their numbers. */
function ticketNames(): readonly string[] {
  const folder = queueFolder();
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d{9}-[0-9a-f]{8}\.json$/.test(name))
    .sort();
}

function liveTickets(): readonly { readonly name: string; readonly ticket: Ticket }[] {
  return ticketNames().flatMap((name) => {
    const ticket = readTicket(name);
    // A cache folder may be shared by several machines, whose processes cannot be seen here.
    if (!ticket || ticket.host !== hostname()) return [];
    if (isAlive(ticket.pid, ticket.since, ticket.process_start)) return [{ name, ticket }];
    rmSync(path.join(queueFolder(), name), { force: true });
    return [];
  });
}

/** Null for one that was removed in between. */
function readTicket(name: string): Ticket | null {
  try {
    return JSON.parse(readFileSync(path.join(queueFolder(), name), 'utf8')) as Ticket;
  } catch {
    return null;
  }
}
