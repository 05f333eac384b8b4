/** @file The plots of the comparison: one for each measure, one curve for each run, the same colour and dash in all of them. */
import * as l10n from '@vscode/l10n';
import type { RankMean } from '../protocol/compare';
import type { RankMeasure, SeriesName, Trace, XAxis } from '../protocol/dashboard';
import { RANK_MEASURES, X_AXES } from '../shared/curves/curveChoices';
import { styleOf } from '../shared/curves/curveStyles';
import type { LegendEntry } from '../shared/plot/legend';
import type { AxisKind, Curve, LineFigure } from '../shared/plot/lineFigure';
import type { Theme } from '../shared/theme';
import type { ComparedTraces } from './store';

export interface CompareFigure {
  readonly id: string;
  readonly figure: LineFigure;
  readonly legend: readonly LegendEntry[];
}

interface ComparePlot {
  readonly id: string;
  readonly series: SeriesName;
  readonly title: string;
  readonly unit: string;
  readonly kind: AxisKind;
  readonly canBeLog: boolean;
}

const PLOTS: readonly ComparePlot[] = [
  { id: 'loss', series: 'loss', title: l10n.t('Train loss'), unit: l10n.t('loss'), kind: 'number', canBeLog: true },
  {
    id: 'eval-loss',
    series: 'eval_loss',
    title: l10n.t('Eval loss'),
    unit: l10n.t('loss'),
    kind: 'number',
    canBeLog: true,
  },
  {
    id: 'learning-rate',
    series: 'learning_rate',
    title: l10n.t('Learning rate'),
    unit: l10n.t('learning rate'),
    kind: 'exponent',
    canBeLog: true,
  },
  {
    id: 'grad-norm',
    series: 'grad_norm',
    title: l10n.t('Gradient norm'),
    unit: l10n.t('norm before clipping'),
    kind: 'number',
    canBeLog: true,
  },
  {
    id: 'throughput',
    series: 'tokens_per_second',
    title: l10n.t('Throughput'),
    unit: l10n.t('tokens/s'),
    kind: 'short',
    canBeLog: false,
  },
];

export interface CompareContext {
  readonly names: readonly string[];
  readonly theme: Theme;
  readonly isLogY: boolean;
}

export function compareFigures(shown: ComparedTraces | null, context: CompareContext): readonly CompareFigure[] {
  const x: XAxis = shown?.x ?? 'step';
  return PLOTS.map((plot) => {
    const curves = (shown?.runs ?? []).flatMap((traces, run) =>
      traces.filter((trace) => trace.series === plot.series).map((trace, group) => curveOf(trace, run, group, context)),
    );
    return {
      id: plot.id,
      legend: runLegend(context),
      figure: {
        title: plot.title,
        x: X_AXES[x],
        y: { label: plot.unit, kind: plot.kind },
        isLogY: context.isLogY && plot.canBeLog,
        curves,
        marks: [],
        emptyText: l10n.t('None of these runs has recorded it yet.'),
      },
    };
  });
}

/** The mean over all modules, in which methods with different modules can be compared. */
export function rankFigure(means: readonly RankMean[], measure: RankMeasure, context: CompareContext): CompareFigure {
  const { choice } = RANK_MEASURES[measure];
  return {
    id: 'rank',
    legend: runLegend(context),
    figure: {
      title: l10n.t('{0}, mean over the modules', choice),
      x: X_AXES.step,
      y: { label: choice.toLowerCase(), kind: 'number' },
      isLogY: false,
      curves: means.map(({ of, steps, values }, run) => ({
        name:
          of === 'direction' ? l10n.t('{0}, directional update', context.names[run] ?? '') : (context.names[run] ?? ''),
        legendKey: String(run),
        x: steps,
        y: values,
        style: styleOf(run, context.theme),
      })),
      marks: [],
      emptyText: l10n.t('None of these runs has recorded it yet.'),
    },
  };
}

export function runLegend({ names, theme }: CompareContext): readonly LegendEntry[] {
  return names.map((name, run) => ({ key: String(run), name, style: styleOf(run, theme) }));
}

/** Smoothed where it was asked for: the raw values of several runs would only hide each other. */
function curveOf({ x, y, smoothed, group }: Trace, run: number, groupIndex: number, context: CompareContext): Curve {
  const name = context.names[run] ?? '';
  const style = styleOf(run, context.theme);
  return {
    name: group === '' || groupIndex === 0 ? name : `${name}, ${group}`,
    legendKey: String(run),
    x,
    y: smoothed ?? y,
    // Further parameter groups of the same run: the same dash and colour, but thinner.
    style: groupIndex === 0 ? style : { ...style, width: 1, opacity: 0.75 },
  };
}
