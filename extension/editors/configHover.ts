/** @file Hovers in configurations: what a key means, what a name matches, what became of a module. */
import {
  ColorThemeKind,
  Hover,
  languages,
  Range,
  window,
  type CancellationToken,
  type HoverProvider,
  type Position,
  type TextDocument,
} from 'vscode';
import { Owner } from '../util/disposables';
import { CONFIG_SELECTOR } from './configFiles';
import { hoverMarkdown } from './hoverText';
import { languageCall, type LanguageParts } from './languageCall';
import type { ImageColors } from './spectrumImage';

export class ConfigHovers extends Owner implements HoverProvider {
  constructor(private readonly parts: LanguageParts) {
    super();
    this.register(languages.registerHoverProvider(CONFIG_SELECTOR, this));
  }

  async provideHover(document: TextDocument, position: Position, token: CancellationToken): Promise<Hover | undefined> {
    const request = { path: document.uri.fsPath, text: document.getText(), offset: document.offsetAt(position) };
    const found = (await languageCall(this.parts, 'config/hover', request, token))?.hover;
    if (!found) return undefined;
    const { start, end } = found.span;
    const range = new Range(document.positionAt(start), document.positionAt(end));
    return new Hover(hoverMarkdown(found, imageColors()), range);
  }
}

/** An image knows nothing of the theme it is shown in. */
function imageColors(): ImageColors {
  switch (window.activeColorTheme.kind) {
    case ColorThemeKind.Light:
      return { line: '#005fb8', text: '#3b3b3b', grid: '#d0d0d0' };
    case ColorThemeKind.HighContrastLight:
      return { line: '#0f4a85', text: '#000000', grid: '#707070' };
    case ColorThemeKind.HighContrast:
      return { line: '#f38518', text: '#ffffff', grid: '#8a8a8a' };
    default:
      return { line: '#4daafc', text: '#cccccc', grid: '#454545' };
  }
}
