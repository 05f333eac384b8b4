/**
 * @file Takes an adapter out of a merged checkpoint again, and says how far the result is from the base the adapter names
 * when that is on disk. Rounding to a half-precision type loses bits each time; the report shows how many.
 */
import * as l10n from '@vscode/l10n';
import type { LoadedAdapter } from '../adapters/adapterFile';
import { findBaseModel, loadAdapter, namedBaseModel } from '../adapters/adapterFile';
import type { Checkpoint } from '../formats/checkpoint';
import { openCheckpoint } from '../formats/checkpoint';
import type { Dtype } from '../formats/dtype';
import type { AdapterPlan } from '../adapters/plan';
import type { BaseModel } from '../models/baseModel';
import type { TargetSite } from '../models/types';
import { openBaseModel } from '../models/baseModel';
import { tiedHead } from '../models/types';
import { refuseUnsoundWeights } from '../models/soundWeights';
import { KernelError } from '../protocol/errors';
import type { Progress } from '../protocol/kernelApi';
import type { UnmergeReport } from '../protocol/types';
import { formulaPlan, LayerWeights } from '../delta/layerWeights';
import { identityOf } from './adapterIdentity';
import type { RecordedMerge } from './mergeHistory';
import { historyFile, readHistory, tensorsFileAfter, tensorsPath, writeHistory } from './mergeHistory';
import { MergeRecord } from './mergeRecord';
import { CycleWeights } from '../weights/cycleWeights';
import { mergedBy } from './outputErrors';
import { mergeToUndo } from './recordedMerge';
import type { CheckpointChange, TensorEdit } from './writeCheckpoint';
import { refuseOverlap, writeCheckpoint } from './writeCheckpoint';

