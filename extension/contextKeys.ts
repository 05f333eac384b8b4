/** @file What menus and enablement conditions know of the extension's state. */
import { commands, Uri } from 'vscode';
import type { ModelLibrary } from './models/modelLibrary';
import type { RunLibrary } from './runs/runLibrary';
import { capabilities } from './runs/runSummary';
import { Owner } from './util/disposables';

/**
 * Keys: `isActive` (before activation nothing else is known, so commands are enabled then), `hasRuns`, `canStop`, `canResume`,
 * `adapterFolders`, the paths whose explorer menu offers to merge, and `modelFolders`, those that can be inspected.
 */
export class ContextKeys extends Owner {
  private readonly shown = new Map<string, string>();

  constructor(
    private readonly runs: RunLibrary,
    models: ModelLibrary,
  ) {
    super();
    this.register(runs.onDidChange(() => this.update()));
    this.register(
      models.onDidList((all) => {
        this.setFolders(
          'adapterFolders',
          all.filter((m) => m.kind === 'adapter'),
        );
        this.setFolders('modelFolders', all);
      }),
    );
    this.register({ dispose: () => void commands.executeCommand('setContext', 'adapterStudio.isActive', false) });
  }

  private update(): void {
    const all = this.runs.runs.map(capabilities);
    this.set('hasRuns', all.length > 0);
    this.set(
      'canStop',
      all.some((can) => can.stop),
    );
    this.set(
      'canResume',
      all.some((can) => can.resume),
    );
    // Only now do the other keys mean something.
    this.set('isActive', true);
  }

  private setFolders(key: string, models: readonly { readonly path: string }[]): void {
    // As the editor writes paths: on Windows with a small drive letter.
    this.set(key, Object.fromEntries(models.map(({ path }) => [Uri.file(path).fsPath, true])));
  }

  private set(key: string, value: unknown): void {
    const text = JSON.stringify(value);
    if (this.shown.get(key) === text) return;
    this.shown.set(key, text);
    void commands.executeCommand('setContext', `adapterStudio.${key}`, value);
  }
}
