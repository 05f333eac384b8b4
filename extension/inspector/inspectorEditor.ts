/** @file The read-only editors for weights: they open files of any size, because only the engine reads them, by ranges. */
import {
  l10n,
  window,
  type CustomDocument,
  type CustomReadonlyEditorProvider,
  type Uri,
  type WebviewPanel,
} from 'vscode';
import { KernelError } from '../../kernels/protocol/errors';
import { Owner } from '../util/disposables';
import { CHECKPOINT_EDITOR, TENSOR_EDITOR } from './inspectorFiles';
import { InspectorPanel, type InspectorParts } from './inspectorPanel';

export class InspectorEditor extends Owner implements CustomReadonlyEditorProvider {
  constructor(private readonly parts: InspectorParts) {
    super();
    for (const viewType of [TENSOR_EDITOR, CHECKPOINT_EDITOR]) {
      this.register(window.registerCustomEditorProvider(viewType, this, { supportsMultipleEditorsPerDocument: true }));
    }
  }

  openCustomDocument(uri: Uri): CustomDocument {
    if (uri.scheme !== 'file') {
      const message = l10n.t(
        '{0} is not on a disk of this machine; the engine reads files by their path.',
        uri.toString(),
      );
      throw new KernelError('input/refused', message);
    }
    return { uri, dispose: () => {} };
  }

  resolveCustomEditor({ uri }: CustomDocument, panel: WebviewPanel): void {
    const inspector = new InspectorPanel(uri.fsPath, panel, this.parts);
    panel.onDidDispose(() => inspector.dispose());
  }
}
