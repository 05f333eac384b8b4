/** @file The only place that calls the plot library: draws in place, keeps to two trace types, makes pictures. */
// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- the types of a module that ships none cannot be imported
/// <reference path="./plotlyModule.d.ts" />
import Plotly, { type PlotElement } from 'plotly.js-cartesian-dist-min';

export interface ScatterTrace {
  readonly type: 'scatter';
  readonly [option: string]: unknown;
}
export interface HeatmapTrace {
  readonly type: 'heatmap';
  readonly [option: string]: unknown;
}
export type DrawnTrace = ScatterTrace | HeatmapTrace;

export interface Drawing {
  readonly data: readonly DrawnTrace[];
  readonly layout: object;
}

/** No mode bar: the page has its own, named buttons. A double click resets through our own range, not the library's. */
const CONFIG = { displayModeBar: false, displaylogo: false, doubleClick: false, scrollZoom: false, responsive: false };

/** What stands in each place, as text; taken away when the person changes it there. */
const drawn = new WeakMap<HTMLElement, { readonly asked: string; readonly element: Promise<PlotElement> }>();

/**
 * Draws, or changes what is drawn without flicker. A page asks for all its plots whenever anything on it has changed, and
 * drawing is slow: what already stands there is left alone.
 */
export function draw(root: HTMLElement, drawing: Drawing): Promise<PlotElement> {
  const asked = JSON.stringify(drawing);
  const before = drawn.get(root);
  if (before?.asked === asked) return before.element;
  const element = drawAnew(root, drawing);
  drawn.set(root, { asked, element });
  element.catch(() => drawn.get(root)?.element === element && drawn.delete(root));
  return element;
}

async function drawAnew(root: HTMLElement, drawing: Drawing): Promise<PlotElement> {
  const element = await Plotly.react(root, drawing.data, drawing.layout, CONFIG);
  assertTraceTypes(drawing.data, element);
  return element;
}

/** To be called when the library has changed a plot by itself, as a drag does: what was asked for stands there no more. */
export function hasChanged(root: HTMLElement): void {
  drawn.delete(root);
}

/** A trace type that the bundle lacks silently becomes a scatter trace, so what was drawn is compared with what was asked. */
function assertTraceTypes(asked: readonly DrawnTrace[], element: PlotElement): void {
  const drawn = element._fullData ?? [];
  asked.forEach((trace, i) => {
    const type = drawn[i]?.type;
    if (type !== trace.type) throw new Error(`The plot library drew ${type ?? 'nothing'} in place of ${trace.type}.`);
  });
}

export function erase(root: HTMLElement): void {
  drawn.delete(root);
  Plotly.purge(root);
}

/** A PNG of 2400 × 1200 pixels as a data URL. */
export function picture(drawing: Drawing): Promise<string> {
  return Plotly.toImage({ ...drawing, config: CONFIG }, { format: 'png', width: 1200, height: 600, scale: 2 });
}
