/** @file Answers of models that write. Models stay open between two answers; the process ends with the panel that asks. */
import * as l10n from '@vscode/l10n';
import { constants, setPriority } from 'node:os';
import type { GenerateCalls } from '../../protocol/calls/generate';
import { physicalCores } from '../../runtime/devices';
import { aboutCheckpoint, WriterShelf } from '../../trainer/textWriter';
import type { HandlersOf } from '../serve';

/** The run goes first for the rest of this process's life: a priority cannot be raised again without rights. */
function yieldToRuns(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some containers forbid it; fewer threads still leave the run its cores.
  }
}

/** Base, adapter and merged model side by side, and the one before. */
const shelf = new WriterShelf(4);

export const generateHandlers: HandlersOf<GenerateCalls> = {
  'generate/write': ({ base, adapter, prompt, isBesideRun = false, ...settings }, { signal, progress }) => {
    const cores = physicalCores();
    if (isBesideRun) yieldToRuns();
    const threads = isBesideRun ? Math.max(1, Math.floor(cores / 2)) : cores;
    progress({ message: l10n.t('Opening the model') });
    return shelf.with({ base, ...(adapter !== undefined && { adapter }), threads }, (writer) => {
      signal.throwIfAborted();
      const onText = (text: string): void => progress({ message: l10n.t('Writing'), text });
      return writer.write(prompt, settings, { signal, onText });
    });
  },
  'generate/about': ({ base }) => aboutCheckpoint(base),
};
