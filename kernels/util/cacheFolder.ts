/** @file Where things are kept that can be made again: the user's cache folder, by the conventions of each system. */
import { homedir } from 'node:os';
import path from 'node:path';

export function cacheFolder(): string {
  const { ADAPTER_STUDIO_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (ADAPTER_STUDIO_CACHE) return ADAPTER_STUDIO_CACHE;
  const base =
    process.platform === 'win32'
      ? (LOCALAPPDATA ?? path.join(homedir(), 'AppData', 'Local'))
      : process.platform === 'darwin'
        ? path.join(homedir(), 'Library', 'Caches')
        : (XDG_CACHE_HOME ?? path.join(homedir(), '.cache'));
  return path.join(base, 'adapter-studio');
}
