/**
 * @file Merges an adapter into its base model: a complete checkpoint folder in the base's types and sharding, with the
 * measured proof that it computes what base + adapter compute.
 */
import * as l10n from '@vscode/l10n';
import type { LoadedAdapter } from '../adapters/adapterFile';
import { loadAdapter } from '../adapters/adapterFile';
import { adapterTask } from '../adapters/adapterTask';
import type { BaseModel } from '../models/baseModel';
import type { TargetSite } from '../models/types';
import { openBaseModel, withTaskOf } from '../models/baseModel';
import { refuseUnsoundWeights } from '../models/soundWeights';
import { KernelError } from '../protocol/errors';
import type { Progress } from '../protocol/kernelApi';
import type { MergeErrors, MergeReport } from '../protocol/types';
import { tiedHead } from '../models/types';
import { physicalCores } from '../runtime/devices';
import type { AdapterPlan } from '../adapters/plan';
import { formulaPlan, LayerWeights } from '../delta/layerWeights';
import { identityOf } from './adapterIdentity';
import type { RecordedMerge } from './mergeHistory';
import { readHistory, tensorsFileAfter, tensorsPath, writeHistory } from './mergeHistory';
import { MergeRecord } from './mergeRecord';
import { CycleWeights } from '../weights/cycleWeights';
import { baseOf } from '../weights/openAdapted';
import { calibrationSamples } from './calibration';
import { mergedBy, outputErrors, waysOf } from './outputErrors';
import { compareLogits } from './proof';
import { refuseSecondMerge } from './recordedMerge';
import { otherBaseWarning } from './runOfAdapter';
import type { CheckpointChange, MergeDtype, TensorEdit } from './writeCheckpoint';
import { refuseOverlap, targetDtype, writeCheckpoint } from './writeCheckpoint';

