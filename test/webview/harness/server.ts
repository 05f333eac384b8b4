/** @file Serves the built pages as VS Code would: the same policy, the variables of a theme, and a host in place of the editor. */
import { build } from 'esbuild';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { PageName } from '../../../webview/protocol/pages';
import { PSEUDO, textsIn } from './languages';
import { root } from './root';
import themes from './themes.json' with { type: 'json' };

export type ThemeName = keyof typeof themes;
export const THEMES = Object.keys(themes) as ThemeName[];

const pages = path.join(root, 'dist/webview');
const NONCE = 'harness';
const TYPES: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.css': 'text/css', '.ttf': 'font/ttf' };

export interface Harness {
  /** Address of a page; `options` go to its host, and `language` chooses its texts. */
  url(page: PageName, theme: ThemeName, options?: Readonly<Record<string, string>>): string;
  /** The same with the host outside of the page's process, as in the editor: a document of another site that holds the page. */
  framedUrl(page: PageName, theme: ThemeName, options?: Readonly<Record<string, string>>): string;
  stop(): Promise<void>;
}

export async function startHarness(): Promise<Harness> {
  const hosts = await bundleHosts();
  const port = () => (server.address() as AddressInfo).port;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [kind, name = ''] = url.pathname.slice(1).split('/');
    const send = (type: string, body: string | Buffer) => response.writeHead(200, { 'content-type': type }).end(body);
    if (kind === 'page') return send('text/html', html(name as PageName, url.searchParams));
    if (kind === 'framed') return send('text/html', framedHtml(name as PageName, url, port()));
    if (kind === 'host') return send('text/javascript', hosts.get(name) ?? '');
    if (kind === 'dist')
      return send(TYPES[path.extname(name)] ?? 'text/plain', readFileSync(path.join(pages, path.basename(name))));
    // Browsers ask for an icon by themselves.
    return response.writeHead(kind === 'favicon.ico' ? 204 : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const query = (theme: ThemeName, options = {}) => new URLSearchParams({ theme, ...options }).toString();
  return {
    url: (page, theme, options) => `http://127.0.0.1:${port()}/page/${page}?${query(theme, options)}`,
    framedUrl: (page, theme, options) => `http://localhost:${port()}/framed/${page}?${query(theme, options)}`,
    stop: () => close(server),
  };
}

/** The host of the page NAME is NAMEHost.ts. */
function hostNames(): string[] {
  return readdirSync(path.join(root, 'test/webview/harness')).flatMap((file) =>
    file.endsWith('Host.ts') ? [file.slice(0, -'.ts'.length)] : [],
  );
}

async function bundleHosts(): Promise<ReadonlyMap<string, string>> {
  const bundled = await Promise.all(
    hostNames().map(async (name) => {
      const result = await build({
        absWorkingDir: root,
        entryPoints: [`test/webview/harness/${name}.ts`],
        bundle: true,
        write: false,
        format: 'iife',
        platform: 'browser',
        target: 'chrome132',
      });
      return [`${name}.js`, result.outputFiles[0]!.text] as const;
    }),
  );
  return new Map(bundled);
}

/** What the editor tells a page of a theme: variables at the root, a class of the body. */
export function appearance(page: PageName, theme: ThemeName): { readonly style: string; readonly bodyClass: string } {
  const { bodyClass, variables } = themes[theme];
  const values = Object.entries(variables).map(([name, value]) => `${name}: ${value.replaceAll('"', "'")}`);
  const ground = page === 'configForm' ? '--vscode-sideBar-background' : '--vscode-editor-background';
  return { style: [...values, `background: var(${ground})`].join('; '), bodyClass };
}

/** The document of `extension/editors/pageHtml.ts`, with the host's script before the page's own. */
function html(page: PageName, query: URLSearchParams): string {
  const theme = (query.get('theme') ?? 'dark') as ThemeName;
  const language = query.get('language') ?? 'en';
  const policy = `default-src 'none'; script-src 'nonce-${NONCE}'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'`;
  const { style, bodyClass } = appearance(page, theme);
  return `<!DOCTYPE html>
<html lang="${language === PSEUDO ? 'en' : language}" style="${style}">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page}</title>
<link rel="stylesheet" id="vscode-codicon-stylesheet" nonce="${NONCE}" href="/dist/codicon.css">
<link rel="stylesheet" href="/dist/${page}.css">
</head>
<body class="${bodyClass}">
<script nonce="${NONCE}" type="application/json" id="l10n">${JSON.stringify(textsIn(language)).replaceAll('<', '\\u003c')}</script>
<script nonce="${NONCE}" src="/host/${query.has('framed') ? 'outside' : page}Host.js"></script>
<script nonce="${NONCE}" src="/dist/${page}.js"></script>
</body>
</html>`;
}

/** The page from another site, which the browser gives a process of its own. */
function framedHtml(page: PageName, url: URL, port: number): string {
  const query = new URLSearchParams(url.searchParams);
  query.set('framed', 'yes');
  return `<!DOCTYPE html>
<html lang="en">
<body style="margin: 0">
<iframe src="http://127.0.0.1:${port}/page/${page}?${query.toString().replaceAll('&', '&amp;')}" style="width: 100vw; height: 100vh; border: 0"></iframe>
<script src="/host/${page}Host.js"></script>
</body>
</html>`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
