/** @file Figures at the ends of lines: trained parameters, samples, steps, the size of a batch, the memory of the run. */
import {
  EventEmitter,
  InlayHint,
  languages,
  MarkdownString,
  Position,
  type CancellationToken,
  type InlayHintsProvider,
  type Range,
  type TextDocument,
} from 'vscode';
import type { ConfigHint } from '../../kernels/protocol/calls/config';
import type { QuickEstimate } from '../../kernels/protocol/calls/estimate';
import { Owner } from '../util/disposables';
import { CONFIG_SELECTOR } from './configFiles';
import type { ConfigFigures } from './configFigures';
import { hintWords } from './hintWords';
import { languageCall, type LanguageParts } from './languageCall';

export class ConfigHints extends Owner implements InlayHintsProvider {
  private readonly changed = this.register(new EventEmitter<void>());
  readonly onDidChangeInlayHints = this.changed.event;

  constructor(
    private readonly parts: LanguageParts,
    private readonly figures: Pick<ConfigFigures, 'memory' | 'onDidChange'>,
  ) {
    super();
    this.register(languages.registerInlayHintsProvider(CONFIG_SELECTOR, this));
    this.register(figures.onDidChange(() => this.changed.fire()));
  }

  /** Asked anew for the text as it is, because places move with each line. */
  async provideInlayHints(document: TextDocument, range: Range, token: CancellationToken): Promise<InlayHint[]> {
    const request = { path: document.uri.fsPath, text: document.getText() };
    const found = await languageCall(this.parts, 'config/hints', request, token);
    const memory = this.figures.memory(document.uri);
    const hints = (found?.hints ?? []).flatMap((hint) => toHint(hint, memory));
    return hints.filter(({ position: { line } }) => line >= range.start.line && line <= range.end.line);
  }
}

function toHint(hint: ConfigHint, memory: QuickEstimate | undefined): InlayHint[] {
  const words = hintWords(hint, memory);
  if (!words || !hint.at) return [];
  const made = new InlayHint(new Position(hint.at.line - 1, hint.at.column - 1), words.label);
  made.paddingLeft = true;
  made.tooltip = new MarkdownString(words.tooltip);
  return [made];
}
