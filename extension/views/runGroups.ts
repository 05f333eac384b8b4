/** @file The groups of the Runs view, and which runs a filter lets through. */
import { l10n } from 'vscode';
import type { RunStatus } from '../../kernels/protocol/types';
import type { RunSummary } from '../runs/runSummary';

export type RunGroup = 'running' | 'queued' | 'stopped' | 'failed' | 'finished';

/** In the order of the view. */
export const RUN_GROUPS: readonly RunGroup[] = ['running', 'queued', 'stopped', 'failed', 'finished'];

export function groupOf(status: RunStatus): RunGroup {
  return status === 'starting' || status === 'stopping' ? 'running' : status;
}

export function groupLabel(group: RunGroup): string {
  const labels: Record<RunGroup, string> = {
    running: l10n.t('Running'),
    queued: l10n.t('Queued'),
    stopped: l10n.t('Stopped'),
    failed: l10n.t('Failed'),
    finished: l10n.t('Finished'),
  };
  return labels[group];
}

/** Every word of the filter is in the run's name, configuration, method, base model or folder; capitals do not matter. */
export function matches(run: RunSummary, filter: string): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { name, config, config_file } = run.info;
  const model = typeof config['model'] === 'string' ? config['model'] : '';
  const text = [name, methodOf(config), model, config_file, run.folder, run.state.status].join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** `lora`, from the frozen configuration; empty where there is none. */
export function methodOf(config: Readonly<Record<string, unknown>>): string {
  const adapter = config['adapter'];
  const method = typeof adapter === 'object' && adapter !== null && 'method' in adapter ? adapter.method : '';
  return typeof method === 'string' ? method : '';
}
