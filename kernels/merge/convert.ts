/**
 * @file Converts an adapter of any method to plain LoRA: each layer's delta weight becomes the product of two factors, cut off
 * at a rank or at a share of its energy, in a folder that PEFT and what reads its files load. What that costs is measured.
 */
import * as l10n from '@vscode/l10n';
import type { LoadedAdapter } from '../adapters/adapterFile';
import { adapterTask } from '../adapters/adapterTask';
import { loadAdapter, saveAdapter } from '../adapters/adapterFile';
import type { Wanted } from '../analysis/linalg/truncatedSvd';
import { DeltaWeights } from '../delta/deltaWeights';
import { formulaPlan } from '../delta/layerWeights';
import { AtomicFolder } from '../formats/atomicFile';
import type { FloatDtype } from '../formats/dtype';
import { byteLengthOf, decodeFloats, encodeFloats } from '../formats/dtype';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel, withTaskOf } from '../models/baseModel';
import type { TargetSite } from '../models/types';
import { refuseUnsoundWeights } from '../models/soundWeights';
import { KernelError } from '../protocol/errors';
import type { Progress } from '../protocol/kernelApi';
import type { ConvertedModule, ConvertReport } from '../protocol/types';
import { physicalCores } from '../runtime/devices';
import type { LowRankPart, Rounding } from './lowRankPart';
import { lowRankPart } from './lowRankPart';
import type { CycleBase } from '../weights/cycleBase';
import { CycleDeltas } from '../weights/cycleDeltas';
import { baseOf } from '../weights/openAdapted';
import { keptKeys, plainLora } from '../weights/plainLora';
import { compareLogits } from './proof';
import { refuseOverlap } from './writeCheckpoint';

