/**
 * @file Tells what the watchdog of a live run saw, once for each kind and run, in one window after the other: what was told is
 * remembered with the workspace.
 */
import { join } from 'node:path';
import { commands, l10n, window, workspace, type Memento } from 'vscode';
import type { RunEvent, WatchKind } from '../../kernels/protocol/types';
import { JsonlTail } from '../runs/jsonlTail';
import { isLive } from '../runs/liveness';
import { parseEvent } from '../runs/records';
import { runFiles } from '../runs/runFolder';
import type { RunLibrary } from '../runs/runLibrary';
import { capabilities, type RunSummary } from '../runs/runSummary';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';

const TOLD = 'runs.watchTold';
/** Older ones belong to runs that have long ended. */
const MAX_TOLD = 400;

export class WatchNotices extends Owner {
  private readonly tails = new Map<string, { readonly tail: JsonlTail<RunEvent>; isReading: boolean }>();

  constructor(
    library: RunLibrary,
    private readonly memory: Memento,
    private readonly log: Log,
  ) {
    super();
    this.register(library.onDidChange(() => library.runs.forEach((run) => void this.look(run))));
  }

  /** Reads what a live run has written since the last look, and once more when it has ended. */
  private async look(run: RunSummary): Promise<void> {
    const { folder } = run;
    let entry = this.tails.get(folder);
    if (!entry) {
      if (!isLive(run.state)) return;
      const complain = (line: string, error: unknown) =>
        this.log.warn(`${folder}: events.jsonl: ${line}: ${String(error)}`);
      entry = { tail: new JsonlTail(join(folder, runFiles.events), parseEvent, complain), isReading: false };
      this.tails.set(folder, entry);
    }
    if (entry.isReading) return;
    entry.isReading = true;
    try {
      const { records } = await entry.tail.read();
      for (const event of records) if (event.watch && event.event !== 'failed') this.tell(run, event, event.watch);
    } catch (error) {
      this.log.warn(`${folder}: events.jsonl: ${String(error)}`);
    } finally {
      entry.isReading = false;
      if (!isLive(run.state)) this.tails.delete(folder);
    }
  }

  private tell(run: RunSummary, event: RunEvent, kind: WatchKind): void {
    const key = `${run.folder}#${kind}`;
    const told = this.memory.get<readonly string[]>(TOLD, []);
    if (told.includes(key)) return;
    void this.memory.update(TOLD, [...told, key].slice(-MAX_TOLD));
    void ask(run, event, kind);
  }
}

async function ask(run: RunSummary, event: RunEvent, kind: WatchKind): Promise<void> {
  const open = l10n.t('Open Dashboard');
  const stop = l10n.t('Stop Run');
  const canStop = capabilities(run).stop && workspace.isTrusted;
  const parts = [
    l10n.t('{0}: {1} at step {2}.', run.info.name, watchLabel(kind), event.step),
    ...[event.reason, event.action].filter((text) => text !== undefined).map(sentence),
  ];
  const choice = await window.showWarningMessage(parts.join(' '), open, ...(canStop ? [stop] : []));
  if (choice === open) await commands.executeCommand('adapterStudio.openDashboard', run);
  if (choice === stop) await commands.executeCommand('adapterStudio.stopRun', run);
}

function watchLabel(kind: WatchKind): string {
  const labels: Record<WatchKind, string> = {
    'non-finite': l10n.t('the loss is not a number'),
    'loss-spike': l10n.t('the loss has jumped'),
    diverged: l10n.t('the loss is far above where it began'),
    'no-gain': l10n.t('no better than before training'),
    stall: l10n.t('the run stands still'),
    inactive: l10n.t('the method is not active'),
    'disk-low': l10n.t('the disk is nearly full'),
  };
  return labels[kind];
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
