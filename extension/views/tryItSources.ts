/** @file The models that can be tried: checkpoints of runs, adapters and base models that this window knows. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { workspace } from 'vscode';
import type { TryItFolder, TryItRun, TryItSnapshot } from '../../webview/protocol/tryIt';
import type { ModelLibrary } from '../models/modelLibrary';
import { isLive } from '../runs/liveness';
import { runFiles } from '../runs/runFolder';
import type { RunLibrary } from '../runs/runLibrary';
import type { RunSummary } from '../runs/runSummary';
import type { Log } from '../util/log';

export class TryItSources {
  constructor(
    private readonly runs: RunLibrary,
    private readonly models: ModelLibrary,
    private readonly log: Log,
  ) {}

  async snapshot(): Promise<TryItSnapshot> {
    if (!this.runs.isSearched) await this.runs.refresh();
    const summaries = this.runs.runs;
    const runs = (await Promise.all(summaries.map(runOf))).flatMap((run) => (run ? [run] : []));
    const models = await this.models.list().catch((error: unknown) => {
      this.log.warn(`models could not be listed: ${String(error)}`);
      return [];
    });
    const ofRuns = new Set(runs.flatMap((run) => run.checkpoints.map(({ path }) => path)));
    const folders = (kind: 'adapter' | 'checkpoint'): TryItFolder[] =>
      models
        .filter((model) => model.kind === kind && model.problem === undefined && !ofRuns.has(model.path))
        .map(({ path, name }) => ({ path, name }));
    return {
      runs,
      adapters: folders('adapter'),
      checkpoints: folders('checkpoint'),
      canWrite: workspace.isTrusted,
      isRunAtWork: summaries.some(({ state }) => isLive(state)),
    };
  }
}

/** Undefined for a run that names no base model. */
async function runOf({ folder, info, state, contents }: RunSummary): Promise<TryItRun | undefined> {
  const base = info.config['model'];
  if (typeof base !== 'string') return undefined;
  const parent = join(folder, runFiles.checkpoints);
  const names = await readdir(parent).catch(() => []);
  const steps = names
    .flatMap((name) => (/^step-\d+$/.test(name) ? [{ path: join(parent, name), step: Number(name.slice(5)) }] : []))
    .sort((a, b) => b.step - a.step);
  const final = contents.adapter === null ? [] : [{ path: contents.adapter, step: null }];
  return { folder, name: info.name, status: state.status, base, checkpoints: [...final, ...steps] };
}
