/** @file The line over an adapter's configuration: what the adapter is, and what can be done with it. */
import { dirname } from 'node:path';
import { CodeLens, EventEmitter, l10n, languages, Range, RelativePattern, Uri, workspace } from 'vscode';
import type { CodeLensProvider, TextDocument } from 'vscode';
import type { AdapterContents } from '../../kernels/protocol/calls/inspect';
import { KernelError } from '../../kernels/protocol/errors';
import type { CommandId } from '../commands/table';
import type { KernelHost } from '../kernel/kernelHost';
import { Owner } from '../util/disposables';
import { formatBytes, formatCount } from '../util/format';
import type { Log } from '../util/log';
import { ADAPTER_CONFIG } from './inspectorFiles';

const SELECTOR = { scheme: 'file', pattern: `**/${ADAPTER_CONFIG}` } as const;

export class AdapterLens extends Owner implements CodeLensProvider {
  private readonly changed = this.register(new EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(
    private readonly kernel: Pick<KernelHost, 'call'>,
    private readonly log: Log,
  ) {
    super();
    this.register(languages.registerCodeLensProvider(SELECTOR, this));
    this.register(workspace.onDidGrantWorkspaceTrust(() => this.changed.fire()));
    for (const { uri } of workspace.workspaceFolders ?? []) {
      const watcher = this.register(
        workspace.createFileSystemWatcher(new RelativePattern(uri, `**/adapter_{config.json,model.safetensors}`)),
      );
      const fire = () => this.changed.fire();
      for (const event of [watcher.onDidChange, watcher.onDidCreate, watcher.onDidDelete]) this.register(event(fire));
    }
  }

  /** The file as it is on disk: the weights beside it belong to that. */
  async provideCodeLenses({ uri }: TextDocument): Promise<CodeLens[]> {
    const folder = Uri.file(dirname(uri.fsPath));
    const inspect = lens(`$(search) ${l10n.t('Inspect')}`, 'adapterStudio.inspect', folder);
    const check = lens(`$(checklist) ${l10n.t('Check')}`, 'adapterStudio.check', folder);
    const adapter = await this.read(folder.fsPath);
    if (!adapter) return [lens(`$(error) ${l10n.t('Not readable: see why')}`, 'adapterStudio.inspect', folder), check];
    const actions = workspace.isTrusted
      ? [
          lens(`$(git-merge) ${l10n.t('Merge into base')}`, 'adapterStudio.mergeAdapter', folder),
          lens(`$(comment-discussion) ${l10n.t('Try it')}`, 'adapterStudio.tryIt', folder),
        ]
      : [];
    return [new CodeLens(TOP, { title: describe(adapter), command: '' }), inspect, ...actions, check];
  }

  private async read(path: string): Promise<AdapterContents | undefined> {
    try {
      const contents = await this.kernel.call('inspect/open', { path });
      return contents.kind === 'adapter' ? contents : undefined;
    } catch (error) {
      this.log.info(`${path}: ${KernelError.is(error) ? error.message : String(error)}`);
      return undefined;
    }
  }
}

const TOP = new Range(0, 0, 0, 0);

const lens = (title: string, command: CommandId, argument: Uri): CodeLens =>
  new CodeLens(TOP, { title, command, arguments: [argument] });

/** "LoRA: rank 16, alpha 32 · 60 modules · 1.2 M parameters, 4.9 MB" */
function describe({ method, config, modules, parameters, bytes }: AdapterContents): string {
  const { r, lora_alpha: alpha } = config;
  const facts = [
    ...(typeof r === 'number' ? [l10n.t('rank {0}', r)] : []),
    ...(typeof alpha === 'number' ? [l10n.t('alpha {0}', alpha)] : []),
    modules.length === 1 ? l10n.t('1 module') : l10n.t('{0} modules', modules.length),
    l10n.t('{0} parameters', formatCount(parameters)),
    formatBytes(bytes),
  ];
  return `${method.label}: ${facts.join(', ')}`;
}
