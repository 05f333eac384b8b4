/**
 * @file Which calls of the engine need a trusted workspace: those that run a model, write or delete. The kernel's door asks here, so no
 * page, view or command can forget it; a new call does not compile until it is listed.
 */
import type { Calls } from '../../kernels/protocol/channel';
import type { KernelApi } from '../../kernels/protocol/kernelApi';
import { requireTrust } from '../commands/trust';

export const CALL_NEEDS_TRUST: Readonly<Record<Calls<KernelApi>, boolean>> = {
  hello: false,
  'config/check': false,
  'config/schema': false,
  'config/complete': false,
  'config/hover': false,
  'config/hints': false,
  'config/advise': false,
  'config/estimate': false,
  'estimate/run': false,
  'estimate/measure': true,
  'data/check': false,
  'devices/list': false,
  'models/list': false,
  'inspect/open': false,
  'inspect/modules': false,
  'inspect/module': false,
  'inspect/tile': false,
  'inspect/statistics': false,
  'inspect/check': false,
  'tokens/show': false,
  'tokens/lengths': false,
  'generate/about': false,
  'generate/write': true,
  'adapter/merge': true,
  'adapter/unmerge': true,
  'adapter/convert': true,
  'run/live': false,
  'run/start': true,
  'run/stop': true,
  'run/resume': true,
};

/** Rejects with `cancelled`, after having said why, when the call may not be made in this workspace. */
export async function admitCall(method: Calls<KernelApi>): Promise<void> {
  if (CALL_NEEDS_TRUST[method]) await requireTrust();
}
