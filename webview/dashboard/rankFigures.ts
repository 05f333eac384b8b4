/** @file The plots of the rank section: means over layers, the map of modules, singular values. */
import * as l10n from '@vscode/l10n';
import type { RankMeasure, RankOf, RankTable } from '../protocol/dashboard';
import type { HeatFigure } from '../shared/plot/heatDrawing';
import type { LegendEntry } from '../shared/plot/legend';
import { mix } from '../shared/color';
import { formatCount } from '../shared/format';
import { DASHES, type Curve, type LineFigure, type Mark } from '../shared/plot/lineFigure';
import type { Theme } from '../shared/theme';
import { RANK_MEASURES } from '../shared/curves/curveChoices';
import { rawStyle, styleOf } from '../shared/curves/curveStyles';
import type { Spectrum } from './store';

/** Column of the map for modules that belong to no layer. */
const NO_LAYER = l10n.t({ message: 'none', comment: 'no layer' });
/** More markers than this on one curve run into a band. */
const MAX_MARKERS = 40;
/** Of the legend; no projection has this name. */
const CHOSEN = '';
const STEP_AXIS = { label: l10n.t('step'), kind: 'count' } as const;

export function projectionsOf(table: RankTable): readonly string[] {
  return [...new Set(table.modules.map(({ projection }) => projection))];
}

/** What the plots are of, in words. */
export const RANK_OF: Readonly<Record<RankOf, { readonly choice: string; readonly name: string }>> = {
  delta: { choice: l10n.t('Delta weight'), name: l10n.t('delta weight') },
  direction: { choice: l10n.t('Directional update'), name: l10n.t('directional update') },
};

export interface RankLook {
  readonly theme: Theme;
  /** The run has spectra of several matrices, or of another one than the delta weight: titles say of which. */
  readonly isMatrixNamed: boolean;
  /** Where something happened to the run. */
  readonly marks: readonly Mark[];
}

export interface RankLines {
  readonly figure: LineFigure;
  readonly legend: readonly LegendEntry[];
}

/** One bold curve for each projection (mean over its layers), thin ones for the modules of `detail`, and the chosen module. */
export function rankLines(
  table: RankTable,
  measure: RankMeasure,
  choice: { readonly detail: string | null; readonly module: string | null },
  { theme, marks, isMatrixNamed }: RankLook,
): RankLines {
  const values = table.measures[measure];
  const curves: Curve[] = [];
  const legend: LegendEntry[] = [];
  projectionsOf(table).forEach((projection, i) => {
    const style = styleOf(i, theme, 2.4);
    const members = table.modules.flatMap((module, m) => (module.projection === projection ? [m] : []));
    if (projection === choice.detail) {
      for (const m of members) {
        const name = table.modules[m]!.name;
        curves.push({ name, legendKey: projection, x: table.steps, y: values[m]!, style: rawStyle(style, theme) });
      }
    }
    const mean = table.steps.map((_, s) => meanOf(members.map((m) => values[m]?.[s] ?? null)));
    const name = members.length > 1 ? l10n.t('{0}, mean of {1}', projection, members.length) : projection;
    curves.push({ name, legendKey: projection, x: table.steps, y: mean, style });
    legend.push({ key: projection, name: projection, style });
  });
  for (const curve of chosenCurve(table, measure, choice.module, theme)) {
    curves.push(curve);
    legend.push({ key: curve.legendKey, name: curve.name, style: curve.style });
  }
  const figure: LineFigure = {
    title: isMatrixNamed
      ? l10n.t('{0} of the {1} over training', RANK_MEASURES[measure].choice, RANK_OF[table.of].name)
      : l10n.t('{0} over training', RANK_MEASURES[measure].choice),
    x: STEP_AXIS,
    y: { label: RANK_MEASURES[measure].choice.toLowerCase(), kind: 'number' },
    isLogY: false,
    curves,
    marks,
    emptyText: l10n.t('No spectra yet.'),
  };
  return { figure, legend };
}

