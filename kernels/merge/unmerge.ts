/**
 * @file Takes an adapter out of a merged checkpoint again, and says how far the result is from the base the adapter names
 * when that is on disk. Rounding to a half-precision type loses bits each time; the report shows how many.
 */
import * as l10n from '@vscode/l10n';
import type { LoadedAdapter } from '../adapters/adapterFile';
import { findBaseModel, loadAdapter, namedBaseModel } from '../adapters/adapterFile';
import type { Checkpoint } from '../formats/checkpoint';
import { openCheckpoint } from '../formats/checkpoint';
import type { BaseModel } from '../models/baseModel';
import type { TargetSite } from '../models/types';
import { openBaseModel } from '../models/baseModel';
import { tiedHead } from '../models/types';
import { refuseUnsoundWeights } from '../models/soundWeights';
import { KernelError } from '../protocol/errors';
import type { Progress } from '../protocol/kernelApi';
import type { UnmergeReport } from '../protocol/types';
import { formulaPlan, LayerWeights } from '../delta/layerWeights';
import { MergeRecord } from './mergeRecord';
import { CycleWeights } from '../weights/cycleWeights';
import { mergedBy } from './outputErrors';
import type { CheckpointChange, TensorEdit } from './writeCheckpoint';
import { refuseOverlap, writeCheckpoint } from './writeCheckpoint';

export interface UnmergeOptions {
  readonly merged: string;
  readonly adapter: string;
  /** A folder that does not exist yet or is empty. */
  readonly out: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Errors as `merge`; refused as well when tensors were trained in full and the base that has the old ones is not on disk. */
export async function unmerge(options: UnmergeOptions): Promise<UnmergeReport> {
  const { merged, adapter: adapterDir, out, signal, onProgress } = options;
  const started = performance.now();
  refuseOverlap(out, [merged, adapterDir]);
  const model = openBaseModel(merged);
  const baseDir = findBaseModel(adapterDir);
  const base = baseDir === null ? null : openBaseModel(baseDir);
  let layers: LayerWeights | null = null;
  let earlier: CycleWeights | null = null;
  try {
    // What PEFT stored of the base is the base's, not the merged model's.
    const loaded = loadAdapter(adapterDir, { ...model, checkpoint: base?.checkpoint }, { takesRestarts: true });
    await refuseUnsoundWeights(model, { ...(signal && { signal }) });
    const record = MergeRecord.read(merged, adapterDir);
    const adapter = record.way === undefined ? loaded : { ...loaded, plan: mergedBy(loaded.plan, record.way) };
    const mergedWeight = (site: TargetSite): Float32Array => model.checkpoint.readF32(site.weight);
    layers = new LayerWeights(formulaPlan(adapter.plan), adapter.parameters, 'unmerge', mergedWeight, record);
    if (adapter.restarts) earlier = new CycleWeights(adapter.plan, model, adapter.restarts.cycles, 'unmerge', record);
    const change = unmergeChange(model, adapter, { earlier, layers }, base, adapterDir);
    const difference = await writeCheckpoint(model.checkpoint, out, change, {
      ...(signal && { signal }),
      onBytes: (done, all) => onProgress?.({ fraction: done / all, message: l10n.t('Writing the restored weights') }),
      inspect: async (folder) => base && compareWeights(folder, base.checkpoint, [...change.edits.keys()], signal),
    });
    return {
      out,
      changedTensors: change.edits.size + change.dropped.length,
      ...difference,
      ...(difference && base && { comparedWith: base.dir }),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await earlier?.dispose();
    await layers?.dispose();
    model.checkpoint.close();
    base?.checkpoint.close();
  }
}

function unmergeChange(
  model: BaseModel,
  { plan }: LoadedAdapter,
  { earlier, layers }: { readonly earlier: CycleWeights | null; readonly layers: LayerWeights },
  base: BaseModel | null,
  adapterDir: string,
): CheckpointChange {
  const edits = new Map<string, TensorEdit>();
  for (const layer of plan.layers) {
    edits.set(layer.site.weight, async (weight) => {
      const before = await layers.apply(layer, weight);
      return earlier ? earlier.apply(layer.site, before) : before;
    });
  }
  const replaced = plan.trained.filter((t) => t.kind === 'base').map((t) => t.key);
  if (replaced.length > 0 && !base) {
    const found = l10n.t(
      '{0}{1} were trained in full',
      replaced.slice(0, 3).join(', '),
      replaced.length > 3 ? ', …' : '',
    );
    const expected = l10n.t(
      'expected the base model that the adapter names on disk ({0}), to take the old values from',
      namedBaseModel(adapterDir) ?? l10n.t('it names none'),
    );
    throw KernelError.refused([{ file: adapterDir, severity: 'error', found, expected }]);
  }
  for (const layer of plan.layers.filter((l) => layers.changesBias(l))) {
    const { bias } = layer.site;
    if (bias !== null) edits.set(bias, (values) => layers.applyBias(layer, values));
  }
  const tied = tiedHead((base ?? model).head);
  // The merge untied the head; the base it goes back to has none of its own.
  const untied = tied && !tiedHead(model.head) ? [tied.weight] : [];
  const dropped = [...untied, ...(base?.fresh.keys() ?? [])];
  // A copy of a tied embedding as the head went with it.
  const still = tiedHead(model.head);
  const hasCopy = still && replaced.includes(still.tiedTo) && base?.checkpoint.tensors.has(still.weight);
  for (const key of hasCopy ? [...replaced, still.weight] : replaced) {
    if (base && !dropped.includes(key)) edits.set(key, () => base.checkpoint.readF32(key));
  }
  for (const name of dropped) edits.delete(name);
  const config = untied.length > 0 ? { tie_word_embeddings: true } : headFields(model, base);
  return { edits, added: [], dropped, dtype: 'keep', config };
}

/** What the base's configuration says of its head, or does not say. */
function headFields({ head }: BaseModel, base: BaseModel | null): Readonly<Record<string, unknown>> {
  if (head.kind === 'next-token' || !base) return {};
  return Object.fromEntries(Object.keys(head.config).map((key) => [key, base.checkpoint.config[key] ?? null]));
}

interface WeightDifference {
  readonly maxAbsWeightDifference: number;
  readonly maxAbsWeight: number;
}

/** Over the changed tensors as they lie on disk; `null` when the folder named as base is another model. */
async function compareWeights(
  folder: string,
  base: Checkpoint,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<WeightDifference | null> {
  const restored = openCheckpoint(folder);
  try {
    let [maxAbsWeightDifference, maxAbsWeight] = [0, 0];
    for (const name of names) {
      if (signal?.aborted) throw new KernelError('cancelled', 'cancelled');
      const shape = base.tensors.get(name)?.shape;
      if (shape?.join() !== restored.tensor(name).shape.join()) return null;
      const [a, b] = [restored.readF32(name), base.readF32(name)];
      for (let i = 0; i < a.length; i++) {
        const difference = Math.abs((a[i] as number) - (b[i] as number));
        if (!(difference <= maxAbsWeightDifference)) maxAbsWeightDifference = difference;
        maxAbsWeight = Math.max(maxAbsWeight, Math.abs(b[i] as number));
      }
      await new Promise((resume) => setImmediate(resume));
    }
    return { maxAbsWeightDifference, maxAbsWeight };
  } finally {
    restored.close();
  }
}
