/**
 * @file The part of the editor's API that unit tests need, as small as that: values behave, services record what they were asked.
 * Stands in for the module `vscode` in the extension's unit tests (vitest.config.ts); the real one is met in the end-to-end tests.
 */
import path from 'node:path';

type Listener<T> = (event: T) => unknown;

export class EventEmitter<T> {
  private readonly listeners = new Set<Listener<T>>();
  readonly event = (listener: Listener<T>) => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };
  fire(event: T): void {
    for (const listener of this.listeners) listener(event);
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export class Uri {
  private constructor(
    readonly scheme: string,
    readonly path: string,
  ) {}
  static file(file: string): Uri {
    return new Uri('file', file);
  }
  static parse(text: string): Uri {
    const match = /^([\w-]+):(?:\/\/)?(.*)$/.exec(text);
    if (!match) throw new Error(`no scheme in ${text}`);
    return new Uri(match[1]!, decodeURIComponent(match[2]!));
  }
  static from({ scheme, path }: { scheme: string; path: string }): Uri {
    return new Uri(scheme, path);
  }
  static joinPath(base: Uri, ...parts: string[]): Uri {
    return new Uri(base.scheme, path.posix.join(base.path, ...parts));
  }
  get fsPath(): string {
    return this.path;
  }
  toString(): string {
    return `${this.scheme}://${encodeURI(this.path)}`;
  }
}

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}
export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(start: Position | number, end: Position | number, endLine?: number, endCharacter?: number) {
    this.start = start instanceof Position ? start : new Position(start, end as number);
    this.end = end instanceof Position ? end : new Position(endLine ?? 0, endCharacter ?? 0);
  }
}

export enum DiagnosticSeverity {
  Error,
  Warning,
  Information,
  Hint,
}
export class Diagnostic {
  source: string | undefined;
  constructor(
    readonly range: Range,
    readonly message: string,
    readonly severity: DiagnosticSeverity,
  ) {}
}

export class CodeLens {
  constructor(
    readonly range: Range,
    readonly command?: { title: string; command: string; arguments?: unknown[] },
  ) {}
}
export class ThemeColor {
  constructor(readonly id: string) {}
}
export class ThemeIcon {
  constructor(
    readonly id: string,
    readonly color?: ThemeColor,
  ) {}
}
export class MarkdownString {
  supportHtml = false;
  constructor(
    public value: string,
    readonly supportThemeIcons = false,
  ) {}
  appendMarkdown(more: string): this {
    this.value += more;
    return this;
  }
}
export enum CompletionItemKind {
  Field = 4,
  Module = 8,
  Property = 9,
  File = 16,
  Reference = 17,
  Folder = 18,
  EnumMember = 19,
}
export class CompletionItem {
  constructor(
    readonly label: string | { label: string; description?: string },
    readonly kind: CompletionItemKind,
  ) {}
}
export class Hover {
  constructor(
    readonly contents: readonly MarkdownString[],
    readonly range: Range,
  ) {}
}
export class InlayHint {
  constructor(
    readonly position: Position,
    readonly label: string,
  ) {}
}
export class CodeActionKind {
  static readonly QuickFix = new CodeActionKind();
}
export class CodeAction {
  constructor(
    readonly title: string,
    readonly kind: CodeActionKind,
  ) {}
}
export enum ColorThemeKind {
  Light = 1,
  Dark,
  HighContrast,
  HighContrastLight,
}
export enum TreeItemCollapsibleState {
  None,
  Collapsed,
  Expanded,
}
export class TreeItem {
  constructor(
    readonly label: string,
    readonly collapsibleState: TreeItemCollapsibleState,
  ) {}
}
export class RelativePattern {
  constructor(
    readonly base: unknown,
    readonly pattern: string,
  ) {}
}
export enum StatusBarAlignment {
  Left = 1,
  Right,
}
export enum ProgressLocation {
  SourceControl = 1,
  Window = 10,
  Notification = 15,
}
export enum ViewColumn {
  Active = -1,
  Beside = -2,
}
export enum QuickPickItemKind {
  Separator = -1,
  Default = 0,
}
export enum FileType {
  Unknown,
  File,
  Directory,
}

export class WorkspaceEdit {
  readonly replacements: { uri: Uri; range: Range; text: string }[] = [];
  replace(uri: Uri, range: Range, text: string): void {
    this.replacements.push({ uri, range, text });
  }
}

/** A document that lives in memory, with the events that the editor would send. */
export class FakeDocument {
  isDirty = false;
  constructor(
    readonly uri: Uri,
    private text: string,
  ) {}
  get fileName(): string {
    return this.uri.fsPath;
  }
  getText(): string {
    return this.text;
  }
  positionAt(offset: number): Position {
    const before = this.text.slice(0, offset).split('\n');
    return new Position(before.length - 1, before.at(-1)!.length);
  }
  offsetAt({ line, character }: Position): number {
    const lines = this.text.split('\n');
    return lines.slice(0, line).reduce((sum, l) => sum + l.length + 1, 0) + character;
  }
  async save(): Promise<boolean> {
    this.isDirty = false;
    state.saved.fire(this);
    return true;
  }
  write(text: string): void {
    this.text = text;
    this.isDirty = true;
    state.changed.fire({ document: this });
  }
}

