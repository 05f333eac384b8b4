/** @file The licence texts of what is inside the bundles, from what esbuild says went into them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './process.mjs';

/**
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @param {readonly string[]} alsoShipped packages that ship beside the bundles
 * @returns {string} one section a package, sorted by name
 */
export function thirdPartyNotices(metafiles, alsoShipped) {
  const inputs = metafiles.flatMap((metafile) => Object.keys(metafile.inputs));
  const folders = new Set([...alsoShipped, '@vscode/codicons'].map((name) => `node_modules/${name}`));
  for (const input of inputs) {
    // The last node_modules in the path, so that a nested package stands under its own name.
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) folders.add(match[1]);
  }
  const sections = [...folders].sort().map((folder) => section(path.join(root, folder)));
  return `Adapter Studio contains these packages.\n\n${sections.join('\n')}`;
}

function section(folder) {
  const { name, version, license, repository } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[sc]e(\.|$)/i.test(entry));
  const url = typeof repository === 'string' ? repository : (repository?.url ?? '');
  const text =
    file !== undefined && existsSync(path.join(folder, file))
      ? readFileSync(path.join(folder, file), 'utf8').trim()
      : '';
  return `${'-'.repeat(80)}\n${name} ${version} (${license}) ${url}\n\n${text}\n`;
}
