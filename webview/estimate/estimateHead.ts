/** @file The head of the estimate: whether it fits and how long it takes, and what can be done. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-progress-bar/index.js';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { EstimateReport, Verdict } from '../../kernels/protocol/calls/estimate';
import type { EstimateCommand, EstimateFailure, EstimateSnapshot } from '../protocol/estimate';
import { formatBytes, formatDuration } from '../shared/format';
import { icon } from '../shared/icon';
import { SignalElement } from '../shared/signalElement';
import type { EstimateStore } from './store';
import { adviceText } from './texts';

const VERDICT_ICONS: Readonly<Record<Verdict, string>> = { fits: 'pass', tight: 'warning', exceeds: 'error' };

@customElement('as-estimate-head')
export class EstimateHead extends SignalElement {
  @property({ attribute: false }) store!: EstimateStore;

  protected override render(): TemplateResult {
    const snapshot = this.store.snapshot.value;
    if (!snapshot) return html`<p class="muted">${l10n.t('Opening…')}</p>`;
    const { name, report, failure, work, isDirty } = snapshot;
    return html`<div class="title">
        <h1>${l10n.t('Estimate: {0}', name)}</h1>
        ${this.renderCommands(snapshot)}
      </div>
      <div aria-live="polite" class="standing">
        ${report && !failure ? verdictLine(report) : nothing}
        ${report || failure || !work ? nothing : html`<p class="muted">${l10n.t('Estimating…')}</p>`}
      </div>
      ${failure ? this.renderFailure(failure, report !== null) : nothing}
      ${isDirty ? html`<p class="banner note">${icon('circle-filled')}<span>${l10n.t('The file has changes that are not saved. The estimate is that of the saved file.')}</span></p>` : nothing}
      ${work ? this.renderWork(work) : nothing}`;
  }

  private renderCommands({ work, canRun, failure, report }: EstimateSnapshot): TemplateResult {
    const isReady = canRun && !failure && report !== null;
    const needsTrust = l10n.t('What runs a model needs a trusted workspace.');
    const button = (command: EstimateCommand, text: string, name: string, isEnabled: boolean, title: string) =>
      html`<vscode-button
        ?secondary=${command !== 'train'}
        title=${title}
        ?disabled=${!isEnabled}
        aria-disabled=${!isEnabled}
        @click=${() => isEnabled && this.store.command(command)}
        ><span slot="content-before">${icon(name)}</span>${text}</vscode-button
      >`;
    return html`<div class="commands" role="group" aria-label=${l10n.t('Configuration')}>
      ${
        work?.kind === 'measuring'
          ? button('cancel', l10n.t('Cancel'), 'debug-stop', true, l10n.t('Stop measuring'))
          : button(
              'measure',
              l10n.t('Measure'),
              'watch',
              isReady && !work,
              canRun ? l10n.t('Run a few real steps and time them') : needsTrust,
            )
      }
      ${button('again', l10n.t('Refresh'), 'refresh', !work, l10n.t('Read model, data and free memory again'))}
      ${button('openText', l10n.t('Configuration'), 'go-to-file', true, l10n.t('Open the configuration as text'))}
      ${button('train', l10n.t('Train'), 'play', isReady, canRun ? l10n.t('Start the run') : needsTrust)}
    </div>`;
  }

  private renderWork({ message, fraction, kind }: NonNullable<EstimateSnapshot['work']>): TemplateResult {
    const label = kind === 'measuring' ? l10n.t('Measuring') : l10n.t('Estimating');
    return html`<div class="work">
      <vscode-progress-bar
        aria-label=${label}
        ?indeterminate=${fraction === undefined}
        .value=${(fraction ?? 0) * 100}
        .max=${100}
      ></vscode-progress-bar>
      <p class="muted">${message === '' ? `${label}…` : message}</p>
    </div>`;
  }

  private renderFailure({ message, problems }: EstimateFailure, hasReport: boolean): TemplateResult {
    return html`<div class="banner error" role="alert">
      ${icon('error')}
      <div>
        <p>
          ${hasReport ? l10n.t('This configuration cannot be estimated. What is below is of an earlier state.') : l10n.t('This configuration cannot be estimated.')}
        </p>
        ${
          problems.length === 0
            ? html`<p>${message}</p>`
            : html`<ul class="problems">
                ${problems.map(
                  (p) =>
                    html`<li>
                      <button type="button" class="link" @click=${() => this.store.openFile(p.file, p.line)}>
                        ${baseName(p.file)}${p.line === undefined ? '' : `:${p.line}`}
                      </button>
                      ${p.where ? html`<code>${p.where}</code>` : nothing} ${p.found}; ${p.expected}
                    </li>`,
                )}
              </ul>`
        }
      </div>
    </div>`;
  }
}

function verdictLine(report: EstimateReport): TemplateResult {
  const { verdict, memory, machine, advice, measurement } = report;
  const [needed, free] = [formatBytes(memory.neededBytes), formatBytes(machine.freeBytes)];
  const texts: Readonly<Record<Verdict, string>> = {
    fits: l10n.t('It fits: {0} of {1} free memory.', needed, free),
    tight: l10n.t('It fits only just: {0} of {1} free memory.', needed, free),
    exceeds: l10n.t('It does not fit: it needs {0}, and {1} are free.', needed, free),
  };
  const time = measurement
    ? l10n.t('It takes about {0}.', formatDuration(measurement.eta.seconds))
    : l10n.t('How long it takes is not known until it is measured.');
  return html`<p class="verdict verdict-${verdict}">
      ${icon(VERDICT_ICONS[verdict])}<span><strong>${texts[verdict]}</strong> ${time}</span>
    </p>
    ${
      verdict === 'fits'
        ? nothing
        : html`<ul class="advice">
            ${advice.map((one) => html`<li>${adviceText(one)}</li>`)}
            ${advice.length === 0 && verdict === 'exceeds' ? html`<li>${l10n.t('No smaller batch and no shorter samples make it fit. Take a smaller base model, or one in 16 bits.')}</li>` : nothing}
            ${verdict === 'tight' ? html`<li>${l10n.t('The system may have to drop base weights and read them from the disk in each step, which is slow.')}</li>` : nothing}
          </ul>`
    }`;
}

const baseName = (file: string): string => file.split(/[\\/]/).at(-1) ?? file;