/** What a test puts into the editor and reads from it. */
export const state = {
  documents: new Map<string, FakeDocument>(),
  edits: [] as WorkspaceEdit[],
  executed: [] as { id: string; args: unknown[] }[],
  diagnostics: new Map<string, readonly Diagnostic[]>(),
  changed: new EventEmitter<{ document: FakeDocument }>(),
  opened: new EventEmitter<FakeDocument>(),
  saved: new EventEmitter<FakeDocument>(),
  closed: new EventEmitter<FakeDocument>(),
  /** What the person will click, one after the other; a message with none left is dismissed. */
  clicks: [] as string[],
  /** Messages that were shown. */
  messages: [] as string[],
  /** Settings by their full name. */
  settings: new Map<string, unknown>(),
  /** What was put into the clipboard. */
  clipboard: [] as string[],
  /** What was asked of the file system. */
  deleted: [] as { path: string; useTrash: boolean }[],
  /** Refuses to delete into a trash, as on a remote machine. */
  hasTrash: true,
  reset(): void {
    this.settings.clear();
    this.clipboard.length = 0;
    this.deleted.length = 0;
    this.hasTrash = true;
    this.clicks.length = 0;
    this.messages.length = 0;
    workspace.isTrusted = true;
    this.documents.clear();
    this.edits.length = 0;
    this.executed.length = 0;
    this.diagnostics.clear();
  },
  open(uri: Uri, text: string): FakeDocument {
    const document = new FakeDocument(uri, text);
    this.documents.set(uri.toString(), document);
    return document;
  },
};

const nothing = { dispose: () => {} };
const never = () => nothing;

export const env = {
  language: 'en',
  clipboard: { writeText: async (text: string) => void state.clipboard.push(text) },
};

export const l10n = {
  bundle: undefined,
  t: (message: string | { message: string; args?: unknown[] }, ...args: unknown[]) => {
    const [text, values] = typeof message === 'string' ? [message, args] : [message.message, message.args ?? []];
    return text.replace(/\{(\d+)\}/g, (_, i: string) => String(values[Number(i)]));
  },
};

export const commands = {
  registerCommand: never,
  executeCommand: async (id: string, ...args: unknown[]) => {
    state.executed.push({ id, args });
  },
};

export const languages = {
  registerCodeLensProvider: never,
  registerCompletionItemProvider: never,
  registerHoverProvider: never,
  registerInlayHintsProvider: never,
  registerCodeActionsProvider: never,
  createDiagnosticCollection: () => ({
    set: (uri: Uri, all: readonly Diagnostic[]) => state.diagnostics.set(uri.toString(), all),
    dispose: () => {},
  }),
};

export const workspace = {
  isTrusted: true,
  workspaceFolders: undefined as { uri: Uri }[] | undefined,
  get textDocuments(): FakeDocument[] {
    return [...state.documents.values()];
  },
  onDidChangeTextDocument: state.changed.event,
  onDidOpenTextDocument: state.opened.event,
  onDidSaveTextDocument: state.saved.event,
  onDidCloseTextDocument: state.closed.event,
  onDidGrantWorkspaceTrust: never,
  onDidChangeWorkspaceFolders: never,
  onDidChangeConfiguration: never,
  registerTextDocumentContentProvider: never,
  createFileSystemWatcher: () => ({ ...nothing, onDidCreate: never, onDidDelete: never, onDidChange: never }),
  getConfiguration: (section: string) => ({ get: (name: string) => state.settings.get(`${section}.${name}`) }),
  fs: {
    delete: async (uri: Uri, { useTrash }: { useTrash: boolean }) => {
      if (useTrash && !state.hasTrash) throw new Error('provider does not support trash');
      state.deleted.push({ path: uri.fsPath, useTrash });
    },
  },
  asRelativePath: (uri: Uri) => path.posix.basename(uri.path),
  getWorkspaceFolder: (uri: Uri) => workspace.workspaceFolders?.find((folder) => uri.path.startsWith(folder.uri.path)),
  openTextDocument: async (uri: Uri) => {
    const document = state.documents.get(uri.toString());
    if (!document) throw new Error(`no document ${uri.toString()}`);
    return document;
  },
  applyEdit: async (edit: WorkspaceEdit) => {
    state.edits.push(edit);
    for (const { uri, range, text } of edit.replacements) {
      const document = state.documents.get(uri.toString())!;
      const old = document.getText();
      document.write(old.slice(0, document.offsetAt(range.start)) + text + old.slice(document.offsetAt(range.end)));
    }
    return true;
  },
};

const message = async (text: string, ...more: unknown[]) => {
  state.messages.push(text);
  const clicked = state.clicks.shift();
  return more.find((item) => item === clicked);
};

export const window = {
  activeTextEditor: undefined,
  activeColorTheme: { kind: ColorThemeKind.Dark },
  showInformationMessage: message,
  showWarningMessage: message,
  showErrorMessage: message,
  setStatusBarMessage: never,
  showTextDocument: async () => {},
  withProgress: async (_: unknown, task: (progress: unknown, token: unknown) => unknown) =>
    task({ report: () => {} }, { isCancellationRequested: false, onCancellationRequested: never }),
  onDidChangeActiveTextEditor: never,
  registerWebviewViewProvider: never,
  registerWebviewPanelSerializer: never,
};
