/** @file Every command of the extension. A test compares this table with package.json. */
import type { Command } from '../studio';
import { check } from './check';
import { inspect } from './inspect';
import { convertAdapter } from './convertAdapter';
import { compareRuns } from './compareRuns';
import { deleteRuns } from './deleteRuns';
import { estimate } from './estimate';
import { mergeAdapter } from './mergeAdapter';
import { newConfiguration } from './newConfiguration';
import { openSample } from './openSample';
import { openConfigurationText } from './openConfigurationText';
import { copyConfiguration, trainAgain } from './runConfiguration';
import { filterRuns, openDashboard, resumeRun, revealRun, stopRun } from './runs';
import { showTokens } from './showTokens';
import { train } from './train';
import { tryIt } from './tryIt';
import { unmergeAdapter } from './unmergeAdapter';

export const commandTable = {
  'adapterStudio.newConfiguration': newConfiguration,
  'adapterStudio.openSample': openSample,
  'adapterStudio.openConfigurationText': openConfigurationText,
  'adapterStudio.train': train,
  'adapterStudio.estimate': estimate,
  'adapterStudio.openDashboard': openDashboard,
  'adapterStudio.stopRun': stopRun,
  'adapterStudio.resumeRun': resumeRun,
  'adapterStudio.revealRun': revealRun,
  'adapterStudio.filterRuns': filterRuns,
  'adapterStudio.clearRunFilter': ({ runsView }) => runsView.setFilter(''),
  'adapterStudio.compareRuns': compareRuns,
  'adapterStudio.copyConfiguration': copyConfiguration,
  'adapterStudio.trainAgain': trainAgain,
  'adapterStudio.deleteRuns': deleteRuns,
  'adapterStudio.mergeAdapter': mergeAdapter,
  'adapterStudio.unmergeAdapter': unmergeAdapter,
  'adapterStudio.convertAdapter': convertAdapter,
  'adapterStudio.inspect': inspect,
  'adapterStudio.check': check,
  'adapterStudio.showTokens': showTokens,
  'adapterStudio.tryIt': tryIt,
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

/**
 * Whether a command needs a trusted workspace: those that run a model, write or delete do, those that only show something do not. The
 * wrapper around every command asks here, and a test compares this with the enablement in package.json.
 */
export const commandNeedsTrust: Readonly<Record<CommandId, boolean>> = {
  'adapterStudio.newConfiguration': true,
  'adapterStudio.openSample': true,
  'adapterStudio.openConfigurationText': false,
  'adapterStudio.train': true,
  'adapterStudio.estimate': false,
  'adapterStudio.openDashboard': false,
  'adapterStudio.stopRun': true,
  'adapterStudio.resumeRun': true,
  'adapterStudio.revealRun': false,
  'adapterStudio.filterRuns': false,
  'adapterStudio.clearRunFilter': false,
  'adapterStudio.compareRuns': false,
  'adapterStudio.copyConfiguration': false,
  'adapterStudio.trainAgain': true,
  'adapterStudio.deleteRuns': true,
  'adapterStudio.mergeAdapter': true,
  'adapterStudio.unmergeAdapter': true,
  'adapterStudio.convertAdapter': true,
  'adapterStudio.inspect': false,
  'adapterStudio.check': false,
  'adapterStudio.showTokens': false,
  'adapterStudio.tryIt': true,
  'adapterStudio.refresh': false,
  'adapterStudio.restartEngine': false,
  'adapterStudio.showLog': false,
};
