/** @file The line over a data file that a configuration names: its format, how many samples it has, who uses it. */
import { basename } from 'node:path';
import { CodeLens, EventEmitter, l10n, languages, Range, type CodeLensProvider, type TextDocument } from 'vscode';
import { Owner } from '../util/disposables';
import type { DataChecks, UsedData } from './dataChecks';

export class DataLens extends Owner implements CodeLensProvider {
  private readonly changed = this.register(new EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(private readonly checks: Pick<DataChecks, 'onDidCheck' | 'uses'>) {
    super();
    this.register(languages.registerCodeLensProvider({ scheme: 'file', pattern: '**/*.{jsonl,json}' }, this));
    this.register(checks.onDidCheck(() => this.changed.fire()));
  }

  provideCodeLenses({ uri }: TextDocument): CodeLens[] {
    const top = new Range(0, 0, 0, 0);
    return this.checks.uses(uri).map((used) => {
      const command = { title: title(used), command: 'vscode.open', arguments: [used.config] };
      return new CodeLens(top, command);
    });
  }
}

function title({ format, key, samples, longest, cut, isComplete, config }: UsedData): string {
  const count = samples.toLocaleString();
  const parts = [
    format ?? l10n.t('unknown format'),
    isComplete ? l10n.t('{0} samples', count) : l10n.t('more than {0} samples', count),
    longest === undefined ? undefined : l10n.t('longest {0} tokens', longest.toLocaleString()),
    cut > 0 ? l10n.t('{0} are cut', cut.toLocaleString()) : undefined,
    key === 'train'
      ? l10n.t('training data of {0}', basename(config.path))
      : l10n.t('evaluation data of {0}', basename(config.path)),
  ];
  return parts.filter((part) => part !== undefined).join(' · ');
}