export interface ConvertOptions {
  readonly base: string;
  readonly adapter: string;
  /** A folder that does not exist yet or is empty. */
  readonly out: string;
  /** One rank for all modules, or the share of each delta weight's energy that is kept. */
  readonly wanted: Wanted;
  /** Element type of the factors. */
  readonly dtype: 'f32' | 'f16' | 'bf16';
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

const FLOAT_DTYPE = { f32: 'F32', f16: 'F16', bf16: 'BF16' } as const;
/** Share of the progress that the factors take; the rest is the comparison. */
const FACTORING = 0.8;

/**
 * Throws `input/refused` for folders that cannot be read or written and for a rank or share that is none,
 * `adapter/unsupported` when the adapter does not fit or nothing stands for its update, `machine/failed` for a full disk,
 * `cancelled`. `out` is complete or does not exist.
 */
export async function convert(options: ConvertOptions): Promise<ConvertReport> {
  const { base, adapter: adapterDir, out, wanted, dtype, signal, onProgress } = options;
  const started = performance.now();
  refuseOtherGoals(wanted);
  refuseOverlap(out, [base, adapterDir]);
  const opened = openBaseModel(base);
  let cycle: CycleBase | null = null;
  try {
    const model = withTaskOf(opened, (head) => adapterTask(adapterDir, head));
    const adapter = loadAdapter(adapterDir, model, { takesRestarts: true });
    refuseWithoutUpdate(adapterDir, adapter);
    await refuseUnsoundWeights(model, { ...(signal && { signal }) });
    const { parts, modules } = await factorise(model, adapter, options);
    const { plan: converted, values } = plainLora(model, adapter.plan, adapter.parameters, parts, {
      hasOneRank: 'rank' in wanted,
    });
    const folder = AtomicFolder.create(out);
    try {
      saveAdapter(folder.temporaryPath, converted, values, {
        baseModelPath: base,
        dtype: FLOAT_DTYPE[dtype],
        preserve: keptKeys(adapter.configText),
      });
      const written = loadAdapter(folder.temporaryPath, model);
      cycle = await baseOf(adapter, model);
      const proof = await compareLogits(
        { model: cycle?.model ?? model, plan: adapter.plan, parameters: adapter.parameters },
        { model, ...written },
        {
          threads: physicalCores(),
          ...(signal && { signal }),
          onProgress: (f) =>
            onProgress?.({
              fraction: FACTORING + (1 - FACTORING) * f,
              message: l10n.t('Comparing the logits of both adapters'),
            }),
        },
      );
      folder.commit();
      const { method, plan } = adapter;
      const approximation = method.approximates?.(plan.config);
      return {
        out,
        method: method.label,
        rank: Number(converted.config['r']),
        hasPatterns: Object.keys(converted.config['rank_pattern'] ?? {}).length > 0,
        dtype,
        modules,
        carried: plan.trained.filter((t) => t.kind === 'base').map((t) => t.key),
        ...proof,
        ...(approximation !== undefined && { approximation }),
        seconds: (performance.now() - started) / 1000,
      };
    } catch (error) {
      folder.abort();
      throw error;
    }
  } finally {
    cycle?.dispose();
    opened.checkpoint.close();
  }
}

function refuseOtherGoals(wanted: Wanted): void {
  if ('rank' in wanted) {
    if (Number.isSafeInteger(wanted.rank) && wanted.rank >= 1) return;
    throw new KernelError('input/refused', l10n.t('rank {0}; expected a whole number from 1', wanted.rank));
  }
  if (wanted.energy > 0 && wanted.energy <= 1) return;
  throw new KernelError('input/refused', l10n.t('energy {0}; expected a share above 0 and up to 1', wanted.energy));
}

function refuseWithoutUpdate(file: string, { method, plan }: LoadedAdapter): void {
  const refuse = (found: string, expected: string): never => {
    throw KernelError.refused([{ file, severity: 'error', found, expected }]);
  };
  if (!method.mergedWeight) {
    refuse(
      l10n.t('{0} has no merge, so no weight stands for its update', method.label),
      l10n.t('expected an adapter with a delta weight'),
    );
  }
  if (plan.layers.length === 0) {
    refuse(
      l10n.t('no layer is adapted, all is trained in full'),
      l10n.t('expected adapted layers; merge writes the rest'),
    );
  }
}

interface Factorised {
  readonly parts: ReadonlyMap<string, LowRankPart>;
  readonly modules: readonly ConvertedModule[];
}

async function factorise(
  model: BaseModel,
  { plan, parameters, restarts }: LoadedAdapter,
  { wanted, dtype, signal, onProgress }: ConvertOptions,
): Promise<Factorised> {
  const readBase = (site: TargetSite): Float32Array => model.checkpoint.readF32(site.weight);
  const deltas = restarts
    ? new CycleDeltas(plan, model, restarts.cycles, parameters, readBase)
    : new DeltaWeights(formulaPlan(plan), parameters, readBase);
  const rounded = roundingTo(FLOAT_DTYPE[dtype]);
  const parts = new Map<string, LowRankPart>();
  const modules: ConvertedModule[] = [];
  try {
    for (const layer of plan.layers) {
      const { path: module, outFeatures, inFeatures } = layer.site;
      // Said before the work: a dense update may take seconds, and a wish to cancel is heard here.
      onProgress?.({ fraction: (FACTORING * modules.length) / plan.layers.length, message: module });
      await new Promise((resume) => setImmediate(resume));
      if (signal?.aborted) throw new KernelError('cancelled', 'the conversion was cancelled');
      const begun = performance.now();
      const part = await lowRankPart(deltas, layer, wanted, rounded);
      parts.set(module, part);
      const { a: _a, b: _b, bias: _bias, ...facts } = part;
      modules.push({ module, shape: [outFeatures, inFeatures], ...facts, seconds: (performance.now() - begun) / 1000 });
    }
  } finally {
    await deltas.dispose();
  }
  return { parts, modules };
}

/** The values that a file of another type gives back. */
function roundingTo(dtype: FloatDtype): Rounding {
  return (values) => {
    if (dtype === 'F32') return values;
    const bytes = new Uint8Array(byteLengthOf(dtype, [values.length]) ?? 0);
    encodeFloats(dtype, values, bytes);
    const back = new Float32Array(values.length);
    decodeFloats(dtype, bytes, back);
    return back;
  };
}
