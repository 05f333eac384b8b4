/** @file package.json and the code say the same: commands, views, texts, icons. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandNeedsTrust, commandTable } from '../../extension/commands/table';
import { DASHBOARD_VIEW_TYPE } from '../../extension/views/dashboardPanel';
import { CONFIG_FORM_VIEW } from '../../extension/editors/configFormView';

interface Manifest {
  readonly icon: string;
  readonly description: string;
  readonly activationEvents: readonly string[];
  readonly capabilities: { readonly untrustedWorkspaces: { readonly supported: string } };
  readonly contributes: {
    readonly commands: readonly { command: string; title: string; category: string; enablement?: string }[];
    readonly menus: Readonly<Record<string, readonly { command: string; when?: string }[]>>;
    readonly views: { readonly adapterStudio: readonly { id: string; type?: string }[] };
    readonly viewsWelcome: readonly { view: string }[];
    readonly walkthroughs: readonly {
      readonly steps: readonly { id: string; description: string; completionEvents: readonly string[] }[];
    }[];
    readonly configuration: { readonly properties: Readonly<Record<string, unknown>> };
  };
}

const root = path.resolve();
const text = readFileSync(path.join(root, 'package.json'), 'utf8');
const manifest = JSON.parse(text) as Manifest;
const { contributes } = manifest;
const texts = JSON.parse(readFileSync(path.join(root, 'package.nls.json'), 'utf8')) as Record<string, string>;
const declared = contributes.commands.map((entry) => entry.command);

const sources = readdirSync(path.join(root, 'extension'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(path.join(root, 'extension', file), 'utf8'))
  .join('\n');

describe('the manifest', () => {
  test('declares the commands that the code has, and no other', () => {
    expect(Object.keys(commandTable).sort()).toEqual([...declared].sort());
  });

  test('says nothing in its contributions that is not translated', () => {
    const shown = /^(title|name|label|description|markdownDescription|altText|contents|deprecationMessage|markdown)$/;
    const hard: string[] = [];
    const look = (value: unknown, at: string): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        const isName = inner === 'Adapter Studio' && /^(title|name|label)$/.test(key);
        const texts = /[dD]escriptions$/.test(key) && Array.isArray(inner) ? inner : shown.test(key) ? [inner] : [];
        for (const text of texts) {
          if (typeof text === 'string' && !isName && !/^%[\w.]+%$/.test(text)) hard.push(`${at}.${key}: ${text}`);
        }
        look(inner, `${at}.${key}`);
      }
    };
    look(contributes, 'contributes');
    look(manifest.capabilities, 'capabilities');
    expect(manifest.description).toBe('%description%');
    expect(hard).toEqual([]);
  });

  test('has a walkthrough whose steps lead to commands that exist and are done by them', () => {
    for (const { steps } of contributes.walkthroughs) {
      for (const { id, description, completionEvents } of steps) {
        const body = texts[description.slice(1, -1)] ?? '';
        const commands = [...body.matchAll(/\(command:(adapterStudio\.\w+)/g)].map(([, command]) => command!);
        expect(commands.length, id).toBeGreaterThan(0);
        for (const command of commands) expect(declared).toContain(command);
        for (const event of completionEvents) {
          if (event.startsWith('onCommand:')) expect(commands).toContain(event.slice('onCommand:'.length));
        }
      }
    }
  });

  test('has every command in one category, with a title that is translated', () => {
    for (const entry of contributes.commands) {
      expect(entry.category).toBe('Adapter Studio');
      expect(entry.title).toMatch(/^%command\.\w+%$/);
    }
  });

  test('has commands in its menus that exist', () => {
    const inMenus = Object.values(contributes.menus).flat();
    for (const item of inMenus) {
      expect(declared).toContain(item.command);
      expect(item.when, `${item.command} is shown everywhere`).toBeTruthy();
    }
  });

  test('has a text for every name, and no text that nobody uses', () => {
    const used = [...text.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key!);
    expect([...new Set(used)].sort()).toEqual(Object.keys(texts).sort());
  });

  test('leads from an empty view to commands that exist', () => {
    const targets = Object.values(texts).flatMap((t) => [...t.matchAll(/\(command:([\w.]+)/g)].map(([, id]) => id!));
    expect(targets.length).toBeGreaterThan(0);
    for (const id of targets.filter((target) => target.startsWith('adapterStudio.'))) expect(declared).toContain(id);
    const empty = contributes.viewsWelcome.map((welcome) => welcome.view);
    const trees = contributes.views.adapterStudio.filter((view) => view.type !== 'webview');
    for (const tree of trees) expect(empty).toContain(tree.id);
  });

  test('names pictures that are there', () => {
    const pictures = [manifest.icon, ...[...text.matchAll(/"(media\/[^"]+)"/g)].map(([, file]) => file!)];
    for (const picture of pictures) expect(existsSync(path.join(root, picture)), picture).toBe(true);
  });

  test('names the views that the code registers', () => {
    const views = contributes.views.adapterStudio.map((view) => view.id);
    expect(views).toContain(CONFIG_FORM_VIEW);
    for (const view of views) expect(sources).toContain(`'${view}'`);
    expect(manifest.activationEvents).toContain(`onWebviewPanel:${DASHBOARD_VIEW_TYPE}`);
  });

  test('uses in its conditions only keys that the code sets', () => {
    const keys = new Set([...text.matchAll(/adapterStudio\.(is|has|can|adapter)\w+/g)].map(([key]) => key));
    for (const key of keys) expect(sources).toContain(`'${key.replace('adapterStudio.', '')}'`);
  });

  test('has settings that the code reads', () => {
    for (const name of Object.keys(contributes.configuration.properties)) {
      expect(sources).toContain(`'${name.replace('adapterStudio.', '')}'`);
    }
  });

  test('runs nothing in a workspace that is not trusted', () => {
    const needTrust: Readonly<Record<string, boolean>> = commandNeedsTrust;
    for (const entry of contributes.commands) {
      const needs = (entry.enablement ?? '').includes('isWorkspaceTrusted');
      expect(needs, entry.command).toBe(needTrust[entry.command]);
    }
    expect(manifest.capabilities.untrustedWorkspaces.supported).toBe('limited');
  });
});
