/** @file The engine's entry: one bundle that is the command line, the detached run process and the interactive kernel. */
import './loadTexts';
import { runCommandLine } from './cli/main';
import { commands } from './cli/commands';

void runCommandLine(process.argv.slice(2), commands).then((status) => {
  // Not process.exit: what was written must get out first. Native threads end with the process.
  process.exitCode = status;
});
