/** @file Tells when a run that was seen at work has failed. That a run has finished is shown where runs are, without a message. */
import { commands, l10n, window } from 'vscode';
import { isLive } from '../runs/liveness';
import type { RunLibrary } from '../runs/runLibrary';
import type { RunSummary } from '../runs/runSummary';
import { Owner } from '../util/disposables';

export class RunNotices extends Owner {
  private readonly live = new Set<string>();

  constructor(library: RunLibrary) {
    super();
    this.register(library.onDidChange(() => library.runs.forEach((run) => this.look(run))));
  }

  private look(run: RunSummary): void {
    if (isLive(run.state)) this.live.add(run.folder);
    else if (this.live.delete(run.folder) && run.state.status === 'failed') void tell(run);
  }
}

async function tell(run: RunSummary): Promise<void> {
  const open = l10n.t('Open Dashboard');
  const reason = run.state.error ?? l10n.t('see its log');
  const choice = await window.showErrorMessage(l10n.t('The run {0} failed: {1}', run.info.name, reason), open);
  if (choice === open) await commands.executeCommand('adapterStudio.openDashboard', run);
}
