/** @file One estimate in the editor: made when it opens, measured when asked, left when cancelled; failures are shown. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { WebviewPanel } from 'vscode';
import type { KernelHost } from '../../../extension/kernel/kernelHost';
import { EstimatePanel } from '../../../extension/views/estimatePanel';
import { estimatePanelGuards } from '../../../extension/views/estimatePanelGuards';
import type { CallOptions } from '../../../kernels/protocol/channel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { EstimateSnapshot } from '../../../webview/protocol/estimate';
import { silentLog } from '../../support/silentLog';
import { EventEmitter, state, Uri, workspace } from '../../support/vscodeStub';

const config = Uri.file('/ws/a.adapter.yaml');

interface Message {
  id?: number;
  method?: string;
  params?: EstimateSnapshot;
  result?: EstimateSnapshot;
}

interface Asked {
  readonly method: string;
  readonly options: CallOptions;
  readonly answer: (report: object) => void;
  readonly refuse: (error: Error) => void;
}

function setUp() {
  const received = new EventEmitter<unknown>();
  const posted: Message[] = [];
  const asked: Asked[] = [];
  const call = ((method: string, _: object, options: CallOptions) =>
    new Promise((answer, refuse) => {
      asked.push({ method, options, answer, refuse });
      options.signal?.addEventListener('abort', () => refuse(new KernelError('cancelled', 'cancelled')));
    })) as unknown as KernelHost['call'];
  const webview = {
    cspSource: 'x',
    asWebviewUri: (uri: Uri) => uri,
    onDidReceiveMessage: received.event,
    postMessage: async (message: unknown) => posted.push(message as Message) > 0,
  };
  const panel = new EstimatePanel(config as never, { webview } as unknown as WebviewPanel, {
    extensionUri: Uri.file('/ext') as never,
    kernel: { call },
    log: silentLog,
  });
  let id = 0;
  const ask = async (method: string, params: object = {}): Promise<EstimateSnapshot> => {
    const mine = id++;
    received.fire({ jsonrpc: '2.0', id: mine, method, params });
    await expect.poll(() => posted.find((message) => message.id === mine)).toBeTruthy();
    return posted.find((message) => message.id === mine)!.result!;
  };
  const shown = () => expect.poll(() => posted.filter(({ method }) => method === 'estimate/changed').at(-1)?.params);
  return { panel, ask, asked, shown };
}

beforeEach(() => state.reset());

describe('an estimate', () => {
  test('is made when the panel opens', async () => {
    const { ask, asked, shown } = setUp();
    expect(asked.map(({ method }) => method)).toEqual(['estimate/run']);
    expect(await ask('page/open')).toMatchObject({
      name: 'a.adapter.yaml',
      report: null,
      work: { kind: 'estimating' },
    });
    asked[0]!.answer({ verdict: 'fits' });
    await shown().toMatchObject({ report: { verdict: 'fits' }, work: null, failure: null });
  });

  test('is measured when asked, with progress, and keeps what was known when that is cancelled', async () => {
    const { ask, asked, shown } = setUp();
    asked[0]!.answer({ verdict: 'fits' });
    await ask('page/open');
    await ask('estimate/command', { command: 'measure' });
    expect(asked.at(-1)!.method).toBe('estimate/measure');
    asked.at(-1)!.options.onProgress?.({ message: 'Measuring', fraction: 0.5 });
    await shown().toMatchObject({ work: { kind: 'measuring', message: 'Measuring', fraction: 0.5 } });
    await ask('estimate/command', { command: 'cancel' });
    expect(asked.at(-1)!.options.signal?.aborted).toBe(true);
    await shown().toMatchObject({ work: null, report: { verdict: 'fits' }, failure: null });
  });

  test('of a refused configuration shows the problems beside the earlier report', async () => {
    const { ask, asked, shown } = setUp();
    asked[0]!.answer({ verdict: 'fits' });
    await ask('page/open');
    await ask('estimate/command', { command: 'again' });
    const problem = {
      file: config.fsPath,
      line: 4,
      severity: 'error',
      found: 'r is 0',
      expected: '1 or more',
    } as const;
    asked.at(-1)!.refuse(KernelError.refused([problem]));
    await shown().toMatchObject({ report: { verdict: 'fits' }, failure: { problems: [problem] }, work: null });
  });

  test('that is overtaken by a newer one is left', async () => {
    const { ask, asked, shown, panel } = setUp();
    await ask('page/open');
    void panel.estimate('estimating');
    expect(asked[0]!.options.signal?.aborted).toBe(true);
    asked[1]!.answer({ verdict: 'tight' });
    await shown().toMatchObject({ report: { verdict: 'tight' }, work: null });
  });

  test('says that there are changes which are not saved, and that nothing may run without trust', async () => {
    const { ask } = setUp();
    const document = state.open(config, 'version: 1\n');
    document.write('version: 1 \n');
    workspace.isTrusted = false;
    expect(await ask('page/open')).toMatchObject({ isDirty: true, canRun: false });
  });

  test('trains by the command for it', async () => {
    const { ask } = setUp();
    await ask('page/open');
    await ask('estimate/command', { command: 'train' });
    expect(state.executed).toEqual([{ id: 'adapterStudio.train', args: [config] }]);
  });

  test('is left when the panel closes', () => {
    const { panel, asked } = setUp();
    panel.dispose();
    expect(asked[0]!.options.signal?.aborted).toBe(true);
  });
});

test('its page may send only what the protocol states', () => {
  expect(estimatePanelGuards['estimate/command']({ command: 'measure' })).toBe(true);
  expect(estimatePanelGuards['estimate/command']({ command: 'delete' })).toBe(false);
  expect(estimatePanelGuards['estimate/openFile']({ file: 'a', line: 'b' })).toBe(false);
});
