/** @file Reports as read-only documents, shown as formatted text. They live as long as the window. */
import { commands, Uri, workspace } from 'vscode';
import { Owner } from '../util/disposables';

const SCHEME = 'adapter-studio-report';

export class Reports extends Owner {
  private readonly texts = new Map<string, string>();

  constructor() {
    super();
    this.register(
      workspace.registerTextDocumentContentProvider(SCHEME, {
        provideTextDocumentContent: (uri) => this.texts.get(uri.toString()),
      }),
    );
  }

  /** Keeps a Markdown text under a title. */
  add(title: string, text: string): Uri {
    // The number keeps two reports of the same title apart.
    const uri = Uri.from({ scheme: SCHEME, path: `/${this.texts.size + 1}/${title.replaceAll('/', '-')}.md` });
    this.texts.set(uri.toString(), text);
    return uri;
  }

  async show(report: Uri): Promise<void> {
    await commands.executeCommand('markdown.showPreview', report);
  }
}
