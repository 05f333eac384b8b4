/** @file The editor's theme as plain colours, for what CSS variables do not reach: pictures drawn by the plot library. */
import { signal, type ReadonlySignal } from '@preact/signals-core';
import { withAlpha } from './color';

export interface Theme {
  readonly kind: 'dark' | 'light' | 'high-contrast' | 'high-contrast-light';
  readonly background: string;
  readonly foreground: string;
  /** Axis text. */
  readonly muted: string;
  readonly gridLine: string;
  /** Colours of curves, told apart also by their dashes. */
  readonly curves: readonly string[];
  readonly warning: string;
  readonly fontFamily: string;
  readonly fontSize: number;
}

/** In this order: blue first for what matters most, neighbours far apart for all common kinds of colour blindness. */
const CURVE_VARIABLES: readonly (readonly [variable: string, standard: string])[] = [
  ['--vscode-charts-blue', '#3794ff'],
  ['--vscode-charts-orange', '#d18616'],
  ['--vscode-charts-green', '#89d185'],
  ['--vscode-charts-purple', '#b180d7'],
  ['--vscode-charts-red', '#f14c4c'],
  ['--vscode-charts-yellow', '#cca700'],
  ['--vscode-charts-foreground', '#cccccc'],
];

export function readTheme(document: Document): Theme {
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  const style = getComputedStyle(document.body);
  // As a colour property every notation, also one of another variable, comes back as rgb() or rgba().
  const color = (variable: string, standard: string) => {
    probe.style.color = `var(${variable}, ${standard})`;
    return getComputedStyle(probe).color || standard;
  };
  const kind = themeKind(document.body.classList);
  const isHighContrast = kind === 'high-contrast' || kind === 'high-contrast-light';
  const theme: Theme = {
    kind,
    background: color('--vscode-editor-background', '#1f1f1f'),
    foreground: color('--vscode-foreground', '#cccccc'),
    muted: isHighContrast
      ? color('--vscode-foreground', '#ffffff')
      : color('--vscode-descriptionForeground', '#9d9d9d'),
    gridLine: withAlpha(color('--vscode-charts-lines', 'rgb(128, 128, 128)'), isHighContrast ? 0.4 : 0.18),
    // Themes may define a chart colour with transparency (orange is, by default), which a thin line cannot afford.
    curves: CURVE_VARIABLES.map(([variable, standard]) => withAlpha(color(variable, standard), 1)),
    warning: color('--vscode-editorWarning-foreground', '#cca700'),
    fontFamily: style.getPropertyValue('--vscode-font-family').trim() || 'sans-serif',
    fontSize: Number.parseFloat(style.getPropertyValue('--vscode-font-size')) || 13,
  };
  probe.remove();
  return theme;
}

/** The theme now and after every change; VS Code changes the classes of the body and the variables of the root together. */
export function watchTheme(document: Document): ReadonlySignal<Theme> {
  const theme = signal(readTheme(document));
  const observer = new MutationObserver(() => {
    const next = readTheme(document);
    if (JSON.stringify(next) !== JSON.stringify(theme.value)) theme.value = next;
  });
  observer.observe(document.body, { attributeFilter: ['class', 'data-vscode-theme-id'] });
  observer.observe(document.documentElement, { attributeFilter: ['style', 'class'] });
  return theme;
}

function themeKind(classes: DOMTokenList): Theme['kind'] {
  if (classes.contains('vscode-high-contrast-light')) return 'high-contrast-light';
  if (classes.contains('vscode-high-contrast')) return 'high-contrast';
  return classes.contains('vscode-light') ? 'light' : 'dark';
}
