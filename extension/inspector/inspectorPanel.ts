/** @file One inspector: a page over a file on disk, told when the file changes. Nothing here writes to what is looked at. */
import { Buffer } from 'node:buffer';
import { basename, dirname, join } from 'node:path';
import { commands, l10n, RelativePattern, Uri, window, workspace, type WebviewPanel } from 'vscode';
import type { CallContext, CallOptions, Handlers } from '../../kernels/protocol/channel';
import { KernelError } from '../../kernels/protocol/errors';
import type {
  InspectorCommand,
  InspectorPage,
  InspectorSnapshot,
  RefusedContents,
} from '../../webview/protocol/inspector';
import type { CommandId } from '../commands/table';
import type { KernelHost } from '../kernel/kernelHost';
import { PageConnection } from '../pages/pageConnection';
import { pageHtml, pageRoot } from '../pages/pageHtml';
import { writeFileAtomic } from '../util/atomicFile';
import { debounce } from '../util/debounce';
import { Owner } from '../util/disposables';
import type { Log } from '../util/log';
import { ADAPTER_CONFIG, CONCERNED } from './inspectorFiles';
import { inspectorGuards } from './inspectorGuards';

/** A file that is being written says so many times a second; it is read when it has come to rest. */
const REST_MS = 400;
const PNG_URL = 'data:image/png;base64,';
/** Refusals of the input; any other error is the engine's, and the page offers to try again. */
const REFUSALS = ['input/refused', 'format/invalid', 'adapter/unsupported', 'model/unsupported'] as const;

export interface InspectorParts {
  readonly extensionUri: Uri;
  readonly kernel: Pick<KernelHost, 'call'>;
  readonly log: Log;
}

export class InspectorPanel extends Owner {
  private readonly page: PageConnection<InspectorPage>;
  private revision = 0;

  /** Takes the panel over: it is disposed with this object. */
  constructor(
    private readonly file: string,
    private readonly panel: WebviewPanel,
    private readonly parts: InspectorParts,
  ) {
    super();
    const { extensionUri, log } = parts;
    this.page = this.register(new PageConnection(panel.webview, this.handlers(), inspectorGuards, log));
    const update = this.register(debounce(REST_MS, () => void this.tellChange()));
    const folder = new RelativePattern(Uri.file(dirname(file)), CONCERNED);
    const watcher = this.register(workspace.createFileSystemWatcher(folder));
    for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete]) this.register(event(update));
    this.register(workspace.onDidGrantWorkspaceTrust(update));
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageRoot(extensionUri)] };
    panel.webview.html = pageHtml(panel.webview, extensionUri, 'inspector', basename(file));
  }

  private async tellChange(): Promise<void> {
    this.revision++;
    try {
      this.page.emit('inspector/changed', await this.snapshot());
    } catch (error) {
      // The page keeps what it shows and can be told to read again.
      this.parts.log.warn(`${this.file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private handlers(): Handlers<InspectorPage> {
    const { kernel } = this.parts;
    const path = this.file;
    const passed = ({ signal, progress }: CallContext): CallOptions => ({ signal, onProgress: progress });
    return {
      'page/open': () => this.snapshot(),
      'inspector/reload': () => this.snapshot(),
      'inspector/modules': (_, context) => kernel.call('inspect/modules', { path }, passed(context)),
      'inspector/module': ({ module }, context) => kernel.call('inspect/module', { path, module }, passed(context)),
      'inspector/tile': (request, context) => kernel.call('inspect/tile', { path, ...request }, passed(context)),
      'inspector/statistics': (request, context) =>
        kernel.call('inspect/statistics', { path, ...request }, passed(context)),
      'inspector/command': ({ command }) => this.runCommand(command),
      'save/png': ({ name, dataUrl }) => this.savePng(name, dataUrl),
    };
  }

  private async snapshot(): Promise<InspectorSnapshot> {
    return {
      name: basename(this.file),
      place: workspace.asRelativePath(this.file),
      contents: await this.contents(),
      revision: this.revision,
      isTrusted: workspace.isTrusted,
    };
  }

  private async contents(): Promise<InspectorSnapshot['contents']> {
    try {
      return await this.parts.kernel.call('inspect/open', { path: this.file });
    } catch (error) {
      return refusalOf(error);
    }
  }

  /** Commands show their own failures, so that they look the same from wherever they are run. */
  private async runCommand(command: InspectorCommand): Promise<void> {
    const folder = Uri.file(dirname(this.file));
    const ids = {
      merge: 'adapterStudio.mergeAdapter',
      convert: 'adapterStudio.convertAdapter',
      tryIt: 'adapterStudio.tryIt',
      check: 'adapterStudio.check',
      showLog: 'adapterStudio.showLog',
    } as const satisfies Record<string, CommandId>;
    if (command === 'showConfig') await window.showTextDocument(Uri.file(join(folder.fsPath, ADAPTER_CONFIG)));
    else await commands.executeCommand(ids[command], command === 'check' ? Uri.file(this.file) : folder);
  }

  private async savePng(name: string, dataUrl: string): Promise<void> {
    if (!dataUrl.startsWith(PNG_URL)) {
      throw new KernelError('internal', 'The page sent something that is not a PNG picture.');
    }
    const folder = workspace.workspaceFolders?.[0]?.uri ?? Uri.file(dirname(this.file));
    const defaultUri = Uri.joinPath(folder, `${name.replace(/[^\w.-]+/g, '-')}.png`);
    const target = await window.showSaveDialog({ defaultUri, filters: { PNG: ['png'] }, title: l10n.t('Save') });
    if (!target) return;
    await writeFileAtomic(target.fsPath, Buffer.from(dataUrl.slice(PNG_URL.length), 'base64'));
  }
}

/** A refusal of the file is what the page shows; everything else is a failed call. */
function refusalOf(error: unknown): RefusedContents {
  if (!KernelError.is(error) || !REFUSALS.some((code) => code === error.code)) throw error;
  return { kind: 'refused', message: error.message, problems: error.problems };
}
