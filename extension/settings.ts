/** @file Every setting of the extension, typed. Settings are read here and nowhere else. */
import { workspace } from 'vscode';

/** Folders outside the workspace that are searched for checkpoints and adapters, absolute or relative to a workspace folder. */
export function modelFolders(): readonly string[] {
  return folderList('modelFolders');
}

/** Folders outside the workspace that are searched for runs. */
export function runFolders(): readonly string[] {
  return folderList('runFolders');
}

/** What Train does when another run is at work on this machine. */
export function whenBusy(): 'ask' | 'queue' | 'beside' {
  const value = workspace.getConfiguration('adapterStudio').get<unknown>('whenBusy');
  return value === 'queue' || value === 'beside' ? value : 'ask';
}

function folderList(name: string): readonly string[] {
  const value = workspace.getConfiguration('adapterStudio').get<unknown>(name);
  return Array.isArray(value)
    ? value.filter((entry): entry is string => typeof entry === 'string' && entry !== '')
    : [];
}
