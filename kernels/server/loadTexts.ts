/**
 * @file Gives the interactive kernel the texts in the editor's language, which names the file in ADAPTER_STUDIO_TEXTS. Only what the
 * editor shows is translated: the command line, and the records of a run, which other people and programs read, stay English.
 * The first import of the process: a table of texts is made when its file is loaded.
 */
import { config } from '@vscode/l10n';

/** The interactive kernel, and the processes that answer for it. */
const SPEAKERS: ReadonlySet<string> = new Set(['serve', 'probe-device', 'time-steps']);
const file = process.env['ADAPTER_STUDIO_TEXTS'];
if (file !== undefined && SPEAKERS.has(process.argv[2] ?? '')) {
  try {
    config({ fsPath: file });
  } catch (error) {
    // Into the editor's log; English is no reason not to work.
    process.stderr.write(`The texts in ${file} cannot be read: ${String(error)}\n`);
  }
}
