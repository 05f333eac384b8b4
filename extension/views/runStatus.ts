/** @file The status bar item: step and time left of the run that is at work; hidden when none is. */
import { l10n, StatusBarAlignment, window } from 'vscode';
import { Owner } from '../util/disposables';
import { formatDuration } from '../util/format';
import type { RunLibrary } from '../runs/runLibrary';
import { doingLabel, runAccessibleLabel, runDescription, statusLabel, stepLabel } from './runLabels';

export class RunStatus extends Owner {
  private readonly item = this.register(window.createStatusBarItem('adapterStudio.run', StatusBarAlignment.Left, 10));

  constructor(private readonly library: RunLibrary) {
    super();
    this.item.name = l10n.t('Adapter Studio Run');
    this.register(library.onDidChange(() => this.show()));
  }

  private show(): void {
    const live = this.library.liveRuns;
    const isQueued = ({ state }: (typeof live)[number]) => state.status === 'queued';
    // What is at work says more than what waits for it.
    const [run, ...others] = [...live.filter((r) => !isQueued(r)), ...live.filter(isQueued)];
    if (!run) {
      this.item.hide();
      return;
    }
    const eta = run.etaSeconds === null || isQueued(run) ? '' : ` · ${formatDuration(run.etaSeconds)}`;
    const more = others.length === 0 ? '' : ` (+${others.length})`;
    const icon = isQueued(run) ? '$(watch)' : '$(sync~spin)';
    const place = isQueued(run) ? statusLabel('queued') : doingLabel(run) || stepLabel(run);
    this.item.text = `${icon} ${run.info.name} ${place}${eta}${more}`;
    this.item.tooltip = [run, ...others].map((r) => `${r.info.name}: ${runDescription(r)}`).join('\n');
    this.item.accessibilityInformation = { label: runAccessibleLabel(run) };
    this.item.command = {
      command: 'adapterStudio.openDashboard',
      title: l10n.t('Open Dashboard'),
      arguments: [run],
    };
    this.item.show();
  }
}
