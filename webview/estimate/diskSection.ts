/** @file What the run writes to its disk, beside what is free there. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { DiskEstimate } from '../../kernels/protocol/calls/estimate';
import { formatBytes, formatCount, UNKNOWN } from '../shared/format';
import { icon } from '../shared/icon';
import { fact } from './fact';

export function diskSection({
  checkpointBytes,
  checkpoints,
  bytes,
  freeBytes,
  folder,
  fits,
}: DiskEstimate): TemplateResult {
  const free = freeBytes === undefined ? UNKNOWN : formatBytes(freeBytes);
  return html`<section aria-labelledby="disk-title">
    <h2 id="disk-title">${l10n.t('Disk')}</h2>
    ${
      fits
        ? nothing
        : html`<p class="banner warning" role="alert">
            ${icon('warning')}
            <span
              >${l10n.t('The run may write {0}, and {1} are free on the disk of {2}. Set “Checkpoints kept”, save more rarely, or choose another folder for runs.', formatBytes(bytes), free, folder)}</span
            >
          </p>`
    }
    <dl class="facts">
      ${fact(l10n.t('A checkpoint'), formatBytes(checkpointBytes))}
      ${fact(l10n.t('Checkpoints'), l10n.t('{0} at most', formatCount(checkpoints)))}
      ${fact(l10n.t('In all'), l10n.t('{0} at most', formatBytes(bytes)))} ${fact(l10n.t('Free'), free)}
    </dl>
  </section>`;
}
