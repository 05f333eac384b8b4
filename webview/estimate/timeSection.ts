/** @file Device and time: where it runs and why, and how long once it was measured. */
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { EstimateMeasurement, EstimateReport } from '../../kernels/protocol/calls/estimate';
import { formatCount, formatDuration, formatNumber, formatShare, formatShort, UNKNOWN } from '../shared/format';
import { SignalElement } from '../shared/signalElement';
import { fact } from './fact';

/** Letters; what drivers say when they do not work can be a page, and is folded away. */
const SHORT_REASON = 200;

@customElement('as-time-section')
export class TimeSection extends SignalElement {
  @property({ attribute: false }) report!: EstimateReport;

  protected override render(): TemplateResult {
    const { device, parameters, measurement } = this.report;
    const known = (text: (m: EstimateMeasurement) => string): string => (measurement ? text(measurement) : UNKNOWN);
    return html`<section aria-labelledby="time-title">
      <h2 id="time-title">${l10n.t('Device and time')}</h2>
      <dl class="facts">
        ${fact(l10n.t('Device'), l10n.t('{0}, {1} threads', device.device, device.threads))}
        ${fact(
          l10n.t('Time'),
          known(({ eta }) => formatDuration(eta.seconds)),
        )}
        ${fact(
          l10n.t('Per step'),
          known(({ secondsPerStep }) => l10n.t('{0} s', formatNumber(Number(secondsPerStep.toPrecision(3))))),
        )}
        ${fact(
          l10n.t('Tokens/s'),
          known(({ tokensPerSecond }) => formatCount(tokensPerSecond)),
        )}
        ${fact(
          l10n.t('Trained parameters'),
          l10n.t(
            '{0}, {1} of {2}',
            formatShort(parameters.trainable),
            formatShare(parameters.trainable / parameters.base),
            formatShort(parameters.base),
          ),
        )}
      </dl>
      ${
        device.reason.length <= SHORT_REASON
          ? html`<p class="muted">${l10n.t('Why this device: {0}', device.reason)}</p>`
          : html`<details>
              <summary>${l10n.t('Why this device')}</summary>
              <p class="muted reason">${device.reason}</p>
            </details>`
      }
      ${measurement ? shares(measurement) : nothing}
    </section>`;
  }
}

/** What the time goes into. */
function shares({ eta }: EstimateMeasurement): TemplateResult {
  const parts: readonly (readonly [string, number])[] = [
    [l10n.t('Training'), eta.training],
    [l10n.t('Evaluation'), eta.evaluation],
    [l10n.t('Samples'), eta.samples],
    [l10n.t('Compiling graphs'), eta.compiling],
    [l10n.t('Checkpoints and spectra'), eta.checkpoints],
  ];
  return html`<div class="table-scroll">
    <table class="shares">
      <caption class="visually-hidden">
        ${l10n.t('What the time goes into')}
      </caption>
      <tbody>
        ${parts
          .filter(([, seconds]) => seconds > 0)
          .map(
            ([name, seconds]) =>
              html`<tr>
                <th scope="row">${name}</th>
                <td class="number">${formatDuration(seconds)}</td>
                <td class="number muted">${formatShare(seconds / eta.seconds)}</td>
              </tr>`,
          )}
      </tbody>
    </table>
  </div>`;
}
