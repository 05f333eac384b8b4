/** @file Figures of activity in words, marks and curves. Their texts come from the run's file in English and are translated here. */
import * as l10n from '@vscode/l10n';
import { html, nothing, svg, type TemplateResult } from 'lit';
import { figureTexts } from '../../kernels/protocol/activity';
import type { ActivityFigure, ActivityVerdict } from '../../kernels/protocol/types';
import type { ActivityReport } from '../protocol/dashboard';
import { formatCount, UNKNOWN } from '../shared/format';
import { icon } from '../shared/icon';
import type { LineFigure, Mark } from '../shared/plot/lineFigure';
import { styleOf } from '../shared/curves/curveStyles';
import type { Theme } from '../shared/theme';

const VERDICTS: Readonly<
  Record<ActivityVerdict, { readonly icon: string; readonly text: string; readonly all: string }>
> = {
  green: {
    icon: 'pass-filled',
    text: l10n.t({ message: 'Met', comment: 'a rule is met' }),
    all: l10n.t('The method is active: every rule is met.'),
  },
  red: {
    icon: 'error',
    text: l10n.t({ message: 'Not met', comment: 'a rule is not met' }),
    all: l10n.t('The method does not do what it says: do not trust this adapter.'),
  },
  pending: {
    icon: 'circle-large-outline',
    text: l10n.t({ message: 'Not yet', comment: 'a rule cannot be judged yet' }),
    all: l10n.t('Too early to tell: some rules cannot be judged yet.'),
  },
};

/** Icon and word, so that no one has to tell colours apart. */
export function verdictMark(verdict: ActivityVerdict): TemplateResult {
  const { icon: name, text } = VERDICTS[verdict];
  return html`<span class="verdict-mark verdict-${verdict}">${icon(name)} ${text}</span>`;
}

export const overall = (verdict: ActivityVerdict): string => VERDICTS[verdict].all;

/** Why figures could not be judged. */
export function noteText(note: string, values: readonly (string | number)[]): string {
  // eslint-disable-next-line local/literal-texts -- declared in the engine, where the extraction finds it
  return l10n.t(note, ...values);
}

/** The name of a figure. `npm run l10n` finds these texts where the figures are declared, in the engine. */
export function figureText({ label }: ActivityFigure): string {
  // eslint-disable-next-line local/literal-texts -- the text is declared with the figure, where the extraction finds it
  return l10n.t(label);
}

export function ruleText(figure: ActivityFigure): string {
  // eslint-disable-next-line local/literal-texts -- as above
  return l10n.t(figure.rule, ...figureTexts(figure).rule);
}

export function valueText(figure: ActivityFigure): string {
  return figureTexts(figure).value ?? (figure.verdict === 'red' ? l10n.t('not a number') : UNKNOWN);
}

const [WIDTH, HEIGHT] = [96, 18];

/** The course of a figure at a glance; the plot below the table has the axes. */
export function sparkline(values: readonly (number | null)[]): TemplateResult | typeof nothing {
  const points = values.flatMap((value, i) => (value === null ? [] : [{ i, value }]));
  if (points.length < 2) return nothing;
  const known = points.map(({ value }) => value);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  // What hardly changes is drawn flat: a twentieth of the value fills the height at most.
  const span = Math.max(high - low, Math.abs(high + low) / 40) || 1;
  const x = (i: number) => 2 + (i / (values.length - 1)) * (WIDTH - 4);
  const y = (value: number) => HEIGHT / 2 - ((value - (low + high) / 2) / span) * (HEIGHT - 4);
  const path = points.map(({ i, value }) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return html`<svg
    class="sparkline"
    width=${WIDTH}
    height=${HEIGHT}
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    aria-hidden="true"
  >
    ${svg`<polyline points=${path} fill="none" stroke="currentColor" stroke-width="1.5"></polyline>`}
  </svg>`;
}

/** One figure over the recorded steps, with an alarm where it was red. */
export function activityCurve(
  figure: ActivityFigure,
  report: ActivityReport,
  theme: Theme,
  ofRun: readonly Mark[],
): LineFigure {
  const { id, unit } = figure;
  const name = figureText(figure);
  const values = report.values[id] ?? [];
  const isShare = unit === 'share';
  const red = report.redSteps[id] ?? [];
  return {
    title: name,
    x: { label: l10n.t('step'), kind: 'count' },
    y: { label: isShare ? l10n.t('per cent') : l10n.t('value'), kind: unit === 'count' ? 'count' : 'number' },
    isLogY: false,
    curves: [
      {
        name,
        legendKey: '',
        x: report.steps,
        y: values.map((value) => (value === null ? null : isShare ? 100 * value : value)),
        style: { ...styleOf(0, theme), symbol: 'circle' },
      },
    ],
    // A figure that is red for long is marked where that begins.
    marks: [
      ...ofRun,
      ...red.slice(0, 1).map((x) => ({ x, label: l10n.t('Red from step {0} on', formatCount(x)), isAlarm: true })),
    ],
    emptyText: l10n.t('This figure has no value yet.'),
  };
}
