/** @file `serve`: the interactive kernel; answers the editor that started it until the editor goes away. */
import { KernelError } from '../../protocol/errors';
import { handlers } from '../handlers';
import { parentPipe, serve } from '../serve';
import type { Command } from './command';

export const serveCommand: Command = {
  name: 'serve',
  usage: '',
  summary: 'Answers the calls of an editor.',
  options: {},
  isInternal: true,
  // The editor restarts a kernel that no longer answers; inside a long call of the runtime no handler of ours would run.
  endsAtOnce: true,
  async run() {
    const pipe = parentPipe();
    if (!pipe) throw new KernelError('input/refused', 'serve is started by the editor, over a pipe');
    await serve(handlers, pipe.reader, pipe.writer);
  },
};
