/** @file A line figure in the words of the plot library. */
import type { Theme } from '../theme';
import { logTicks, tickOptions } from './axes';
import type { Drawing, ScatterTrace } from './draw';
import type { Curve, LineFigure, Range } from './lineFigure';

/** Space for axis text in pixels; fixed, so that the place of a value on the screen can be computed and plots line up. */
export const MARGIN = { l: 62, r: 14, t: 10, b: 42 } as const;

export interface View {
  /** Both in the units of the axes, also where y is logarithmic. */
  readonly x: Range;
  readonly y: Range;
  readonly width: number;
  readonly height: number;
}

export function lineDrawing(figure: LineFigure, view: View, theme: Theme): Drawing {
  return { data: figure.curves.map(scatter), layout: layout(figure, view, theme) };
}

/** A longer legend would leave no room for the plot. */
const MAX_LEGEND = 24;

/** The same plot with title, legend and a ground of its own, to be looked at outside of the editor. */
export function lineDrawingForPicture(figure: LineFigure, view: View, theme: Theme): Drawing {
  const drawing = lineDrawing(figure, { ...view, width: 1200, height: 600 }, theme);
  return {
    data: drawing.data.map((trace) => ({ ...trace, showlegend: true })),
    layout: {
      ...drawing.layout,
      title: { text: figure.title, font: { size: 18, color: theme.foreground } },
      paper_bgcolor: theme.background,
      plot_bgcolor: theme.background,
      margin: { l: 80, r: 30, t: 100, b: 60 },
      showlegend: figure.curves.length > 1 && figure.curves.length <= MAX_LEGEND,
      annotations: figure.marks.flatMap(({ x, short }) =>
        short === undefined || x < view.x[0] || x > view.x[1] ? [] : [annotation(x, short, theme)],
      ),
      legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom', font: { color: theme.foreground } },
    },
  };
}

const annotation = (x: number, text: string, theme: Theme): object => ({
  x,
  y: 1,
  yref: 'paper',
  text,
  showarrow: false,
  xanchor: 'left',
  yanchor: 'top',
  font: { color: theme.foreground, size: theme.fontSize - 1 },
});

function scatter({ name, x, y, style }: Curve): ScatterTrace {
  // A line needs two points to be seen; the first point of a run is shown as a marker.
  const hasMarkers = style.symbol !== undefined || x.length === 1;
  return {
    type: 'scatter',
    mode: hasMarkers ? 'lines+markers' : 'lines',
    name,
    x,
    y,
    opacity: style.opacity ?? 1,
    line: {
      color: style.color,
      dash: style.dash,
      width: style.width,
      simplify: true,
      ...(style.isStepped && { shape: 'hvh' }),
    },
    ...(style.isStepped && { fill: 'tozeroy' }),
    marker: { color: style.color, symbol: style.symbol ?? 'circle', size: 7 },
    hoverinfo: 'skip',
    showlegend: false,
  };
}

function layout(figure: LineFigure, view: View, theme: Theme): object {
  const axis = {
    gridcolor: theme.gridLine,
    griddash: 'solid',
    gridwidth: 0.5,
    linecolor: theme.gridLine,
    zeroline: false,
    automargin: false,
    // Where the library finds all labels outside, as in a page that is being hidden, it would put the title at infinity.
    ticklabeloverflow: 'allow',
    tickfont: { color: theme.muted, size: theme.fontSize - 2 },
  };
  const title = (text: string, standoff: number) => ({
    text,
    standoff,
    font: { color: theme.muted, size: theme.fontSize - 1 },
  });
  const isLog = figure.isLogY;
  const plotWidth = view.width - MARGIN.l - MARGIN.r;
  const plotHeight = view.height - MARGIN.t - MARGIN.b;
  return {
    width: view.width,
    height: view.height,
    margin: MARGIN,
    paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: theme.fontFamily, size: theme.fontSize, color: theme.foreground },
    dragmode: 'zoom',
    hovermode: false,
    showlegend: false,
    separators: '.,',
    xaxis: {
      ...axis,
      range: view.x,
      title: title(figure.x.label, 8),
      ...tickOptions(figure.x.kind, view.x, Math.max(3, Math.floor(plotWidth / 55))),
    },
    yaxis: {
      ...axis,
      type: isLog ? 'log' : 'linear',
      range: isLog ? view.y.map((value) => Math.log10(value)) : view.y,
      title: title(figure.y.label, 4),
      ...(isLog ? logTicks : tickOptions)(figure.y.kind, view.y, Math.max(3, Math.floor(plotHeight / 28))),
    },
    shapes: figure.marks.map(({ x }) => ({
      type: 'line',
      x0: x,
      x1: x,
      y0: 0,
      y1: 1,
      yref: 'paper',
      line: { color: theme.warning, width: 1, dash: 'dot' },
    })),
  };
}
