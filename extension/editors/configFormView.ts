/** @file The Adapter Configuration view: a form over a document. The document is the truth; the form edits it and follows it. */
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { commands, l10n, Range, Uri, window, workspace, WorkspaceEdit } from 'vscode';
import type { Memento, TextDocument, WebviewView, WebviewViewProvider } from 'vscode';
import type { Handlers } from '../../kernels/protocol/channel';
import { KernelError } from '../../kernels/protocol/errors';
import type { ConfigFormPage, FormDocument, FormSnapshot, KeyPath } from '../../webview/protocol/configForm';
import type { CommandId } from '../commands/table';
import type { KernelHost } from '../kernel/kernelHost';
import { throttle } from '../util/debounce';
import { DisposableStore, Owner } from '../util/disposables';
import type { Log } from '../util/log';
import type { ConfigChecks } from './configChecks';
import type { ConfigFigures } from './configFigures';
import { isConfigFile, type ConfigFiles } from './configFiles';
import { apply, configValues, difference, editConfigText, type TextReplacement } from './configText';
import { PageConnection } from '../pages/pageConnection';
import { configFormGuards } from './configFormGuards';
import { pageHtml, pageRoot } from '../pages/pageHtml';

export const CONFIG_FORM_VIEW = 'adapterStudio.configuration';
const REMEMBERED = 'form.configuration';
const UPDATE_INTERVAL_MS = 100;
const MOST_UNDOABLE = 100;

export interface ConfigFormParts {
  readonly extensionUri: Uri;
  readonly kernel: Pick<KernelHost, 'call'>;
  readonly files: ConfigFiles;
  readonly checks: ConfigChecks;
  readonly figures: Pick<ConfigFigures, 'texts' | 'onDidChange'>;
  readonly memory: Memento;
  readonly log: Log;
}

export class ConfigFormView extends Owner implements WebviewViewProvider {
  /** The page that is shown now, if the view is. */
  private page: PageConnection<ConfigFormPage> | undefined;
  private chosen: Uri | undefined;
  private schema: FormSnapshot['schema'] | undefined;
  /** Edits are made one after the other, each on the text that the one before has left. */
  private edits: Promise<unknown> = Promise.resolve();
  /** Changes that the form has made, the last one last, as texts before and after. */
  private readonly made: { readonly uri: string; readonly before: string; readonly after: string }[] = [];
  private readonly update = this.register(throttle(UPDATE_INTERVAL_MS, () => void this.send()));

  constructor(private readonly parts: ConfigFormParts) {
    super();
    const remembered = parts.memory.get<string>(REMEMBERED);
    if (remembered !== undefined) this.chosen = Uri.parse(remembered);
    const concerns = (uri: Uri) => uri.toString() === this.chosen?.toString();
    this.register(window.registerWebviewViewProvider(CONFIG_FORM_VIEW, this));
    this.register(workspace.onDidChangeTextDocument(({ document }) => concerns(document.uri) && this.update()));
    this.register(workspace.onDidSaveTextDocument(({ uri }) => concerns(uri) && this.update()));
    this.register(parts.checks.onDidCheck((uri) => concerns(uri) && this.update()));
    this.register(parts.figures.onDidChange((uri) => concerns(uri) && this.update()));
    this.register(parts.files.onDidChange(this.update));
    this.register(workspace.onDidGrantWorkspaceTrust(this.update));
    this.register(window.onDidChangeActiveTextEditor((editor) => editor && this.follow(editor.document)));
    if (window.activeTextEditor) this.follow(window.activeTextEditor.document);
  }

  /** The configuration that the form shows; undefined when the workspace has none. */
  async current(): Promise<Uri | undefined> {
    const files = await this.parts.files.list();
    const isThere = (uri: Uri) => files.some((file) => file.toString() === uri.toString());
    if (!this.chosen || !(isThere(this.chosen) || isOpen(this.chosen))) this.chosen = files[0];
    return this.chosen;
  }

  async select(uri: Uri): Promise<void> {
    this.chosen = uri;
    await this.parts.memory.update(REMEMBERED, uri.toString());
    this.update();
  }

  resolveWebviewView(view: WebviewView): void {
    const { extensionUri, log } = this.parts;
    const lifetime = this.register(new DisposableStore());
    const page = lifetime.add(new PageConnection(view.webview, this.handlers(), configFormGuards, log));
    lifetime.add({ dispose: () => this.page === page && (this.page = undefined) });
    view.onDidDispose(() => lifetime.dispose());
    this.page = page;
    view.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    view.webview.html = pageHtml(view.webview, extensionUri, 'configForm', l10n.t('Adapter configuration'));
  }

  private handlers(): Handlers<ConfigFormPage> {
    return {
      'page/open': () => this.snapshot(),
      'form/set': ({ uri, path, value }) => this.edit(this.known(uri), path, value),
      'form/undo': ({ uri }) => this.undo(this.known(uri)),
      'form/select': ({ uri }) => this.select(this.known(uri)),
      'form/browse': ({ uri, path, kind }) => this.browse(this.known(uri), path, kind),
      'form/command': ({ command }) => this.runCommand(command),
    };
  }

