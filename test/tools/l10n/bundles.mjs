/** @file The texts of the product, from where they are written and from where they are translated. */
import { build } from 'esbuild';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from '../process.mjs';
import { findTexts } from './findTexts.mjs';

/** Languages besides English, as VS Code names them. */
export const languages = ['ko'];

/** Folders whose code speaks to people. */
const folders = ['extension', 'webview', 'kernels'];

/** The pairs of files: what is in English, and the same in another language. */
export const texts = [
  { english: 'package.nls.json', translated: (language) => `package.nls.${language}.json` },
  { english: 'media/l10n/bundle.l10n.json', translated: (language) => `media/l10n/bundle.l10n.${language}.json` },
];

/**
 * What the code says, as the English bundle: key -> text, or text with a comment for translators. Sorted, so that two people who add
 * texts do not meet at the end of the file.
 * @returns {Promise<Record<string, string | { message: string, comment: string[] }>>}
 */
export async function extractTexts() {
  const sources = folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .map((file) => readFileSync(path.join(root, folder, file), 'utf8')),
  );
  const speaking = sources.filter((contents) => contents.includes('l10n'));
  const found = Object.assign({}, ...speaking.map(findTexts));
  for (const text of await schemaTexts()) found[text] ??= text;
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The titles and help texts of the configuration, from its schema with all adapter methods, the meanings of choices, and the
 * figures of activity with their rules.
 */
async function schemaTexts() {
  const contents = `
    import { adapterMethods } from './kernels/adapters/registry';
    import { activityTexts } from './kernels/trainer/activity/activityTexts';
    import { schemaTexts } from './kernels/config/localizeSchema';
    import { fieldTable } from './kernels/config/fieldTable';
    import { buildConfigSchema } from './kernels/config/schema';
    const meanings = (field) => [...Object.values(field.meanings ?? {}), ...field.parts.flatMap(meanings)];
    const tables = adapterMethods.map(({ id }) => fieldTable({ adapter: { method: id } }, adapterMethods));
    const fields = tables.flatMap((table) => Object.values(table).flatMap((section) => Object.values(section)));
    export const texts = [...schemaTexts(buildConfigSchema(adapterMethods)), ...fields.flatMap(meanings), ...activityTexts(adapterMethods)];`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
  });
  const module = { exports: {} };
  const load = new Function('module', 'require', outputFiles[0].text);
  load(module, createRequire(import.meta.url));
  return module.exports.texts;
}

/** An empty object while there is no such file. */
export function readTexts(file) {
  const place = path.join(root, file);
  return existsSync(place) ? JSON.parse(readFileSync(place, 'utf8')) : {};
}

/** The text of an entry, with or without a comment. */
export const messageOf = (entry) => (typeof entry === 'string' ? entry : entry.message);
