/** @file The plots of the run's own metrics, made from the curves that the host sent. */
import * as l10n from '@vscode/l10n';
import type { EvaluationMetrics } from '../../kernels/protocol/types';
import type { SeriesName, Trace } from '../protocol/dashboard';
import type { LegendEntry } from '../shared/plot/legend';
import type { AxisKind, Curve, CurveStyle, LineFigure } from '../shared/plot/lineFigure';
import type { Theme } from '../shared/theme';
import { X_AXES } from '../shared/curves/curveChoices';
import { rawStyle, styleOf } from '../shared/curves/curveStyles';
import { runMarks, watchMarks, type MarkedRun } from './runMarks';
import type { ShownTraces } from './store';

export interface MetricFigure {
  readonly id: string;
  readonly figure: LineFigure;
  readonly legend: readonly LegendEntry[];
}

interface Source {
  readonly series: SeriesName;
  readonly name: string;
  readonly isMarked?: boolean;
  /** A smoothed curve before its raw values; not for what is smooth, or stepped, by itself. */
  readonly isSmoothed?: boolean;
}

/** The metrics of evaluations by their names in the records. */
const METRIC_NAMES: Readonly<Record<keyof EvaluationMetrics, string>> = {
  accuracy: l10n.t('accuracy'),
  f1: l10n.t('F1'),
  matthews_correlation: l10n.t("Matthews' correlation"),
  pearson: l10n.t("Pearson's correlation"),
  spearmanr: l10n.t("Spearman's correlation"),
};

interface MetricPlot {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly kind: AxisKind;
  readonly sources: readonly Source[];
  /** Whether the scale can be logarithmic: for what falls or grows by factors. */
  readonly canBeLog: boolean;
  /** Only of runs that have such curves; the others wait for their first point. */
  readonly isOptional?: boolean;
}

const PLOTS: readonly MetricPlot[] = [
  {
    id: 'loss',
    title: l10n.t('Loss'),
    unit: l10n.t('loss'),
    kind: 'number',
    canBeLog: true,
    sources: [
      { series: 'loss', name: l10n.t('train loss'), isSmoothed: true },
      { series: 'eval_loss', name: l10n.t('eval loss'), isMarked: true },
    ],
  },
  {
    id: 'eval-metrics',
    title: l10n.t('Evaluation'),
    unit: l10n.t('metric'),
    kind: 'number',
    canBeLog: false,
    isOptional: true,
    sources: [{ series: 'eval_metric', name: l10n.t('metric'), isMarked: true }],
  },
  {
    id: 'learning-rate',
    title: l10n.t('Learning rate'),
    unit: l10n.t('learning rate'),
    kind: 'exponent',
    canBeLog: true,
    sources: [{ series: 'learning_rate', name: l10n.t('learning rate') }],
  },
  {
    id: 'grad-norm',
    title: l10n.t('Gradient norm'),
    unit: l10n.t('norm before clipping'),
    kind: 'number',
    canBeLog: true,
    sources: [{ series: 'grad_norm', name: l10n.t('gradient norm'), isSmoothed: true }],
  },
  {
    id: 'throughput',
    title: l10n.t('Throughput'),
    unit: l10n.t('tokens/s'),
    kind: 'short',
    canBeLog: false,
    sources: [{ series: 'tokens_per_second', name: l10n.t('tokens/s'), isSmoothed: true }],
  },
  {
    id: 'memory',
    title: l10n.t('Memory'),
    unit: l10n.t('resident memory'),
    kind: 'bytes',
    canBeLog: false,
    sources: [{ series: 'rss', name: l10n.t('memory') }],
  },
];

export interface FigureContext extends MarkedRun {
  readonly theme: Theme;
  readonly isLogY: boolean;
  /** Nothing will be added, unless the run is resumed. */
  readonly isOver: boolean;
}

export function metricFigures(shown: ShownTraces | null, context: FigureContext): readonly MetricFigure[] {
  const x = shown?.x ?? 'step';
  const ofRun = runMarks(x, context);
  const watches = watchMarks(x, context);
  const traces = shown?.traces ?? [];
  const plots = PLOTS.filter(
    (p) => !p.isOptional || p.sources.some(({ series }) => traces.some((t) => t.series === series)),
  );
  return plots.map((plot) => {
    const { curves, legend } = curvesOf(plot, traces, context.theme);
    const figure: LineFigure = {
      title: plot.title,
      x: X_AXES[x],
      y: { label: plot.unit, kind: plot.kind },
      isLogY: context.isLogY && plot.canBeLog,
      curves,
      // What the watchdog saw is about the loss, or about the run as a whole.
      marks: plot.id === 'loss' ? [...ofRun, ...watches] : ofRun,
      emptyText: context.isOver
        ? l10n.t('The run ended before its first step.')
        : l10n.t('Waiting for the first step…'),
    };
    return { id: plot.id, figure, legend: legend.length > 1 ? legend : [] };
  });
}

function curvesOf(
  plot: MetricPlot,
  traces: readonly Trace[],
  theme: Theme,
): { curves: Curve[]; legend: LegendEntry[] } {
  const curves: Curve[] = [];
  const legend: LegendEntry[] = [];
  for (const source of plot.sources) {
    for (const trace of traces.filter((t) => t.series === source.series)) {
      const style: CurveStyle = {
        ...styleOf(legend.length, theme),
        ...(source.isMarked ? { symbol: 'diamond' as const } : {}),
      };
      const name = nameOf(trace, source);
      const key = `${trace.series}/${trace.group}`;
      curves.push(...traceCurves(trace, source.isSmoothed === true, { name, legendKey: key, style }, theme));
      legend.push({ key, name, style });
    }
  }
  return { curves, legend };
}

function nameOf({ series, group }: Trace, source: Source): string {
  if (group === '') return source.name;
  const names: Readonly<Record<string, string>> = METRIC_NAMES;
  return series === 'eval_metric' ? (names[group] ?? group) : group;
}

function traceCurves(
  { x, y, smoothed }: Trace,
  isSmoothed: boolean,
  curve: Pick<Curve, 'name' | 'legendKey' | 'style'>,
  theme: Theme,
): Curve[] {
  if (!smoothed || !isSmoothed) return [{ ...curve, x, y }];
  return [
    { ...curve, x, y, style: rawStyle(curve.style, theme) },
    { ...curve, name: l10n.t('{0}, smoothed', curve.name), x, y: smoothed },
  ];
}