  /** A page may speak only of configurations. */
  private known(text: string): Uri {
    const uri = Uri.parse(text, true);
    if (isConfigFile(uri)) return uri;
    throw new KernelError('internal', `The form asked for ${text}, which is not a configuration.`);
  }

  private follow(document: TextDocument): void {
    if (isConfigFile(document.uri) && document.uri.toString() !== this.chosen?.toString()) {
      void this.select(document.uri);
    }
  }

  private async send(): Promise<void> {
    const { page } = this;
    if (!page) return;
    try {
      page.emit('form/changed', await this.snapshot());
    } catch (error) {
      // The page was told when it opened and asks again when the person wants it to.
      this.parts.log.warn(`the form could not be updated: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private async snapshot(): Promise<FormSnapshot> {
    this.schema ??= (await this.parts.kernel.call('config/schema', {})).schema;
    const uri = await this.current();
    const files = await this.parts.files.list();
    return {
      schema: this.schema,
      document: uri ? this.describe(await workspace.openTextDocument(uri)) : null,
      configurations: files.map((file) => ({ uri: file.toString(), name: workspace.asRelativePath(file) })),
      canTrain: workspace.isTrusted,
    };
  }

  private describe(document: TextDocument): FormDocument {
    const check = this.parts.checks.get(document.uri);
    const failure = check?.failure;
    return {
      name: workspace.asRelativePath(document.uri),
      uri: document.uri.toString(),
      isDirty: document.isDirty,
      canUndo: this.lastChange(document) !== undefined,
      values: configValues(document.getText()),
      problems:
        failure === undefined
          ? (check?.problems ?? [])
          : [{ file: document.uri.fsPath, severity: 'error', found: failure, expected: l10n.t('a running engine') }],
      ...(check?.summary && { summary: check.summary }),
      ...(check?.modelKind && { modelKind: check.modelKind }),
      figures: this.parts.figures.texts(document.uri),
    };
  }

  /** One undoable step of the document. Nothing is saved. */
  private edit(uri: Uri, path: KeyPath, value: unknown): Promise<void> {
    return this.inTurn(async () => {
      const document = await workspace.openTextDocument(uri);
      const before = document.getText();
      const replacement = editConfigText(before, path, value);
      if (!replacement) return;
      await replace(document, replacement);
      this.made.push({ uri: uri.toString(), before, after: apply(before, replacement) });
      if (this.made.length > MOST_UNDOABLE) this.made.shift();
    });
  }

  /** The document as it was before the form's last change, unless something else has changed it since. */
  private undo(uri: Uri): Promise<void> {
    return this.inTurn(async () => {
      const document = await workspace.openTextDocument(uri);
      const last = this.lastChange(document);
      if (!last) return;
      await replace(document, difference(last.after, last.before));
      this.made.pop();
    });
  }

  private lastChange(document: TextDocument) {
    const last = this.made.at(-1);
    return last?.uri === document.uri.toString() && last.after === document.getText() ? last : undefined;
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const edit = this.edits.then(work);
    this.edits = edit.catch(() => {});
    return edit;
  }

  private async browse(uri: Uri, path: KeyPath, kind: 'file' | 'folder'): Promise<void> {
    const folder = Uri.file(dirname(uri.fsPath));
    const [chosen] =
      (await window.showOpenDialog({
        defaultUri: folder,
        canSelectFiles: kind === 'file',
        canSelectFolders: kind === 'folder',
        openLabel: l10n.t('Use'),
        title: path.join('.'),
        ...(kind === 'file' && {
          filters: { [l10n.t('Data')]: ['jsonl', 'json', 'parquet'], [l10n.t('All files')]: ['*'] },
        }),
      })) ?? [];
    if (chosen) await this.edit(uri, path, pathInConfig(uri, chosen));
  }

  private async runCommand(command: 'train' | 'openText' | 'new'): Promise<void> {
    const ids = {
      train: 'adapterStudio.train',
      openText: 'adapterStudio.openConfigurationText',
      new: 'adapterStudio.newConfiguration',
    } as const satisfies Record<string, CommandId>;
    await commands.executeCommand(ids[command], ...(command === 'new' ? [] : [await this.current()]));
  }
}

async function replace(document: TextDocument, { start, end, text }: TextReplacement): Promise<void> {
  const change = new WorkspaceEdit();
  change.replace(document.uri, new Range(document.positionAt(start), document.positionAt(end)), text);
  if (await workspace.applyEdit(change)) return;
  throw new KernelError('internal', l10n.t('The editor did not accept the change of {0}.', document.fileName));
}

/** How a path is written in a configuration: relative to it within the same workspace folder, absolute elsewhere. */
export function pathInConfig(config: Uri, target: Uri): string {
  const path = relative(dirname(config.fsPath), target.fsPath);
  const home = workspace.getWorkspaceFolder(config);
  if (isAbsolute(path) || home?.uri.toString() !== workspace.getWorkspaceFolder(target)?.uri.toString()) {
    return target.fsPath;
  }
  const portable = path.split(sep).join('/');
  return portable.startsWith('..') ? portable : `./${portable}`;
}

function isOpen(uri: Uri): boolean {
  return workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
}
