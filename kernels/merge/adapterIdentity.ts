/** @file What an adapter is known by wherever it was saved again: its method, the fields that its update depends on, its values. */
import { createHash } from 'node:crypto';
import * as l10n from '@vscode/l10n';
import type { LoadedAdapter } from '../adapters/adapterFile';
import { selectionFields } from '../adapters/selectionFields';
import { bytesOf } from '../formats/dtype';
import type { Fields } from '../util/fields';

export interface AdapterIdentity {
  /** Id of the method. */
  readonly method: string;
  /** Fields of the method, without those that matter to training alone or choose the layers, which the tensors tell. */
  readonly config: Readonly<Record<string, unknown>>;
  /** SHA-256 over the float32 values of all tensors, those of merged cycles included. */
  readonly tensors: string;
}

export function identityOf({ method, config, plan, parameters, restarts }: LoadedAdapter): AdapterIdentity {
  const fields = Object.entries(method.config as Fields).filter(
    ([name, { isTrainingOnly }]) => !isTrainingOnly && !(name in selectionFields),
  );
  const own = Object.fromEntries(fields.map(([name]) => [name, config[name]]));
  const keys = [...plan.trained, ...plan.frozen].map(({ key }) => key).sort();
  const hash = createHash('sha256');
  for (const values of [parameters, ...(restarts?.cycles ?? []).map((cycle) => cycle.values)]) {
    for (const key of keys) {
      const data = values.get(key);
      if (data) hash.update(`${JSON.stringify([key, data.length])}\n`).update(bytesOf(data));
    }
  }
  // As a file holds it: without what is undefined.
  const stored = JSON.parse(JSON.stringify(own)) as AdapterIdentity['config'];
  return { method: method.id, config: stored, tensors: `sha256:${hash.digest('hex')}` };
}

/** How `own` differs from one that was recorded; undefined: it is the same. Fields that came later are not looked at. */
export function identityDifference(recorded: AdapterIdentity, own: AdapterIdentity): string | undefined {
  const differs = (name: string, there: unknown, here: unknown): string =>
    l10n.t('{0} is {1}, here {2}', name, text(there), text(here));
  if (recorded.method !== own.method) return differs('method', recorded.method, own.method);
  for (const [name, value] of Object.entries(recorded.config)) {
    if (text(value) !== text(own.config[name])) return differs(name, value, own.config[name]);
  }
  if (recorded.tensors === own.tensors) return undefined;
  return l10n.t('its tensors hold other values ({0}, here {1})', short(recorded.tensors), short(own.tensors));
}

const text = (value: unknown): string => (value === undefined ? '–' : JSON.stringify(value));

/** Enough of a digest to tell two apart by eye. */
const short = (digest: string): string => digest.slice(0, 'sha256:'.length + 12);
