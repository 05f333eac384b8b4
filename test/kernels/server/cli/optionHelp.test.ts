/** @file Help of a command: every option is in it, with what it means. */
import { expect, test } from 'vitest';
import { commands } from '../../../../kernels/server/cli/commands';
import { optionList, unexplained } from '../../../../kernels/server/cli/optionHelp';

test.each(commands.filter(({ isInternal }) => !isInternal))('every option of $name is explained', (command) => {
  expect(unexplained(command)).toEqual([]);
  const lines = optionList(command).split('\n');
  expect(lines).toHaveLength(Object.keys(command.options).length + 2);
  for (const line of lines) expect(line).toMatch(/^ {2}--[\w-]+ {2,}\S/);
});
