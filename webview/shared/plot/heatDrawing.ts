/** @file A heat map in the words of the plot library, and its scale of colours. */
import { mix, parseColor, textColor } from '../color';
import type { Theme } from '../theme';
import type { Drawing, ScatterTrace } from './draw';
import type { Range } from './lineFigure';

export interface HeatFigure {
  readonly title: string;
  readonly rowLabel: string;
  readonly columnLabel: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `values[row][column]`; null: there is no such module. */
  readonly values: readonly (readonly (number | null)[])[];
  /** Values at the ends of the scale of colours; the same over time, so that steps can be compared. */
  readonly scale: Range;
  readonly valueName: string;
}

export const HEAT_MARGIN = { l: 84, r: 10, t: 4, b: 40 } as const;
/** Below this width of a cell its number would not fit. */
const NUMBER_WIDTH_PX = 42;

/** Dark to light or light to dark with the theme: lightness alone carries the value. */
export function heatColors(theme: Theme): readonly string[] {
  const blue = theme.curves[0] ?? '#3794ff';
  return [
    mix(theme.background, blue, 0.12),
    mix(theme.background, blue, 0.6),
    blue,
    mix(blue, theme.foreground, 0.45),
    mix(blue, theme.foreground, 0.85),
  ];
}

export function heatDrawing(figure: HeatFigure, width: number, height: number, theme: Theme): Drawing {
  const colors = heatColors(theme);
  const cellWidth = (width - HEAT_MARGIN.l - HEAT_MARGIN.r) / figure.columns.length;
  const every = Math.ceil(24 / cellWidth);
  const text = { color: theme.muted, size: theme.fontSize - 2 };
  const ticks = (names: readonly string[], step: number) => ({
    tickvals: names.map((_, i) => i).filter((i) => i % step === 0),
    ticktext: names.filter((_, i) => i % step === 0),
    tickfont: text,
    showgrid: false,
    zeroline: false,
    fixedrange: true,
    automargin: false,
    ticklabeloverflow: 'allow',
  });
  return {
    data: [
      {
        type: 'heatmap',
        z: figure.values,
        zmin: figure.scale[0],
        zmax: figure.scale[1],
        colorscale: colors.map((color, i) => [i / (colors.length - 1), color]),
        showscale: false,
        hoverinfo: 'skip',
        hoverongaps: false,
        xgap: 1,
        ygap: 1,
      },
      ...(cellWidth >= NUMBER_WIDTH_PX ? [numbers(figure, colors, theme)] : []),
    ],
    layout: {
      width,
      height,
      margin: HEAT_MARGIN,
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: theme.fontFamily, size: theme.fontSize - 1, color: theme.foreground },
      dragmode: false,
      hovermode: false,
      xaxis: {
        ...ticks(figure.columns, every),
        range: [-0.5, figure.columns.length - 0.5],
        title: { text: figure.columnLabel, standoff: 6, font: text },
      },
      // The first row stands at the top, as in the table.
      yaxis: { ...ticks(figure.rows, 1), range: [figure.rows.length - 0.5, -0.5] },
    },
  };
}

/** The values, each in the colour that can be read on its cell. */
function numbers({ values, scale: [low, high] }: HeatFigure, colors: readonly string[], theme: Theme): ScatterTrace {
  const cells = values.flatMap((row, y) => row.flatMap((z, x) => (z === null ? [] : [{ x, y, z }])));
  const isWhole = cells.every(({ z }) => Number.isInteger(z));
  const colorAt = (z: number): string => {
    const at = Math.min(1, Math.max(0, high > low ? (z - low) / (high - low) : 0)) * (colors.length - 1);
    const [below = '', above = below] = colors.slice(Math.floor(at));
    return textColor(parseColor(mix(below, above, at % 1)));
  };
  return {
    type: 'scatter',
    mode: 'text',
    x: cells.map(({ x }) => x),
    y: cells.map(({ y }) => y),
    text: cells.map(({ z }) => (isWhole ? String(z) : z.toPrecision(3))),
    textfont: { size: theme.fontSize - 1, color: cells.map(({ z }) => colorAt(z)) },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

export function heatDrawingForPicture(figure: HeatFigure, theme: Theme): Drawing {
  const { data, layout } = heatDrawing(figure, 1200, 600, theme);
  return {
    data: data.map((trace) =>
      trace.type === 'heatmap'
        ? {
            ...trace,
            showscale: true,
            colorbar: { title: { text: figure.valueName }, tickfont: { color: theme.foreground } },
          }
        : trace,
    ),
    layout: {
      ...layout,
      title: { text: figure.title, font: { size: 18, color: theme.foreground } },
      paper_bgcolor: theme.background,
      margin: { l: 110, r: 30, t: 60, b: 60 },
    },
  };
}