function chosenCurve(table: RankTable, measure: RankMeasure, module: string | null, theme: Theme): Curve[] {
  const m = table.modules.findIndex(({ name }) => name === module);
  // Where the mean is over this module alone, a second curve would hide the first.
  const projection = table.modules[m]?.projection;
  if (m < 0 || table.modules.filter((other) => other.projection === projection).length === 1) return [];
  const isSparse = table.steps.length <= MAX_MARKERS;
  const style = {
    color: theme.foreground,
    dash: 'dot',
    width: 1.4,
    ...(isSparse && { symbol: 'circle' as const }),
  } as const;
  return [
    {
      name: l10n.t('{0} (chosen)', shortName(module!)),
      legendKey: CHOSEN,
      x: table.steps,
      y: table.measures[measure][m]!,
      style,
    },
  ];
}

/** The cells of the map and which module stands in each. */
export interface RankMap {
  readonly figure: HeatFigure;
  /** `modules[row][column]`: name, or null where there is none. */
  readonly modules: readonly (readonly (string | null)[])[];
}

/** Projection × layer at one recorded step. */
export function rankMap(table: RankTable, measure: RankMeasure, stepIndex: number, isMatrixNamed: boolean): RankMap {
  const step = formatCount(table.steps[stepIndex] ?? 0);
  const values = table.measures[measure];
  const rows = projectionsOf(table);
  const layers = [...new Set(table.modules.map(({ layer }) => layer))].sort(
    (a, b) => (a ?? Infinity) - (b ?? Infinity),
  );
  const find = (projection: string, layer: number | null) =>
    table.modules.findIndex((m) => m.projection === projection && m.layer === layer);
  const cells = rows.map((projection) => layers.map((layer) => find(projection, layer)));
  return {
    modules: cells.map((row) => row.map((m) => table.modules[m]?.name ?? null)),
    figure: {
      title: isMatrixNamed
        ? l10n.t('{0} of the {1} at step {2}', RANK_MEASURES[measure].choice, RANK_OF[table.of].name, step)
        : l10n.t('{0} at step {1}', RANK_MEASURES[measure].choice, step),
      rowLabel: l10n.t('projection'),
      columnLabel: l10n.t('layer'),
      rows,
      columns: layers.map((layer) => (layer === null ? NO_LAYER : String(layer))),
      values: cells.map((row) => row.map((m) => values[m]?.[stepIndex] ?? null)),
      scale: scaleOf(values),
      valueName: RANK_MEASURES[measure].choice.toLowerCase(),
    },
  };
}

/** Every singular value over training; the largest are the strongest in colour. */
export function spectrumFigure(
  spectrum: Spectrum | null,
  isLog: boolean,
  { theme, marks, isMatrixNamed }: RankLook,
): LineFigure {
  const count = Math.max(0, ...(spectrum?.values.map((v) => v.length) ?? []));
  const strong = theme.curves[0]!;
  const curves = Array.from({ length: count }, (_, i): Curve => {
    const color = mix(strong, theme.background, count > 1 ? (i / (count - 1)) * 0.6 : 0);
    return {
      name: `σ${i + 1}`,
      legendKey: '',
      x: spectrum?.steps ?? [],
      y: spectrum?.values.map((v) => v[i] ?? null) ?? [],
      // The order tells the small ones apart; their dashes would only run into a pattern.
      style: { color, dash: DASHES[i] ?? 'solid', width: i === 0 ? 2.2 : i < DASHES.length ? 1.4 : 0.8 },
    };
  });
  return {
    title: titleOf(spectrum, isMatrixNamed),
    x: STEP_AXIS,
    y: { label: l10n.t('singular value'), kind: 'number' },
    isLogY: isLog,
    curves,
    marks,
    emptyText: l10n.t('No spectra yet.'),
  };
}

function titleOf(spectrum: Spectrum | null, isMatrixNamed: boolean): string {
  if (!spectrum) return l10n.t('Singular values');
  const module = shortName(spectrum.module);
  return isMatrixNamed
    ? l10n.t('Singular values of the {0} of {1}', RANK_OF[spectrum.of].name, module)
    : l10n.t('Singular values of {0}', module);
}

/** `model.layers.3.self_attn.q_proj` as `layers.3.self_attn.q_proj`. */
export function shortName(module: string): string {
  return module.replace(/^(base_model\.)?(model\.)+/, '');
}

function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

function scaleOf(values: readonly (readonly (number | null)[])[]): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const row of values) {
    for (const value of row) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) return [0, 1];
  return low === high ? [low, low + 1] : [low, high];
}
