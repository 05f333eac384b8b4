/**
 * @file The samples over which the error of an approximate merge is measured: those of a file that is given, else the
 * evaluation data of the run that the adapter lies in, else the fixed prompts of the proof. The report says which.
 */
import * as l10n from '@vscode/l10n';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { splitForEvaluation } from '../data/batches';
import { openDataset } from '../data/dataset';
import type { SampleFormat } from '../data/samples';
import { loadTokenizer } from '../formats/tokenizer';
import type { BaseModel } from '../models/baseModel';
import { KernelError } from '../protocol/errors';
import { cacheFolder } from '../util/cacheFolder';
import { promptIds } from './proof';
import { runOfAdapter } from './runOfAdapter';

export interface Calibration {
  /** Token ids, a sample a row. */
  readonly samples: readonly (readonly number[])[];
  /** Files they are from; empty for the fixed prompts. */
  readonly files: readonly string[];
}

const MOST_SAMPLES = 16;
/** Tokens of a sample; what follows is left out. */
const MOST_TOKENS = 128;

/** What a run's record says of its data, as far as it matters here. */
interface DataOfRun {
  readonly files: readonly string[];
  readonly format: SampleFormat | 'auto';
  readonly lossOn: 'completion' | 'all';
  readonly maxLength?: number;
  /** Of a run that holds back a part of its training data. */
  readonly heldBack?: { readonly fraction: number; readonly seed: number };
}

/** Errors as `openDataset` for a file that is given; `input/refused` when it holds no sample. */
export async function calibrationSamples(
  model: BaseModel,
  adapter: string,
  given: string | undefined,
  signal?: AbortSignal,
): Promise<Calibration> {
  const ofRun = dataOfRun(adapter);
  const wanted: DataOfRun | undefined =
    given === undefined
      ? ofRun && ofRun.files.every((file) => existsSync(file))
        ? ofRun
        : undefined
      : { files: [given], format: ofRun?.format ?? 'auto', lossOn: ofRun?.lossOn ?? 'completion' };
  if (!wanted) return { samples: promptIds(model), files: [] };
  const set = await openDataset({
    files: wanted.files,
    format: wanted.format,
    lossOn: wanted.lossOn,
    // As in the run, so that its tokens are found again.
    maxLength: wanted.maxLength ?? model.config.maxLength,
    tokenizer: loadTokenizer(model.dir),
    cacheDir: path.join(cacheFolder(), 'tokens'),
    ...(signal && { signal }),
  });
  try {
    const { heldBack } = wanted;
    const chosen = heldBack
      ? splitForEvaluation(set.length, heldBack.fraction, heldBack.seed).evaluation
      : Int32Array.from({ length: set.length }, (_, i) => i);
    const samples = Array.from(chosen.subarray(0, MOST_SAMPLES), (i) => [...set.read(i).ids.subarray(0, MOST_TOKENS)]);
    if (samples.length > 0) return { samples, files: wanted.files };
    throw new KernelError(
      'input/refused',
      l10n.t('{0} holds no sample; expected some to measure over', wanted.files.join(', ')),
    );
  } finally {
    set.close();
  }
}

/** The evaluation data of the run whose final adapter or checkpoint lies at `adapter`. */
function dataOfRun(adapter: string): DataOfRun | undefined {
  const { data, training } = runOfAdapter(adapter)?.config ?? {};
  if (!data) return undefined;
  const { format = 'auto', loss_on: lossOn = 'completion', eval_fraction: fraction, max_length: longest } = data;
  const how = { format, lossOn, ...(longest !== undefined && { maxLength: longest }) };
  if (data.eval) return { files: data.eval, ...how };
  if (fraction === undefined || !data.train) return undefined;
  return { files: data.train, ...how, heldBack: { fraction, seed: training?.seed ?? 0 } };
}
