/** @file Completion in configurations: what the engine says can be written at the cursor. */
import {
  CompletionItem,
  CompletionItemKind,
  languages,
  Range,
  type CancellationToken,
  type CompletionItemProvider,
  type Position,
  type TextDocument,
} from 'vscode';
import type { Completion, Completions } from '../../kernels/protocol/calls/config';
import type { ModelEntry } from '../../kernels/protocol/types';
import type { ModelLibrary } from '../models/modelLibrary';
import { Owner } from '../util/disposables';
import { CONFIG_SELECTOR } from './configFiles';
import { keyMarkdown } from './hoverText';
import { languageCall, type LanguageParts } from './languageCall';

/** Characters behind which something else can be written than before. */
const TRIGGERS = [' ', ':', '-', '[', '{', ',', '/', '"', "'"];

const KINDS: Readonly<Record<Completion['kind'], CompletionItemKind>> = {
  key: CompletionItemKind.Property,
  section: CompletionItemKind.Module,
  value: CompletionItemKind.EnumMember,
  module: CompletionItemKind.Field,
  file: CompletionItemKind.File,
  folder: CompletionItemKind.Folder,
  model: CompletionItemKind.Reference,
  adapter: CompletionItemKind.Reference,
};

export interface CompletionParts extends LanguageParts {
  readonly models: Pick<ModelLibrary, 'list'>;
}

export class ConfigCompletion extends Owner implements CompletionItemProvider {
  constructor(private readonly parts: CompletionParts) {
    super();
    this.register(languages.registerCompletionItemProvider(CONFIG_SELECTOR, this, ...TRIGGERS));
  }

  async provideCompletionItems(
    document: TextDocument,
    position: Position,
    token: CancellationToken,
  ): Promise<CompletionItem[]> {
    const request = {
      path: document.uri.fsPath,
      text: document.getText(),
      offset: document.offsetAt(position),
      models: await this.models(),
    };
    const found = await languageCall(this.parts, 'config/complete', request, token);
    return found ? found.items.map((item, i) => toItem(item, i, found.span, document, position)) : [];
  }

  /** What is found once is kept; while it is not there the engine still offers what lies around the configuration. */
  private async models(): Promise<readonly ModelEntry[]> {
    try {
      return await this.parts.models.list();
    } catch (error) {
      this.parts.log.debug(`models: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  }
}

function toItem(
  { kind, label, insert, detail, meaning, key, hasMore }: Completion,
  order: number,
  span: Completions['span'],
  document: TextDocument,
  position: Position,
): CompletionItem {
  const item = new CompletionItem({ label, ...(detail !== undefined && { description: detail }) }, KINDS[kind]);
  const start = document.positionAt(span.start);
  item.insertText = insert;
  item.range = { inserting: new Range(start, position), replacing: new Range(start, document.positionAt(span.end)) };
  item.filterText = insert.trim();
  item.sortText = String(order).padStart(5, '0');
  if (key) item.documentation = keyMarkdown(key);
  else if (meaning !== undefined) item.documentation = meaning;
  if (hasMore) item.command = { title: '', command: 'editor.action.triggerSuggest' };
  return item;
}
