/**
 * @file What pages may send: every page has guards, each lets its own calls in, and whatever else comes (another type in one place, a
 * missing field, any value at all) is refused without an exception. A page is a browser, and a browser can be made to say anything.
 */
import fc from 'fast-check';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { pageHtml } from '../../../extension/pages/pageHtml';
import { l10n, Uri } from '../../support/vscodeStub';

type Guard = (params: unknown) => boolean;
type Values = Record<string, unknown>;

const uri = 'file:///w/a.adapter.yaml';
const png = { name: 'Loss', dataUrl: 'data:image/png;base64,AAAA' };
const series = { x: 'step', buckets: 800, smoothing: 0.6 };

/** What each call looks like when the page is as we wrote it. `open` names fields that hold any plain value. */
const CALLS: Readonly<
  Record<string, Readonly<Record<string, { readonly params: Values; readonly open?: readonly string[] }>>>
> = {
  configForm: {
    'form/set': { params: { uri, path: ['adapter', 'r'], value: 8 }, open: ['value'] },
    'form/undo': { params: { uri } },
    'form/select': { params: { uri } },
    'form/browse': { params: { uri, path: ['data', 'train', 0], kind: 'file' } },
    'form/command': { params: { command: 'train' } },
  },
  dashboard: {
    'series/get': { params: { ...series, range: [0, 10] } },
    'rank/tables': { params: {} },
    'activity/get': { params: {} },
    'rank/spectrum': { params: { module: 'model.layers.0.self_attn.q_proj', of: 'delta' } },
    'samples/list': { params: {} },
    'samples/at': { params: { steps: [0, 50] } },
    'run/command': { params: { command: 'stop' } },
    'save/csv': { params: { what: 'metrics' } },
    'save/png': { params: png },
  },
  compare: {
    'series/get': { params: series },
    'rank/means': { params: { measure: 'stable_rank' } },
    'run/open': { params: { folder: '/w/runs/a' } },
    'save/png': { params: png },
  },
  estimate: {
    'estimate/command': { params: { command: 'measure' } },
    'estimate/openFile': { params: { file: '/w/train.jsonl', line: 3 } },
  },
  inspector: {
    'inspector/reload': { params: {} },
    'inspector/modules': { params: {} },
    'inspector/module': { params: { module: 'm' } },
    'inspector/tile': {
      params: { of: { tensor: 'w' }, rows: [0, 10], cols: [0, 10], height: 10, width: 10, pool: 'mean' },
    },
    'inspector/statistics': { params: { tensor: 'w', bins: 40 } },
    'inspector/command': { params: { command: 'merge' } },
    'save/png': { params: png },
  },
  tokens: {
    'tokens/show': { params: { set: 'train', goal: { to: 'number', number: 3 } } },
    'tokens/lengths': { params: { set: 'eval' } },
    'sample/open': { params: { file: '/w/train.jsonl', line: 3 } },
    'save/png': { params: png },
  },
  tryIt: {
    'tryIt/baseOf': { params: { adapter: '/w/a' } },
    'tryIt/about': { params: { base: '/w/base' } },
    'tryIt/write': {
      params: { base: '/w/base', prompt: { kind: 'text', text: 'Hello' }, settings: { maxNewTokens: 64 } },
    },
    'tryIt/browse': { params: { what: 'base' } },
    'tryIt/copy': { params: { text: 'Hello' } },
  },
};

const pages = readdirSync('webview').filter((name) => existsSync(path.join('webview', name, 'main.ts')));
const guards = new Map<string, Record<string, Guard>>();

