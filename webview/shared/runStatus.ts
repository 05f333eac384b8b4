/** @file How the state of a run looks on a page: an icon and a word. */
import '@vscode-elements/elements/dist/vscode-badge/index.js';
import * as l10n from '@vscode/l10n';
import { html, type TemplateResult } from 'lit';
import type { RunStatus } from '../../kernels/protocol/types';
import { icon } from './icon';

const STATUS: Readonly<Record<RunStatus | 'deleted', { readonly icon: string; readonly text: string }>> = {
  queued: { icon: 'watch', text: l10n.t('Queued') },
  starting: { icon: 'loading codicon-modifier-spin', text: l10n.t('Starting') },
  running: { icon: 'sync codicon-modifier-spin', text: l10n.t('Running') },
  stopping: { icon: 'loading codicon-modifier-spin', text: l10n.t('Stopping') },
  stopped: { icon: 'debug-pause', text: l10n.t('Stopped') },
  finished: { icon: 'pass-filled', text: l10n.t('Finished') },
  failed: { icon: 'error', text: l10n.t('Failed') },
  deleted: { icon: 'trash', text: l10n.t('Folder Is Gone') },
};

export function statusBadge(status: RunStatus, isGone: boolean): TemplateResult {
  const shown = isGone ? 'deleted' : status;
  const { icon: name, text } = STATUS[shown];
  return html`<vscode-badge class="status status-${shown}">${icon(name)} ${text}</vscode-badge>`;
}
