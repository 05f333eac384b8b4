/** @file What the result of a run is, in words: adapter or trained base tensors, and why its files may hold another rank. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { principalRounds } from '../../adapters/factorStarts';
import { adapterMethod } from '../../adapters/registry';
import { valueAt } from '../../config/values';
import type { RunState } from '../../protocol/types';
import { INFO_FILE, readRunInfo } from '../../runs/runDescription';
import type { Output } from './command';

type Config = Readonly<Record<string, unknown>>;

/** Completes "… is in FOLDER". */
export function resultOf(config: Config): string {
  const method = adapterMethod(String(valueAt(config, ['adapter', 'method'])));
  return method?.peft['peft_type'] === 'BASE_TENSORS' ? 'the trained base tensors are in' : 'the adapter is in';
}

/** `0.6374 at step 20`, or that it was before training. */
export const bestText = ({ step, loss }: NonNullable<RunState['best']>): string =>
  `${loss.toFixed(4)} ${step === 0 ? 'before training' : `at step ${step}`}`;

/** Why files of an adapter that started as PiSSA have twice its rank; undefined for one that did not. */
export function storedRankNote(config: Config): string | undefined {
  const [start, r] = [valueAt(config, ['adapter', 'init_lora_weights']), valueAt(config, ['adapter', 'r'])];
  if (principalRounds(start) === undefined || typeof r !== 'number') return undefined;
  return (
    `its files hold rank ${2 * r} for r = ${r}: ${String(start)} trains factors taken out of the base weight, so the files hold them and, ` +
    'with the sign turned, those of the start; together they fit the untouched base model'
  );
}

/** The same of an adapter folder, where it lies in the run that made it. */
export function noteStoredRank(adapterDir: string, out: Output): void {
  const folders = [path.dirname(adapterDir), path.dirname(path.dirname(adapterDir))];
  const run = folders.find((dir) => existsSync(path.join(dir, INFO_FILE)));
  if (run === undefined) return;
  const note = storedRankNote(readRunInfo(run).config);
  if (note !== undefined) out.line(note);
}
