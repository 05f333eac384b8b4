/** @file The form over a document: it shows what the text says and edits nothing but the text. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { WebviewView } from 'vscode';
import { ConfigChecks } from '../../../extension/editors/configChecks';
import type { ConfigFiles } from '../../../extension/editors/configFiles';
import { ConfigDiagnostics } from '../../../extension/editors/configDiagnostics';
import { ConfigFormView, pathInConfig } from '../../../extension/editors/configFormView';
import type { KernelHost } from '../../../extension/kernel/kernelHost';
import type { FormSnapshot } from '../../../webview/protocol/configForm';
import { silentLog } from '../../support/silentLog';
import { DiagnosticSeverity, EventEmitter, state, Uri, workspace } from '../../support/vscodeStub';

const uri = Uri.file('/ws/a.adapter.yaml');
const text = '# mine\nversion: 1\nadapter:\n  r: 16 # rank\n';

interface Message {
  id?: number;
  method?: string;
  params?: FormSnapshot;
  result?: FormSnapshot;
  error?: { message: string };
}

function setUp(call: KernelHost['call'] = fakeEngine) {
  const received = new EventEmitter<unknown>();
  const posted: Message[] = [];
  const kernel = { call };
  const checks = new ConfigChecks(kernel, silentLog);
  new ConfigDiagnostics(checks);
  const changed = new EventEmitter<void>();
  const files = { list: async () => [uri], onDidChange: changed.event } as unknown as ConfigFiles;
  const memory = { get: () => undefined, update: async () => {}, keys: () => [] };
  const form = new ConfigFormView({
    extensionUri: Uri.file('/ext') as never,
    kernel,
    files,
    checks,
    figures: { texts: () => ({ 'adapter.r': '2 k trainable' }), onDidChange: () => ({ dispose: () => {} }) },
    memory,
    log: silentLog,
  });
  const view = {
    webview: {
      cspSource: 'x',
      asWebviewUri: (u: Uri) => u,
      onDidReceiveMessage: received.event,
      postMessage: async (message: unknown) => posted.push(message as Message) > 0,
    },
    onDidDispose: () => ({ dispose: () => {} }),
  } as unknown as WebviewView;
  form.resolveWebviewView(view);
  let id = 0;
  const ask = async (method: string, params: object = {}) => {
    const mine = id++;
    received.fire({ jsonrpc: '2.0', id: mine, method, params });
    await expect.poll(() => posted.find((message) => message.id === mine)).toBeTruthy();
    return posted.find((message) => message.id === mine)!;
  };
  const shown = () => posted.filter(({ method }) => method === 'form/changed').at(-1)?.params;
  return { ask, shown, form };
}

/** The engine's answers, by whether the text holds the word. */
const fakeEngine = (async (method: string, params: { path: string; text: string }) => {
  if (method === 'config/schema') return { schema: { title: 'Configuration' } };
  const problem = { file: params.path, line: 4, column: 3, severity: 'error', found: 'r is 0', expected: '1 or more' };
  return { problems: params.text.includes('r: 0') ? [problem, { ...problem, file: 'train.jsonl', line: 7 }] : [] };
}) as unknown as KernelHost['call'];

beforeEach(() => {
  state.reset();
  state.open(uri, text);
  workspace.workspaceFolders = [{ uri: Uri.file('/ws') }];
});

const document = () => state.documents.get(uri.toString())!;