/** The guards of a page stand in the one file that names the page's contract and ends in Guards.ts. */
beforeAll(async () => {
  const files = readdirSync('extension', { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('Guards.ts'));
  for (const file of files) {
    const source = readFileSync(path.join('extension', file), 'utf8');
    const [, page = ''] = /from '\.\.\/\.\.\/webview\/protocol\/(\w+)';/.exec(source) ?? [];
    const module = (await import(path.resolve('extension', file))) as Record<string, unknown>;
    const [, table] = Object.entries(module).find(([name]) => name.endsWith('Guards')) ?? [];
    guards.set(page, table as Record<string, Guard>);
  }
});

/** Values of other types than `value`, none of which may stand in its place. */
function othersThan(value: unknown): unknown[] {
  const kind = Array.isArray(value) ? 'list' : typeof value;
  const others: Readonly<Record<string, readonly unknown[]>> = {
    string: ['text'],
    number: [7, NaN, Infinity, -1.5],
    boolean: [true],
    object: [{}, { to: 'nowhere' }],
    list: [[], ['a', 'b', 'c'], [{}]],
  };
  return [null, ...Object.entries(others).flatMap(([name, values]) => (name === kind ? [] : values))];
}

describe.each(pages)('the guards of %s', (page) => {
  const calls = () => guards.get(page)!;

  test('are there, with an example of each call in this test', () => {
    expect(Object.keys(calls()).sort()).toEqual(['page/open', ...Object.keys(CALLS[page] ?? {})].sort());
  });

  test('let in what the page sends', () => {
    for (const [method, { params }] of Object.entries(CALLS[page]!))
      expect(calls()[method]!(params), method).toBe(true);
    expect(calls()['page/open']!({})).toBe(true);
  });

  test('refuse another type in any one place, and a field that is missing', () => {
    for (const [method, { params, open = [] }] of Object.entries(CALLS[page]!)) {
      const guard = calls()[method]!;
      for (const [name, value] of Object.entries(params)) {
        for (const other of open.includes(name) ? [] : othersThan(value)) {
          expect(guard({ ...params, [name]: other }), `${method} with ${name} = ${String(other)}`).toBe(false);
        }
      }
      expect(guard(Object.assign(Object.create(params) as object)), `${method} with inherited fields`).toBe(
        Object.keys(params).length === 0,
      );
    }
  });

  test('answer yes or no to anything, and no to what is no set of fields', () => {
    for (const [method, guard] of Object.entries(calls())) {
      fc.assert(
        fc.property(fc.anything(), (anything) => {
          const answer = guard(anything);
          expect(typeof answer, method).toBe('boolean');
          if (typeof anything !== 'object' || anything === null || Array.isArray(anything)) expect(answer).toBe(false);
        }),
      );
    }
  });
});

describe.each(pages)('the document of %s', (page) => {
  const webview = {
    cspSource: 'https://source',
    asWebviewUri: (file: Uri) => Uri.parse(`vscode-resource:${file.path}`),
  };
  const html = () =>
    pageHtml(webview as unknown as Parameters<typeof pageHtml>[0], Uri.file('/ext') as never, page as never, page);

  test('runs its own script by a nonce and loads nothing from elsewhere', () => {
    const text = html();
    const [, policy = ''] = /Content-Security-Policy" content="([^"]+)"/.exec(text) ?? [];
    const [, nonce = ''] = /'nonce-([^']+)'/.exec(policy) ?? [];
    const directives = Object.fromEntries(
      policy.split('; ').map((directive) => [directive.split(' ')[0]!, directive.split(' ').slice(1)]),
    );
    expect(directives['default-src']).toEqual(["'none'"]);
    expect(directives['script-src']).toEqual([`'nonce-${nonce}'`]);
    expect(directives['connect-src']).toBeUndefined();
    for (const [tag] of text.matchAll(/<script[^>]*>/g)) expect(tag).toContain(`nonce="${nonce}"`);
    const addresses = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
    expect(addresses.filter((address) => !address.startsWith('vscode-resource:'))).toEqual([]);
    expect(text).not.toMatch(/\son\w+=/);
  });

  test('holds texts of the bundle as data that cannot end their element', () => {
    const bundle = { a: '</script><script>alert(1)</script>' };
    Object.assign(l10n, { bundle });
    const [, data = ''] = /id="l10n">(.*?)<\/script>/s.exec(html()) ?? [];
    Object.assign(l10n, { bundle: undefined });
    expect(JSON.parse(data)).toEqual(bundle);
  });
});
