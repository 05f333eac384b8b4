/** @file Every command of the extension. A test compares this table with package.json. */
import type { Command } from '../studio';
import { mergeAdapter } from './mergeAdapter';
import { newConfiguration } from './newConfiguration';
import { openConfigurationText } from './openConfigurationText';
import { openDashboard, resumeRun, revealRun, stopRun } from './runs';
import { train } from './train';
import { unmergeAdapter } from './unmergeAdapter';

export const commandTable = {
  'adapterStudio.newConfiguration': newConfiguration,
  'adapterStudio.openConfigurationText': openConfigurationText,
  'adapterStudio.train': train,
  'adapterStudio.openDashboard': openDashboard,
  'adapterStudio.stopRun': stopRun,
  'adapterStudio.resumeRun': resumeRun,
  'adapterStudio.revealRun': revealRun,
  'adapterStudio.mergeAdapter': mergeAdapter,
  'adapterStudio.unmergeAdapter': unmergeAdapter,
  'adapterStudio.refresh': async ({ configs, runs, models }) => {
    models.refresh();
    await Promise.all([configs.refresh(), runs.refresh()]);
  },
  'adapterStudio.restartEngine': ({ kernel, models }) => {
    kernel.restart();
    models.refresh();
  },
  'adapterStudio.showLog': ({ log }) => log.show(),
} satisfies Readonly<Record<string, Command>>;

export type CommandId = keyof typeof commandTable;
