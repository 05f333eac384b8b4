/** @file What the estimate page shows: the host's snapshot. The host makes the estimate; the page asks for it. */
import * as l10n from '@vscode/l10n';
import { signal } from '@preact/signals-core';
import type { Client } from '../../kernels/protocol/channel';
import type { EstimateCommand, EstimatePage, EstimateSnapshot } from '../protocol/estimate';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';

export class EstimateStore {
  readonly failures = new Failures();
  readonly snapshot = signal<EstimateSnapshot | null>(null);

  constructor(
    private readonly host: Client<EstimatePage>,
    private readonly api: Pick<VsCodeApi, 'setState'>,
  ) {}

  async open(): Promise<void> {
    this.host.on('estimate/changed', (snapshot) => this.take(snapshot));
    const snapshot = await this.failures.attempt(l10n.t('read the estimate'), this.host.call('page/open', {}));
    // An event may overtake the answer, and is newer.
    if (snapshot && this.snapshot.value === null) this.take(snapshot);
  }

  command(command: EstimateCommand): void {
    const names: Readonly<Record<EstimateCommand, string>> = {
      measure: l10n.t('measure'),
      cancel: l10n.t('cancel'),
      again: l10n.t('estimate again'),
      train: l10n.t('train'),
      openText: l10n.t('open the configuration'),
    };
    void this.failures.attempt(names[command], this.host.call('estimate/command', { command }));
  }

  openFile(file: string, line?: number): void {
    const call = this.host.call('estimate/openFile', { file, ...(line !== undefined && { line }) });
    void this.failures.attempt(l10n.t('open the file'), call);
  }

  private take(snapshot: EstimateSnapshot): void {
    this.api.setState({ config: snapshot.config });
    this.snapshot.value = snapshot;
  }
}
