/** @file The plots of an adapter: the map of its modules, the spectrum of one. */
import * as l10n from '@vscode/l10n';
import type {
  AdapterModuleEntry,
  ModuleMeasures,
  ModuleSpectrum,
  TensorFacts,
} from '../../kernels/protocol/calls/inspect';
import type { HeatFigure } from '../shared/plot/heatDrawing';
import type { LineFigure } from '../shared/plot/lineFigure';
import type { Theme } from '../shared/theme';
import type { Measure } from './measures';

/** The cells of the map and which module stands in each. */
export interface ModuleMap {
  readonly figure: HeatFigure;
  /** `modules[row][column]`: name, or null where there is none. */
  readonly modules: readonly (readonly (string | null)[])[];
}

/** Projection × layer. */
export function moduleMap(
  modules: readonly AdapterModuleEntry[],
  measured: ReadonlyMap<string, ModuleMeasures>,
  measure: Measure,
): ModuleMap {
  const rows = [...new Set(modules.map(projectionOf))];
  const layers = [...new Set(modules.map(({ layer }) => layer))].sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
  const cells = new Map(modules.map((m) => [`${projectionOf(m)} ${m.layer}`, m.module]));
  const names = rows.map((row) => layers.map((layer) => cells.get(`${row} ${layer}`) ?? null));
  const valueOf = (name: string | null): number | null => {
    const found = name === null ? undefined : measured.get(name);
    return found ? measure.of(found) : null;
  };
  const values = names.map((row) => row.map(valueOf));
  return {
    modules: names,
    figure: {
      title: measure.label,
      rowLabel: l10n.t('projection'),
      columnLabel: l10n.t('layer'),
      rows: rows.map(lastPart(rows)),
      columns: layers.map((layer) => (layer === null ? l10n.t('none') : String(layer))),
      values,
      scale: scaleOf(values),
      valueName: measure.label,
    },
  };
}

/** What follows the layer in a module's path; the whole path where it has no layer. */
function projectionOf({ module, layer }: AdapterModuleEntry): string {
  if (layer === null) return shortName(module);
  const at = module.indexOf(`.${layer}.`);
  return at < 0 ? module.slice(`${layer}.`.length) : module.slice(at + `.${layer}.`.length);
}

/** `self_attn.q_proj` as `q_proj`, unless another projection ends in the same way. */
const lastPart = (all: readonly string[]) => {
  const last = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
  return (path: string): string => (all.filter((other) => last(other) === last(path)).length === 1 ? last(path) : path);
};

/** `model.layers.3.self_attn.q_proj` as `layers.3.self_attn.q_proj`. */
export function shortName(module: string): string {
  return module.replace(/^(base_model\.)?(model\.)+/, '');
}

/** From 0, so that a strong colour means a large value; ends apart also where all are 0. */
function scaleOf(values: readonly (readonly (number | null)[])[]): readonly [number, number] {
  const high = Math.max(0, ...values.flat().filter((value) => value !== null));
  return [0, high > 0 ? high : 1];
}

export function spectrumFigure(spectrum: ModuleSpectrum | null, isLog: boolean, theme: Theme): LineFigure {
  const values = spectrum?.singular_values ?? [];
  const isSparse = values.length <= 64;
  const style = { color: theme.curves[0]!, dash: 'solid', width: 1.8 } as const;
  return {
    title: l10n.t('Singular values of the delta weight'),
    x: { label: l10n.t('index'), kind: 'count' },
    y: { label: l10n.t('singular value'), kind: 'number' },
    isLogY: isLog,
    curves: [
      {
        name: 'σ',
        legendKey: '',
        x: values.map((_, i) => i + 1),
        y: values,
        style: isSparse ? { ...style, symbol: 'circle' } : style,
      },
    ],
    marks: [],
    emptyText: spectrum === null ? l10n.t('Reading…') : l10n.t('This module has no spectrum.'),
  };
}

export function histogramFigure({ histogram }: TensorFacts, isLog: boolean, theme: Theme): LineFigure {
  const { low, high, counts } = histogram ?? { low: 0, high: 0, counts: [] };
  const width = high / counts.length - low / counts.length;
  // Values of one size only are one bar.
  const bins = width > 0 ? counts : counts.slice(0, 1);
  return {
    title: l10n.t('Histogram'),
    x: { label: l10n.t('value'), kind: 'number' },
    y: { label: l10n.t('values in the bin'), kind: 'short' },
    isLogY: isLog,
    curves: [
      {
        name: l10n.t('count'),
        legendKey: '',
        x: bins.map((_, i) => low + (i + 0.5) * width),
        y: bins,
        style: { color: theme.curves[0]!, dash: 'solid', width: 1.2, isStepped: true },
      },
    ],
    marks: [],
    emptyText: l10n.t('No value is finite.'),
  };
}
