/** @file Train: only in a trusted workspace, only what is saved, and once. */
import { beforeEach, describe, expect, test } from 'vitest';
import { train } from '../../../extension/commands/train';
import type { Studio } from '../../../extension/studio';
import { KernelError } from '../../../kernels/protocol/errors';
import { silentLog } from '../../support/silentLog';
import { state, Uri, workspace } from '../../support/vscodeStub';

const uri = Uri.file('/ws/a.adapter.yaml');

let calls: { method: string; params: unknown }[];
let shown: string[];
/** What the engine waits for before it answers. */
let gate: Promise<void>;
/** Live runs of this machine. */
let live: readonly object[];
let studio: Studio;

beforeEach(() => {
  state.reset();
  state.open(uri, 'version: 1\n');
  calls = [];
  shown = [];
  live = [];
  gate = Promise.resolve();
  const call = async (method: string, params: unknown) => {
    if (method === 'run/live') return { runs: live };
    calls.push({ method, params });
    await gate;
    return { run: '/ws/runs/a-1' };
  };
  studio = {
    log: silentLog,
    kernel: { call },
    form: { current: async () => uri },
    runs: { add: async () => {} },
    dashboards: { show: (folder: string) => shown.push(folder) },
  } as unknown as Studio;
});
const cancels = async (run: Promise<void>) => {
  const error: unknown = await run.catch((reason: unknown) => reason);
  expect(KernelError.is(error, 'cancelled')).toBe(true);
};

describe('training', () => {
  test('starts the run of a saved configuration and shows its dashboard', async () => {
    await train(studio, uri);
    expect(calls).toEqual([{ method: 'run/start', params: { config: '/ws/a.adapter.yaml' } }]);
    expect(shown).toEqual(['/ws/runs/a-1']);
  });

  test('takes the configuration of the form when none is given', async () => {
    await train(studio);
    expect(calls[0]?.params).toEqual({ config: uri.fsPath });
  });

  test('asks before it saves, and does nothing when that is declined', async () => {
    state.documents.get(uri.toString())!.write('version: 1\noutput: runs\n');
    await cancels(train(studio, uri));
    expect(state.messages).toEqual(['a.adapter.yaml has changes that are not saved.']);
    expect(state.documents.get(uri.toString())!.isDirty).toBe(true);
    expect(calls).toEqual([]);
  });

  test('saves when that is accepted, then trains', async () => {
    state.documents.get(uri.toString())!.write('version: 1\noutput: runs\n');
    state.clicks.push('Save and Train');
    await train(studio, uri);
    expect(state.documents.get(uri.toString())!.isDirty).toBe(false);
    expect(calls).toHaveLength(1);
  });

  test('a second click while the run is being started starts no second run', async () => {
    let open = () => {};
    gate = new Promise((resolve) => (open = resolve));
    const first = train(studio, uri);
    await expect.poll(() => calls.length).toBe(1);
    await train(studio, uri);
    open();
    await first;
    expect(calls).toHaveLength(1);
  });

  test('is refused in a workspace that is not trusted, with the way to trust it', async () => {
    workspace.isTrusted = false;
    state.clicks.push('Manage Workspace Trust');
    await cancels(train(studio, uri));
    expect(state.executed.map(({ id }) => id)).toEqual(['workbench.trust.manage']);
    expect(calls).toEqual([]);
  });

  test('of a file that is no configuration is refused', async () => {
    await expect(train(studio, Uri.file('/ws/notes.yaml'))).rejects.toThrow(/not an \*\.adapter\.yaml/);
  });
});

describe('training while another run is at work on this machine', () => {
  beforeEach(() => {
    live = [{ name: 'first', isWaiting: false }];
  });

  test('asks, and queues the run when that is the answer', async () => {
    state.clicks.push('Queue After It');
    await train(studio, uri);
    expect(state.messages).toEqual(['The run first is at work on this machine.']);
    expect(calls[0]?.params).toEqual({ config: uri.fsPath, mode: 'queue' });
  });

  test('trains beside it when that is the answer', async () => {
    state.clicks.push('Train Beside It');
    await train(studio, uri);
    expect(calls[0]?.params).toMatchObject({ mode: 'beside' });
  });

  test('does nothing when the question is left', async () => {
    await cancels(train(studio, uri));
    expect(calls).toEqual([]);
  });

  test('does not ask when the setting says what to do', async () => {
    state.settings.set('adapterStudio.whenBusy', 'queue');
    await train(studio, uri);
    expect(state.messages).toEqual([]);
    expect(calls[0]?.params).toMatchObject({ mode: 'queue' });
  });
});
