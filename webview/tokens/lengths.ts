/** @file How long the samples of the set are, with max_length marked, and how many have which warning. */
import '../shared/plot/linePlot';
import type { ReadonlySignal } from '@preact/signals-core';
import * as l10n from '@vscode/l10n';
import { html, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { SampleLengths, TokenWarningKind } from '../../kernels/protocol/calls/tokens';
import { formatCount, formatShare } from '../shared/format';
import type { LineFigure } from '../shared/plot/lineFigure';
import { SignalElement } from '../shared/signalElement';
import type { Theme } from '../shared/theme';
import type { TokensStore } from './store';

@customElement('as-sample-lengths')
export class SampleLengthsSection extends SignalElement {
  @property({ attribute: false }) store!: TokensStore;
  @property({ attribute: false }) theme!: ReadonlySignal<Theme>;

  protected override render(): TemplateResult {
    const { areLengthsOpen } = this.store.choices;
    const lengths = this.store.lengths.value;
    return html`<details
      class="lengths"
      ?open=${areLengthsOpen.value}
      @toggle=${(e: Event) => (areLengthsOpen.value = (e.target as HTMLDetailsElement).open)}
    >
      <summary>
        <h2>${l10n.t('All samples')}</h2>
        <span class="muted">${lengths ? summaryOf(lengths) : l10n.t('Tokenising…')}</span>
      </summary>
      ${lengths && areLengthsOpen.value ? this.renderLengths(lengths) : nothing}
    </details>`;
  }

  private renderLengths(lengths: SampleLengths): TemplateResult {
    const { store, theme } = this;
    const end = Math.max(lengths.longest, Math.min(lengths.maxLength, 1.5 * lengths.longest)) + lengths.binWidth;
    return html`${warningList(lengths)}
      <as-line-plot
        data-plot="lengths"
        .figure=${lengthsFigure(lengths, theme.value)}
        .theme=${theme}
        .xRange=${[0, end] as const}
        .height=${220}
        .onPicture=${store.savePicture.bind(store)}
        .onFailure=${store.plotFailed.bind(store)}
      ></as-line-plot>`;
  }
}

function summaryOf({ samples, tokens, loss, longest, cut }: SampleLengths): string {
  const parts = [
    l10n.t('{0} samples', formatCount(samples)),
    l10n.t('{0} tokens', formatCount(tokens)),
    ...(tokens > 0 ? [l10n.t('{0} with loss', formatShare(loss / tokens))] : []),
    l10n.t('longest {0}', formatCount(longest)),
    ...(cut > 0 ? [l10n.t('{0} cut', formatCount(cut))] : []),
  ];
  return parts.join(', ');
}

function warningList({ warnings, unreadable }: SampleLengths): TemplateResult | typeof nothing {
  const labels: Readonly<Record<TokenWarningKind, string>> = {
    'no-loss': l10n.t('no token carries loss'),
    'end-without-loss': l10n.t('the end is not learnt'),
    'doubled-start': l10n.t('the start token stands twice'),
    cut: l10n.t('cut by max_length'),
    unknown: l10n.t('unknown tokens'),
    dropped: l10n.t('a part is left out by the template'),
  };
  const rows = (Object.keys(labels) as TokenWarningKind[])
    .map((kind) => [labels[kind], warnings[kind] ?? 0] as const)
    .concat([[l10n.t('no sample of the format'), unreadable]])
    .filter(([, count]) => count > 0);
  if (rows.length === 0) return nothing;
  return html`<ul class="warning-counts">
    ${rows.map(([label, count]) => html`<li><strong class="number">${formatCount(count)}</strong> ${label}</li>`)}
  </ul>`;
}

/** Bars: a point in the middle of each bin. */
export function lengthsFigure({ bins, binWidth, maxLength, longest }: SampleLengths, theme: Theme): LineFigure {
  // Below the first bin the bars begin at nothing, so that the first one has a left edge.
  return {
    title: l10n.t('Lengths of the samples'),
    x: { label: l10n.t('tokens'), kind: 'count' },
    y: { label: l10n.t('samples'), kind: 'count' },
    isLogY: false,
    curves: [
      {
        name: l10n.t('samples'),
        legendKey: '',
        x: bins.map((_, i) => (i + 0.5) * binWidth + 0.5),
        y: [...bins],
        style: { color: theme.curves[0] ?? theme.foreground, dash: 'solid', width: 1, isStepped: true },
      },
    ],
    marks: maxLength <= 1.5 * longest ? [{ x: maxLength + 0.5, label: l10n.t('max_length {0}', maxLength) }] : [],
    emptyText: l10n.t('There is no sample.'),
  };
}
