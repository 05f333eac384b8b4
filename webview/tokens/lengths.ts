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
        <span class="muted"
          >${lengths ? summaryOf(lengths, this.store.sample.value?.label !== undefined) : l10n.t('Tokenising…')}</span
        >
      </summary>
      ${lengths && areLengthsOpen.value ? this.renderLengths(lengths) : nothing}
    </details>`;
  }

  private renderLengths(lengths: SampleLengths): TemplateResult {
    const { store, theme } = this;
    const end = Math.max(lengths.longest, markedLimit(lengths)) + lengths.binWidth;
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

function summaryOf({ samples, tokens, loss, longest, cut }: SampleLengths, areLabelled: boolean): string {
  const parts = [
    l10n.t('{0} samples', formatCount(samples)),
    l10n.t('{0} tokens', formatCount(tokens)),
    ...(tokens > 0 && !areLabelled ? [l10n.t('{0} with loss', formatShare(loss / tokens))] : []),
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

/** max_length, unless it is so far behind the longest sample that the bars would be lost beside it: then 0. */
const markedLimit = ({ maxLength, longest }: SampleLengths): number => (maxLength <= 2 * longest ? maxLength : 0);

/** Bars: a point in the middle of each bin. */
function lengthsFigure(lengths: SampleLengths, theme: Theme): LineFigure {
  const { bins, binWidth } = lengths;
  const limit = markedLimit(lengths);
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
    marks: limit > 0 ? [{ x: limit + 0.5, label: l10n.t('max_length {0}', limit) }] : [],
    emptyText: l10n.t('There is no sample.'),
  };
}
