/** @file What is wrong with a file: where, what was found, what was expected. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import type { Problem } from '../../kernels/protocol/errors';
import { icon } from '../shared/icon';

/** `message`: why nothing is shown, where there are no single problems; null when there is something to show. */
export function problemList(problems: readonly Problem[], message: string | null): TemplateResult | typeof nothing {
  if (problems.length === 0 && message === null) return nothing;
  const isRefused = message !== null;
  return html`<section class="problem-section" aria-labelledby="problems-title">
    <h2 id="problems-title">
      ${isRefused ? l10n.t('This cannot be shown') : problems.length === 1 ? l10n.t('1 remark') : l10n.t('{0} remarks', problems.length)}
    </h2>
    ${problems.length === 0 ? html`<p>${message}</p>` : nothing}
    <ul class="problem-rows">
      ${problems.map(problemRow)}
    </ul>
  </section>`;
}

function problemRow({ severity, file, line, where, found, expected }: Problem): TemplateResult {
  const name = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  return html`<li class="problem-row ${severity}">
    ${icon(severity === 'error' ? 'error' : 'warning')}
    <div>
      <div class="problem-place" title=${file}>
        ${line === undefined ? name : `${name}:${line}`}${where === undefined ? nothing : html` <span class="problem-where">${where}</span>`}
      </div>
      <div>${found}</div>
      <div class="muted">${expected}</div>
    </div>
  </li>`;
}
