/** @file The one wrapper around every command: it logs, shows failures, and knows that cancelling is not failing. */
import { commands } from 'vscode';
import type { Command, Studio } from '../studio';
import { DisposableStore, type Disposable } from '../util/disposables';
import { reportFailure } from '../util/failures';
import { commandNeedsTrust, commandTable, type CommandId } from './table';
import { requireTrust } from './trust';

export function registerCommands(studio: Studio): Disposable {
  const store = new DisposableStore();
  for (const [id, command] of Object.entries<Command>(commandTable)) {
    store.add(
      commands.registerCommand(id, async (...args: unknown[]) => {
        studio.log.debug(`command ${id}`);
        try {
          if (commandNeedsTrust[id as CommandId]) await requireTrust();
          await command(studio, ...args);
        } catch (error) {
          reportFailure(studio.log, id, error);
        }
      }),
    );
  }
  return store;
}
