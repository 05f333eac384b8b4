/** @file Which editor shows which file, and which files a view of one depends on. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { commands, Uri } from 'vscode';

/** Of `*.safetensors`: the editor that opens them. */
export const TENSOR_EDITOR = 'adapterStudio.inspector';
/** Of `*.safetensors.index.json`, which open as text unless asked otherwise. */
export const CHECKPOINT_EDITOR = 'adapterStudio.checkpointInspector';

export const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

/** Files whose change may change what is shown of a file in the same folder. */
export const CONCERNED = `{*.safetensors,*.safetensors.index.json,${ADAPTER_CONFIG},config.json}`;

/** The file that stands for what was meant: the weights of an adapter or of a checkpoint. */
export function fileToInspect(path: string): string {
  if (basename(path) === ADAPTER_CONFIG) return adapterFile(dirname(path));
  if (!isFolder(path)) return path;
  if (existsSync(join(path, ADAPTER_CONFIG))) return adapterFile(path);
  const weights = [SINGLE_FILE, INDEX_FILE].map((name) => join(path, name)).find((file) => existsSync(file));
  return weights ?? path;
}

/** Without weights that can be read the configuration is opened, and the editor says what is missing. */
function adapterFile(dir: string): string {
  const weights = join(dir, ADAPTER_WEIGHTS);
  return existsSync(weights) ? weights : join(dir, ADAPTER_CONFIG);
}

export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

export async function openInspector(file: string): Promise<void> {
  const editor = file.endsWith('.index.json') ? CHECKPOINT_EDITOR : TENSOR_EDITOR;
  await commands.executeCommand('vscode.openWith', Uri.file(file), editor);
}
