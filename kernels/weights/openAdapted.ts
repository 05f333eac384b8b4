/**
 * @file An adapter with the model it belongs on: the checkpoint itself, or, for an adapter of a run with restarts, the
 * checkpoint with the earlier cycles merged into it, whose weights lie in a file of the cache as long as it is open.
 */
import { readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import type { LoadedAdapter } from '../adapters/adapterFile';
import { loadAdapter } from '../adapters/adapterFile';
import type { BaseModel } from '../models/baseModel';
import { isAlive } from '../runs/processes';
import { cacheFolder } from '../util/cacheFolder';
import type { CycleBase } from './cycleBase';
import { writeCycleBase } from './cycleBase';
import { CycleWeights } from './cycleWeights';

export interface AdaptedModel {
  readonly adapter: LoadedAdapter;
  /** What the adapter is put on. */
  readonly model: BaseModel;
  /** Removes what was made for it. The checkpoint stays open, it is the caller's. */
  close(): void;
}

/** Errors as `loadAdapter`, and `machine/failed` when the disk is full. */
export async function openAdapted(dir: string, checkpoint: BaseModel): Promise<AdaptedModel> {
  const adapter = loadAdapter(dir, checkpoint, { takesRestarts: true });
  const base = await baseOf(adapter, checkpoint);
  return { adapter, model: base?.model ?? checkpoint, close: () => base?.dispose() };
}

/** Null where nothing was merged before the adapter began. */
export async function baseOf({ plan, restarts }: LoadedAdapter, model: BaseModel): Promise<CycleBase | null> {
  if (!restarts) return null;
  const weights = new CycleWeights(plan, model, restarts.cycles, 'merge');
  try {
    return await writeCycleBase(model, plan, newCacheFile(), ({ site }) =>
      weights.apply(site, model.checkpoint.readF32(site.weight)),
    );
  } finally {
    await weights.dispose();
  }
}

let made = 0;

/** A file of this process. What processes left behind that were killed is removed. */
function newCacheFile(): string {
  const folder = path.join(cacheFolder(), 'cycles');
  for (const name of listed(folder)) {
    // The folder may be shared with other machines, whose processes cannot be seen.
    const [pid, host] = name.replace(/^\./, '').split(' ');
    if (host === hostname() && !isAlive(Number(pid), Infinity)) rmSync(path.join(folder, name), { force: true });
  }
  return path.join(folder, `${process.pid} ${hostname()} ${++made}.safetensors`);
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
