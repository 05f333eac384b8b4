/** @file The few functions of the plot library that are used; it ships no types for this bundle. */
declare module 'plotly.js-cartesian-dist-min' {
  export interface PlotElement extends HTMLElement {
    readonly _fullData?: readonly { readonly type: string }[];
    on(event: string, listener: (payload: Readonly<Record<string, unknown>>) => void): void;
  }
  const Plotly: {
    react(root: HTMLElement, data: readonly object[], layout: object, config: object): Promise<PlotElement>;
    purge(root: HTMLElement): void;
    toImage(
      figure: { data: readonly object[]; layout: object; config: object },
      options: { format: 'png'; width: number; height: number; scale: number },
    ): Promise<string>;
  };
  export default Plotly;
}