export interface MergeOptions {
  readonly base: string;
  readonly adapter: string;
  /** A folder that does not exist yet or is empty. */
  readonly out: string;
  /** Element type of the result; `keep`: that of each tensor of the base. */
  readonly dtype: MergeDtype;
  /** How to merge where the method has several ways, none of them exact; what the adapter says unless told. */
  readonly way?: string;
  /** A data file over whose samples the ways are compared; the evaluation data of the adapter's run unless told. */
  readonly data?: string;
  /** Merges an adapter that was merged into the base already a second time. */
  readonly again?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Share of the progress that writing takes; the rest is the proof. */
const WRITING = 0.7;

/**
 * Throws `input/refused` for folders that cannot be read or written, `input/unconfirmed` when the adapter is in the base already,
 * `adapter/unsupported` when the adapter does not fit or
 * its method has no exact merge, `machine/failed` for a full disk, `cancelled`. `out` is complete or does not exist.
 */
export async function merge(options: MergeOptions): Promise<MergeReport> {
  const { base, adapter: adapterDir, out, dtype, way, data, again = false, signal, onProgress } = options;
  const started = performance.now();
  refuseOverlap(out, [base, adapterDir]);
  const opened = openBaseModel(base);
  let layers: LayerWeights | null = null;
  let earlier: CycleWeights | null = null;
  try {
    const model = withTaskOf(opened, (head) => adapterTask(adapterDir, head));
    const loaded = loadAdapter(adapterDir, model, { takesRestarts: true });
    const adapter = way === undefined ? loaded : { ...loaded, plan: mergedBy(loaded.plan, way) };
    refuseIdleData(adapter.plan, data);
    const [identity, history] = [identityOf(loaded), readHistory(base)];
    if (!again) refuseSecondMerge(base, history, identity);
    const warning = otherBaseWarning(adapterDir, model.checkpoint);
    await refuseUnsoundWeights(model, { ...(signal && { signal }) });
    const tensors = tensorsFileAfter(history.length);
    const record = new MergeRecord(tensors);
    const baseWeight = (site: TargetSite): Float32Array => model.checkpoint.readF32(site.weight);
    layers = new LayerWeights(formulaPlan(adapter.plan), adapter.parameters, 'merge', baseWeight, record);
    if (adapter.restarts) earlier = new CycleWeights(adapter.plan, model, adapter.restarts.cycles, 'merge', record);
    const change = mergeChange(model, adapter, { earlier, layers }, dtype);
    const approximation = adapter.plan.method.approximates?.(adapter.plan.config);
    const errors = await errorsOf(model, adapter, options);
    const proof = await writeCheckpoint(model.checkpoint, out, change, {
      ...(signal && { signal }),
      onBytes: (done, all) =>
        onProgress?.({ fraction: (WRITING * done) / all, message: l10n.t('Writing the merged weights') }),
      inspect: async (folder) => {
        await earlier?.dispose();
        await layers?.dispose();
        const merged = openBaseModel(folder);
        const own: RecordedMerge = {
          adapter: identity,
          ...(way !== undefined && { way }),
          base: model.checkpoint.sampledWeightsDigest(),
          merged: merged.checkpoint.sampledWeightsDigest(),
          ...(!record.isEmpty && { tensors }),
        };
        const file = tensorsPath(folder, own);
        if (file !== null) record.write(file);
        writeHistory(folder, [...history, own], model.dir);
        const base = await baseOf(adapter, model);
        try {
          return await compareLogits(
            { model: base?.model ?? model, plan: adapter.plan, parameters: adapter.parameters },
            { model: merged, plan: null, parameters: null },
            {
              threads: physicalCores(),
              ...(signal && { signal }),
              onProgress: (f) =>
                onProgress?.({
                  fraction: WRITING + (1 - WRITING) * f,
                  message: l10n.t('Comparing the logits of both models'),
                }),
            },
          );
        } finally {
          base?.dispose();
          merged.checkpoint.close();
        }
      },
    });
    return {
      out,
      changedTensors: change.edits.size + change.added.length,
      dtype: dtype === 'keep' ? storedDtypes(model) : dtype,
      ...proof,
      ...(approximation !== undefined && { approximation }),
      ...(errors && { errors }),
      warnings: warning === undefined ? [] : [warning],
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await earlier?.dispose();
    await layers?.dispose();
    opened.checkpoint.close();
  }
}

function refuseIdleData(plan: AdapterPlan, data: string | undefined): void {
  if (data === undefined || waysOf(plan)) return;
  const found = l10n.t('the merge of {0} with this configuration is exact', plan.method.label);
  throw new KernelError('input/refused', l10n.t('{0}; expected no data to compare ways of merging over', found));
}

/** What each way of merging costs in the outputs of the layers; undefined for exact merges. */
async function errorsOf(
  model: BaseModel,
  { plan, parameters }: LoadedAdapter,
  { adapter, data, signal, onProgress }: MergeOptions,
): Promise<MergeErrors | undefined> {
  const choice = waysOf(plan);
  if (!choice) return undefined;
  const { samples, files } = await calibrationSamples(model, adapter, data, signal);
  const ways = await outputErrors(model, plan, parameters, samples, {
    threads: physicalCores(),
    ...(signal && { signal }),
    onProgress: () => onProgress?.({ message: l10n.t('Measuring what each way of merging costs') }),
  });
  const tokens = samples.reduce((n, ids) => n + ids.length, 0);
  return { chosen: String(plan.config[choice.key]), ways, samples: samples.length, tokens, files };
}

/** What the merge changes: adapted weights, tensors that were trained in full, and a head that is no longer tied. */
function mergeChange(
  model: BaseModel,
  { plan, parameters }: LoadedAdapter,
  { earlier, layers }: { readonly earlier: CycleWeights | null; readonly layers: LayerWeights },
  dtype: MergeDtype,
): CheckpointChange {
  const { checkpoint, head, fresh } = model;
  const edits = new Map<string, TensorEdit>();
  const tied = tiedHead(head);
  let headEdit: TensorEdit | null = null;
  for (const layer of plan.layers) {
    const edit: TensorEdit = async (weight) =>
      layers.apply(layer, earlier ? await earlier.apply(layer.site, weight) : weight);
    // A tied head has no tensor of its own yet.
    if (layer.site.kind === 'head' && tied) headEdit = edit;
    else edits.set(layer.site.weight, edit);
  }
  const trained = new Set(plan.trained.filter((t) => t.kind === 'base').map((t) => t.key));
  for (const key of trained) {
    if (checkpoint.tensors.has(key)) edits.set(key, (values) => parameters.get(key) ?? values);
  }
  for (const layer of plan.layers.filter((l) => layers.changesBias(l))) {
    const { bias } = layer.site;
    if (bias !== null) edits.set(bias, (values) => layers.applyBias(layer, parameters.get(bias) ?? values));
  }
  if (head.kind === 'sequence') {
    // A head that the base does not have, beside the last tensor of its blocks.
    const like = plan.layers[0]?.site.weight ?? [...model.tensors.keys()][0] ?? '';
    const added = [...fresh].map(([name, { shape }]) => ({
      name,
      like,
      shape,
      edit: () => valuesOf(parameters, name),
    }));
    return { edits, added, dropped: [], dtype, config: head.config };
  }
  if (plan.selection.base) {
    // Still tied: a copy that the checkpoint holds of the embedding as its head goes with it.
    const own = tied && parameters.get(tied.tiedTo);
    if (own && checkpoint.tensors.has(tied.weight)) edits.set(tied.weight, () => own);
    return { edits, added: [], dropped: [], dtype, config: {} };
  }
  const isOwn = (name: string): boolean => trained.has(name) || plan.layers.some((l) => l.site.weight === name);
  if (!tied || !(isOwn(tied.weight) || isOwn(tied.tiedTo))) return { edits, added: [], dropped: [], dtype, config: {} };
  const { weight, tiedTo } = tied;
  const config = { tie_word_embeddings: false };
  const own = parameters.get(weight);
  // Some tied checkpoints hold a copy of the embedding as their head: it becomes the head.
  const dropped = checkpoint.tensors.has(weight) ? [weight] : [];
  edits.delete(weight);
  const added = [{ name: weight, like: tiedTo, edit: own ? () => own : headEdit }];
  return { edits, added, dropped, dtype, config };
}

function valuesOf(parameters: LoadedAdapter['parameters'], name: string): Float32Array {
  const values = parameters.get(name);
  if (!values) throw new KernelError('internal', `no values for ${name}`);
  return values;
}

/** As tensors are written that keep their type: `f16`, or several when the checkpoint mixes them. */
function storedDtypes({ checkpoint, tensors }: BaseModel): string {
  const dtypes = new Set([...tensors.keys()].map((name) => targetDtype(checkpoint.tensor(name), 'keep').toLowerCase()));
  return [...dtypes].sort().join(' + ');
}