describe('the form', () => {
  test('opens with the schema, the values as written and the list of configurations', async () => {
    const { ask } = setUp();
    const { result } = await ask('page/open');
    expect(result).toMatchObject({
      schema: { title: 'Configuration' },
      document: { name: 'a.adapter.yaml', isDirty: false, values: { version: 1, adapter: { r: 16 } } },
      configurations: [{ name: 'a.adapter.yaml' }],
      canTrain: true,
    });
  });

  test('makes one edit of the document for one change, keeps comments and saves nothing', async () => {
    const { ask, shown } = setUp();
    await ask('page/open');
    await ask('form/set', { uri: uri.toString(), path: ['adapter', 'r'], value: 32 });
    expect(document().getText()).toBe('# mine\nversion: 1\nadapter:\n  r: 32 # rank\n');
    expect(state.edits).toHaveLength(1);
    expect(document().isDirty).toBe(true);
    await expect.poll(() => shown()?.document?.values).toEqual({ version: 1, adapter: { r: 32 } });
    expect(shown()?.document?.isDirty).toBe(true);
  });

  test('makes changes that come together one after the other', async () => {
    const { ask } = setUp();
    await ask('page/open');
    await Promise.all([
      ask('form/set', { uri: uri.toString(), path: ['adapter', 'lora_alpha'], value: 64 }),
      ask('form/set', { uri: uri.toString(), path: ['adapter', 'r'], value: 8 }),
      ask('form/set', { uri: uri.toString(), path: ['output'], value: 'runs' }),
    ]);
    expect(document().getText()).toBe('# mine\nversion: 1\nadapter:\n  r: 8 # rank\n  lora_alpha: 64\noutput: runs\n');
  });

  test('takes its changes back one by one, until something else has changed the text', async () => {
    const { ask, shown } = setUp();
    await ask('page/open');
    const set = (key: string, value: unknown) =>
      ask('form/set', { uri: uri.toString(), path: ['adapter', key], value });
    const undo = () => ask('form/undo', { uri: uri.toString() });
    await set('r', 32);
    await set('lora_alpha', 64);
    await expect.poll(() => shown()?.document?.canUndo).toBe(true);
    await undo();
    expect(document().getText()).toBe('# mine\nversion: 1\nadapter:\n  r: 32 # rank\n');
    await undo();
    expect(document().getText()).toBe(text);
    await undo();
    expect(document().getText()).toBe(text);
    await set('r', 8);
    const typed = `${document().getText()}output: mine\n`;
    document().write(typed);
    await expect.poll(() => shown()?.document?.canUndo).toBe(false);
    await undo();
    expect(document().getText()).toBe(typed);
  });

  test('follows the text, also while it is not YAML', async () => {
    const { ask, shown } = setUp();
    await ask('page/open');
    document().write('version: [');
    await expect.poll(() => shown()?.document?.values).toBeNull();
    const { error } = await ask('form/set', { uri: uri.toString(), path: ['version'], value: 1 });
    expect(error?.message).toMatch(/not valid YAML/);
    document().write('version: 1\n');
    await expect.poll(() => shown()?.document?.values).toEqual({ version: 1 });
  });

  test('edits nothing but configurations', async () => {
    const { ask } = setUp();
    await ask('page/open');
    const { error } = await ask('form/set', { uri: 'file:///etc/passwd', path: ['a'], value: 1 });
    expect(error?.message).toMatch(/not a configuration/);
    expect(state.edits).toEqual([]);
  });

  test('says that the engine cannot be had', async () => {
    const call = vi.fn().mockRejectedValue(new Error('The engine is missing'));
    const { error } = await setUp(call).ask('page/open');
    expect(error?.message).toBe('The engine is missing');
  });

  test('runs its commands on the configuration it shows', async () => {
    const { ask } = setUp();
    await ask('page/open');
    await ask('form/command', { command: 'train' });
    expect(state.executed.map(({ id, args }) => [id, String(args[0])])).toEqual([
      ['adapterStudio.train', uri.toString()],
    ]);
  });
});

describe('problems', () => {
  test('of the unsaved text appear at their line, in their file, in the form, and go away', async () => {
    const { ask, shown } = setUp();
    await ask('page/open');
    document().write(text.replace('16', '0'));
    await expect.poll(() => state.diagnostics.get(uri.toString())).toHaveLength(1);
    const [diagnostic] = state.diagnostics.get(uri.toString())!;
    expect(diagnostic).toMatchObject({
      message: 'r is 0; 1 or more',
      severity: DiagnosticSeverity.Error,
      range: { start: { line: 3, character: 2 } },
    });
    expect(state.diagnostics.get('file:///ws/train.jsonl')?.[0]?.range.start.line).toBe(6);
    await expect.poll(() => shown()?.document?.problems).toHaveLength(2);
    document().write(text);
    await expect.poll(() => state.diagnostics.get(uri.toString())).toEqual([]);
    expect(state.diagnostics.get('file:///ws/train.jsonl')).toEqual([]);
  });

  test('are forgotten when the document is closed', async () => {
    setUp();
    document().write(text.replace('16', '0'));
    await expect.poll(() => state.diagnostics.get(uri.toString())).toHaveLength(1);
    state.closed.fire(document());
    expect(state.diagnostics.get(uri.toString())).toEqual([]);
  });
});

describe('a path in a configuration', () => {
  const path = (target: string) =>
    pathInConfig(Uri.file('/ws/configs/a.adapter.yaml') as never, Uri.file(target) as never);

  test('is relative inside the workspace folder and absolute outside', () => {
    expect(path('/ws/configs/data/train.jsonl')).toBe('./data/train.jsonl');
    expect(path('/ws/models/base')).toBe('../models/base');
    expect(path('/home/me/.cache/model')).toBe('/home/me/.cache/model');
  });
});
