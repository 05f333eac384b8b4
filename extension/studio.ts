/** @file The parts of the extension that commands work with. */
import type { LogOutputChannel, Uri } from 'vscode';
import type { ConfigFiles } from './editors/configFiles';
import type { ConfigFormView } from './editors/configFormView';
import type { CheckResults } from './inspector/checkResults';
import type { KernelHost } from './kernel/kernelHost';
import type { ModelLibrary } from './models/modelLibrary';
import type { RunLibrary } from './runs/runLibrary';
import type { Comparisons } from './views/comparisons';
import type { ConfigPanels } from './views/configPanels';
import type { Dashboards } from './views/dashboards';
import type { Reports } from './views/reports';
import type { TryItPanels } from './views/tryItPanels';
import type { RunsView } from './views/runsView';

export interface Studio {
  /** Where the extension is installed. */
  readonly extensionUri: Uri;
  readonly log: LogOutputChannel;
  readonly kernel: KernelHost;
  readonly configs: ConfigFiles;
  readonly form: ConfigFormView;
  readonly runs: RunLibrary;
  readonly models: ModelLibrary;
  readonly dashboards: Dashboards;
  readonly comparisons: Comparisons;
  readonly tokens: ConfigPanels;
  readonly tryIt: TryItPanels;
  readonly estimates: ConfigPanels;
  readonly runsView: RunsView;
  readonly reports: Reports;
  readonly checkResults: CheckResults;
}

/** What runs when a command is called; the arguments come from menus, trees and other extensions, so they are not trusted. */
export type Command = (studio: Studio, ...args: readonly unknown[]) => Promise<void> | void;
