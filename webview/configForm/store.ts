/** @file What the form shows: the host's snapshot, and what the person chose about the form itself. */
import * as l10n from '@vscode/l10n';
import { computed, signal } from '@preact/signals-core';
import type { Client } from '../../kernels/protocol/channel';
import type { ConfigFormPage, FormSnapshot, KeyPath } from '../protocol/configForm';
import { Failures } from '../shared/failures';
import type { VsCodeApi } from '../shared/host';
import { keptChoices } from '../shared/uiState';
import { formSections } from './schemaForm';
import type { Values } from './values';

export class ConfigFormStore {
  readonly failures = new Failures();
  readonly snapshot = signal<FormSnapshot | null>(null);
  readonly isHelpShown;
  /** What the person has folded or unfolded: `+key` or `-key`, separated by line breaks. */
  private readonly folds;

  /** The values to show: the document's, or while its text is broken the last ones that could be read; null: none yet. */
  readonly values = signal<Values | null>(null);
  readonly sections = computed(() => {
    const schema = this.snapshot.value?.schema;
    const values = this.values.value;
    return schema && values ? formSections(schema, values, this.snapshot.value?.document?.modelKind) : [];
  });
  /** Why training cannot be started now; null when it can. */
  readonly obstacle = computed(() => obstacleOf(this.snapshot.value));

  constructor(
    private readonly host: Client<ConfigFormPage>,
    api: Pick<VsCodeApi, 'getState' | 'setState'>,
  ) {
    const choices = keptChoices(api, { isHelpShown: true, folds: '' });
    this.isHelpShown = choices.isHelpShown;
    this.folds = choices.folds;
  }

  async open(): Promise<void> {
    let hasEvent = false;
    this.host.on('form/changed', (snapshot) => {
      hasEvent = true;
      this.take(snapshot);
    });
    const snapshot = await this.failures.attempt(l10n.t('read the configuration'), this.host.call('page/open', {}));
    // An event that overtook the answer is newer.
    if (snapshot && !hasEvent) this.take(snapshot);
  }

  /** Sets or (undefined) removes a key of a document; settles when the host has made the edit or refused it. */
  async set(uri: string, path: KeyPath, value: unknown): Promise<void> {
    const params = value === undefined ? { uri, path } : { uri, path, value };
    await this.failures.attempt(l10n.t('change {0}', path.join('.')), this.host.call('form/set', params));
  }

  /** Takes back the last change of the form, when nothing else has changed the document since. */
  undo(): void {
    const document = this.snapshot.value?.document;
    if (document?.canUndo)
      void this.failures.attempt(l10n.t('undo'), this.host.call('form/undo', { uri: document.uri }));
  }

  browse(uri: string, path: KeyPath, kind: 'file' | 'folder'): void {
    const action = kind === 'file' ? l10n.t('choose a file') : l10n.t('choose a folder');
    void this.failures.attempt(action, this.host.call('form/browse', { uri, path, kind }));
  }

  select(uri: string): void {
    void this.failures.attempt(l10n.t('show that configuration'), this.host.call('form/select', { uri }));
  }

  command(command: 'train' | 'openText' | 'new'): void {
    const names = {
      train: l10n.t('start training'),
      openText: l10n.t('open the text'),
      new: l10n.t('make a new configuration'),
    };
    void this.failures.attempt(names[command], this.host.call('form/command', { command }));
  }

  /** Whether a part of the form is open; as long as the person has not said, `standard`. */
  isOpen(part: string, standard: boolean): boolean {
    const said = this.folds.value.split('\n').find((fold) => fold !== '' && fold.slice(1) === part);
    return said === undefined ? standard : said.startsWith('+');
  }

  setOpen(part: string, isOpen: boolean): void {
    const others = this.folds.value.split('\n').filter((fold) => fold !== '' && fold.slice(1) !== part);
    this.folds.value = [...others, `${isOpen ? '+' : '-'}${part}`].join('\n');
  }

  private take(snapshot: FormSnapshot): void {
    const isOther = snapshot.document?.uri !== this.snapshot.value?.document?.uri;
    const values = snapshot.document?.values;
    if (values) this.values.value = values;
    else if (isOther) this.values.value = null;
    this.snapshot.value = snapshot;
  }
}

function obstacleOf(snapshot: FormSnapshot | null): string | null {
  const document = snapshot?.document;
  if (!snapshot || !document) return l10n.t('There is no configuration.');
  if (!document.values) return l10n.t('The file is not valid YAML.');
  const errors = document.problems.filter(({ severity }) => severity === 'error').length;
  if (errors === 1) return l10n.t('There is an error to fix first.');
  if (errors > 1) return l10n.t('There are {0} errors to fix first.', errors);
  return snapshot.canTrain ? null : l10n.t('Training is switched off in a workspace that is not trusted.');
}
