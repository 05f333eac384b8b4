/** @file Serving a page: what it may send, and what happens when it is loaded anew. */
import { describe, expect, test } from 'vitest';
import { PageConnection } from '../../../extension/pages/pageConnection';
import { configFormGuards } from '../../../extension/editors/configFormGuards';
import { dashboardGuards } from '../../../extension/views/dashboardGuards';
import { pageHtml } from '../../../extension/pages/pageHtml';
import type { Handlers, ParamGuards } from '../../../kernels/protocol/channel';
import { silentLog } from '../../support/silentLog';
import { EventEmitter, Uri } from '../../support/vscodeStub';

interface Sample {
  calls: { 'page/open'(p: object): string; slow(p: object): string; 'say/it'(p: { word: string }): string };
  events: { heard: { word: string } };
}
interface Reply {
  id?: number;
  method?: string;
  result?: unknown;
  error?: { message: string };
}

function setUp() {
  const received = new EventEmitter<unknown>();
  const posted: Reply[] = [];
  let finish: (word: string) => void = () => {};
  const handlers: Handlers<Sample> = {
    'page/open': () => 'snapshot',
    slow: () => new Promise((resolve) => (finish = resolve)),
    'say/it': ({ word }) => word,
  };
  const isAny = (params: unknown): params is object => typeof params === 'object';
  const guards: ParamGuards<Sample> = {
    'page/open': isAny,
    slow: isAny,
    'say/it': (params): params is { word: string } => typeof (params as { word: unknown }).word === 'string',
  };
  const webview = {
    onDidReceiveMessage: received.event,
    postMessage: async (message: unknown) => posted.push(message as Reply) > 0,
  };
  const page = new PageConnection<Sample>(webview, handlers, guards, silentLog);
  const ask = (id: number, method: string, params: unknown = {}) =>
    received.fire({ jsonrpc: '2.0', id, method, params });
  const reply = (id: number) => expect.poll(() => posted.find((message) => message.id === id));
  return { page, ask, reply, posted, received, finish: (word: string) => finish(word) };
}

describe('a page', () => {
  test('is answered', async () => {
    const { ask, reply } = setUp();
    ask(0, 'page/open');
    await reply(0).toMatchObject({ result: 'snapshot' });
    ask(1, 'say/it', { word: 'yes' });
    await reply(1).toMatchObject({ result: 'yes' });
  });

  test('that is loaded anew does not get the answers that the old one waited for', async () => {
    const { ask, reply, posted, finish } = setUp();
    ask(0, 'page/open');
    await reply(0).toBeTruthy();
    ask(1, 'slow');
    await new Promise((resolve) => setTimeout(resolve, 5));
    ask(0, 'page/open');
    ask(1, 'say/it', { word: 'new' });
    await reply(1).toBeTruthy();
    finish('old');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(posted.filter(({ id }) => id === 1)).toEqual([expect.objectContaining({ result: 'new' })]);
  });

  test('that sends the wrong shape, an unknown call or no message at all is refused', async () => {
    const { ask, reply, received } = setUp();
    ask(0, 'page/open');
    received.fire('hello');
    received.fire(null);
    ask(1, 'say/it', { word: 7 });
    await reply(1).toMatchObject({ error: { message: expect.stringContaining('shape') } });
    ask(2, 'toString', {});
    await reply(2).toMatchObject({ error: { message: expect.stringContaining('Unhandled') } });
  });

  test('hears events from the moment it is open', async () => {
    const { page, ask, reply, posted } = setUp();
    page.emit('heard', { word: 'too early' });
    ask(0, 'page/open');
    await reply(0).toBeTruthy();
    page.emit('heard', { word: 'now' });
    await expect.poll(() => posted.filter(({ method }) => method === 'heard')).toHaveLength(1);
    page.dispose();
    expect(() => page.emit('heard', { word: 'too late' })).not.toThrow();
  });
});

describe('guards', () => {
  test('of the form take paths of keys and plain values', () => {
    const is = configFormGuards['form/set'];
    expect(is({ uri: 'file:///a', path: ['adapter', 'r'], value: 8 })).toBe(true);
    expect(is({ uri: 'file:///a', path: ['adapter', 'r'] })).toBe(true);
    expect(is({ uri: 'file:///a', path: [] })).toBe(false);
    expect(is({ uri: 'file:///a', path: 'adapter' })).toBe(false);
    expect(is(null)).toBe(false);
  });

  test('of the dashboard limit how much is asked for', () => {
    const is = dashboardGuards['series/get'];
    expect(is({ x: 'step', buckets: 800, smoothing: 0.6 })).toBe(true);
    expect(is({ x: 'step', buckets: 800, smoothing: 0.6, range: [1, 2] })).toBe(true);
    expect(is({ x: 'steps', buckets: 800, smoothing: 0.6 })).toBe(false);
    expect(is({ x: 'step', buckets: 1e9, smoothing: 0.6 })).toBe(false);
    expect(is({ x: 'step', buckets: 10, smoothing: 1 })).toBe(false);
    expect(is({ x: 'step', buckets: 10, smoothing: 0, range: [1] })).toBe(false);
  });
});

describe('the document of a page', () => {
  const webview = { cspSource: 'https://source', asWebviewUri: (uri: Uri) => Uri.parse(`https:${uri.path}`) };
  const html = (title = 'Run') =>
    pageHtml(webview as unknown as Parameters<typeof pageHtml>[0], Uri.file('/ext') as never, 'dashboard', title);

  test('lets only its one script run, with a nonce that is new each time', () => {
    const nonces = [html(), html()].map((text) => /script-src 'nonce-([^']+)'/.exec(text)![1]!);
    expect(nonces[0]).not.toBe(nonces[1]);
    expect(html()).toContain("default-src 'none'");
    expect(html()).not.toMatch(/script-src[^;]*unsafe/);
    // The other script element holds the texts of the page: data, which is not run.
    expect(html().match(/<script(?![^>]*type="application\/json")/g)).toHaveLength(1);
  });

  test('does not take markup from a name', () => {
    expect(html('<script>alert(1)</script>')).not.toContain('<script>alert');
  });
});