export interface UnmergeOptions {
  readonly merged: string;
  readonly adapter: string;
  /** A folder that does not exist yet or is empty. */
  readonly out: string;
  /** What the result is compared with, and where tensors that were trained in full come from; what the adapter names unless told. */
  readonly base?: string;
  /** Takes the adapter out though no record shows that it is in these weights. */
  readonly unverified?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Errors as `merge`; refused as well for another adapter than was merged (`input/unconfirmed` where nothing tells), and when tensors
 * were trained in full and the base that has the old ones is not on disk.
 */
export async function unmerge(options: UnmergeOptions): Promise<UnmergeReport> {
  const { merged, adapter: adapterDir, out, unverified = false, signal, onProgress } = options;
  const started = performance.now();
  refuseOverlap(out, [merged, adapterDir]);
  const model = openBaseModel(merged);
  const baseDir = options.base ?? findBaseModel(adapterDir);
  const base = baseDir === null ? null : openBaseModel(baseDir);
  let layers: LayerWeights | null = null;
  let earlier: CycleWeights | null = null;
  try {
    // What PEFT stored of the base is the base's, not the merged model's.
    const loaded = loadAdapter(adapterDir, { ...model, checkpoint: base?.checkpoint }, { takesRestarts: true });
    await refuseUnsoundWeights(model, { ...(signal && { signal }) });
    const history = readHistory(merged);
    const { merge, doubt } = mergeToUndo(
      { dir: merged, checkpoint: model.checkpoint, history },
      { adapter: adapterDir, identity: identityOf(loaded) },
      unverified,
    );
    const warnings = doubt === undefined ? [] : [l10n.t('nothing shows that the adapter was in there: {0}', doubt)];
    if (merge && base && merge.base !== base.checkpoint.sampledWeightsDigest()) {
      const other = l10n.t('{0} is not the base model that the adapter was merged into', base.dir);
      if (!unverified) refuseOtherValues(loaded.plan, base.dir, other);
      warnings.push(other);
    }
    // Where nothing tells its name, an earlier version may have left it.
    const tensors = tensorsPath(merged, merge ?? { tensors: tensorsFileAfter(0) });
    const record = tensors === null ? new MergeRecord(historyFile(merged)) : MergeRecord.read(tensors);
    const adapter = merge?.way === undefined ? loaded : { ...loaded, plan: mergedBy(loaded.plan, merge.way) };
    const mergedWeight = (site: TargetSite): Float32Array => model.checkpoint.readF32(site.weight);
    layers = new LayerWeights(formulaPlan(adapter.plan), adapter.parameters, 'unmerge', mergedWeight, record);
    if (adapter.restarts) earlier = new CycleWeights(adapter.plan, model, adapter.restarts.cycles, 'unmerge', record);
    const change = unmergeChange(model, adapter, { earlier, layers }, base, adapterDir);
    const difference = await writeCheckpoint(model.checkpoint, out, change, {
      ...(signal && { signal }),
      onBytes: (done, all) => onProgress?.({ fraction: done / all, message: l10n.t('Writing the restored weights') }),
      inspect: async (folder) => {
        writeHistory(folder, historyBefore(history, doubt === undefined, folder), merged);
        return base && compareWeights(folder, base.checkpoint, model.checkpoint, [...change.edits.keys()], signal);
      },
    });
    return {
      out,
      changedTensors: change.edits.size + change.dropped.length,
      ...difference,
      ...(difference && base && { comparedWith: base.dir }),
      isVerified: doubt === undefined,
      warnings,
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

/** Of the restored weights, without the merge that was undone. Up to rounding they are what the merge before it wrote. */
function historyBefore(
  history: readonly RecordedMerge[],
  isVerified: boolean,
  restored: string,
): readonly RecordedMerge[] {
  const [before, undone] = history.slice(-2);
  if (!isVerified || !before || !undone || before.merged !== undone.base) return history.slice(0, -1);
  const { checkpoint } = openBaseModel(restored);
  try {
    return [...history.slice(0, -2), { ...before, merged: checkpoint.sampledWeightsDigest() }];
  } finally {
    checkpoint.close();
  }
}

/** What would be put in the place of tensors that were trained in full must be what was there before. */
function refuseOtherValues({ trained }: AdapterPlan, file: string, found: string): void {
  if (trained.every(({ kind }) => kind !== 'base')) return;
  const expected = l10n.t('expected that one, as tensors that were trained in full get its values back: --base');
  throw KernelError.refused([{ file, severity: 'error', found, expected }]);
}

type WeightDifference = Required<Pick<UnmergeReport, 'maxAbsWeightDifference' | 'maxAbsWeight' | 'verdict'>>;

/** Half a unit in the last place of a number of size 1: what storing it in the type may change. */
const ROUNDING: Readonly<Partial<Record<Dtype, number>>> = { F16: 2 ** -11, BF16: 2 ** -8 };
/** Of float32, in which all is computed. */
const FLOAT_ROUNDING = 2 ** -24;
/** How many roundings at the largest weight of a tensor the way there and back may come to. */
const MOST_ROUNDINGS = 16;

/** Over the changed tensors as they lie on disk; `null` when the folder named as base is another model. */
async function compareWeights(
  folder: string,
  base: Checkpoint,
  merged: Checkpoint,
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<WeightDifference | null> {
  const restored = openCheckpoint(folder);
  try {
    let [maxAbsWeightDifference, maxAbsWeight, isRounding] = [0, 0, true];
    for (const name of names) {
      if (signal?.aborted) throw new KernelError('cancelled', 'cancelled');
      const { shape, dtype } = restored.tensor(name);
      if (base.tensors.get(name)?.shape.join() !== shape.join()) return null;
      const [a, b] = [restored.readF32(name), base.readF32(name)];
      let difference = 0;
      for (let i = 0; i < a.length; i++) {
        const own = Math.abs((a[i] as number) - (b[i] as number));
        if (!(own <= difference)) difference = Number.isNaN(own) ? Infinity : own;
      }
      const largest = largestOf(b);
      const bound =
        MOST_ROUNDINGS * (ROUNDING[dtype] ?? FLOAT_ROUNDING) * Math.max(largest, largestOf(merged.readF32(name)));
      if (!(difference <= bound)) isRounding = false;
      maxAbsWeightDifference = Math.max(maxAbsWeightDifference, difference);
      maxAbsWeight = Math.max(maxAbsWeight, largest);
      await new Promise((resume) => setImmediate(resume));
    }
    const verdict = maxAbsWeightDifference === 0 ? 'equal' : isRounding ? 'rounding' : 'different';
    return { maxAbsWeightDifference, maxAbsWeight, verdict };
  } finally {
    restored.close();
  }
}

const largestOf = (values: Float32Array): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
