/** @file In a workspace that is not trusted: every command and every call of the engine is let in or refused as its table says. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { registerCommands } from '../../../extension/commands/registerCommands';
import { commandNeedsTrust, commandTable, type CommandId } from '../../../extension/commands/table';
import { CALL_NEEDS_TRUST, admitCall } from '../../../extension/kernel/callTrust';
import { KernelHost } from '../../../extension/kernel/kernelHost';
import type { Studio } from '../../../extension/studio';
import type { Calls } from '../../../kernels/protocol/channel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { KernelApi } from '../../../kernels/protocol/kernelApi';
import { silentLog } from '../../support/silentLog';
import { commands, state, workspace } from '../../support/vscodeStub';

const WARNING = 'What runs a model, writes or deletes needs a trusted workspace.';
const ids = Object.keys(commandTable) as CommandId[];
const registered = new Map<string, () => Promise<void>>();
const called: string[] = [];

beforeEach(() => {
  state.reset();
  called.length = 0;
  registered.clear();
  vi.spyOn(commands, 'registerCommand').mockImplementation(((id: string, run: () => Promise<void>) => {
    registered.set(id, run);
    return { dispose: () => {} };
  }) as never);
  // A command's own work begins with the studio; whoever touches it was let in.
  const studio = new Proxy({ log: silentLog } as unknown as Studio, {
    get: (target, name) => {
      if (name === 'log') return target.log;
      called.push(String(name));
      throw new KernelError('cancelled', 'far enough');
    },
  });
  registerCommands(studio);
});

describe('a workspace that is not trusted', () => {
  test.each(ids)('%s is refused exactly when it runs, writes or deletes', async (id) => {
    workspace.isTrusted = false;
    await registered.get(id)!();
    expect(state.messages.includes(WARNING)).toBe(commandNeedsTrust[id]);
    if (commandNeedsTrust[id]) expect(called).toEqual([]);
  });

  test.each(ids)('%s is not refused once the workspace is trusted', async (id) => {
    await registered.get(id)!();
    expect(state.messages).not.toContain(WARNING);
  });

  test.each(Object.keys(CALL_NEEDS_TRUST) as Calls<KernelApi>[])(
    'the engine is not even started for %s when that call needs trust',
    async (method) => {
      workspace.isTrusted = false;
      let launches = 0;
      const kernel = new KernelHost({
        launch: () => {
          launches++;
          throw new KernelError('kernel/exited', 'not in this test');
        },
        log: silentLog,
        admit: admitCall,
        onGivenUp: () => {},
      });
      const error: unknown = await kernel.call(method, {} as never).catch((reason: unknown) => reason);
      expect(launches).toBe(CALL_NEEDS_TRUST[method] ? 0 : 1);
      expect(KernelError.is(error, CALL_NEEDS_TRUST[method] ? 'cancelled' : 'kernel/exited')).toBe(true);
      kernel.dispose();
    },
  );
});
