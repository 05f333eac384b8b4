/** @file Golden cases of analyses: spectra, subspaces, amplification, magnitude and direction, from adapter files alone. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { patternValue } from '../../../kernels/adapters/targets';
import { amplification } from '../../../kernels/analysis/amplification';
import { type Matrix, matrix, transpose } from '../../../kernels/analysis/linalg/matrix';
import { thinSvd } from '../../../kernels/analysis/linalg/svd';
import {
  type ChangedWeight,
  type MagnitudeDirection,
  magnitudeDirectionChange,
  rowsWithDelta,
} from '../../../kernels/analysis/magnitudeDirection';
import {
  type DeltaFactors,
  energyEffectiveRank,
  factoredSingularValues,
  factoredSvd,
  frobeniusOfSpectrum,
  largest,
  nuclearNorm,
  numericalRank,
  stableRank,
} from '../../../kernels/analysis/spectrum';
import { subspaceSimilarity } from '../../../kernels/analysis/subspace';
import { type PeftAdapter, readPeftAdapter } from '../../../kernels/formats/peft';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { type BaseModel, openBaseModel } from '../../../kernels/models/baseModel';
import type { GoldenResult } from './tokenizer';

/**
 * Runs one folder with case.json of a kind "analysis-…". Errors are relative where the case gives a relative tolerance;
 * those of singular values are relative to the largest.
 */
export function runAnalysisCase(caseDir: string, basesDir: string): GoldenResult[] {
  const { kind } = readJson<{ kind: string }>(join(caseDir, 'case.json'));
  switch (kind) {
    case 'analysis-spectra':
      return runSpectra(caseDir);
    case 'analysis-subspace':
      return runSubspace(caseDir);
    case 'analysis-amplification':
      return runAmplification(caseDir, basesDir);
    case 'analysis-dora':
      return runMagnitudeDirection(caseDir, basesDir);
    default:
      throw new Error(`${caseDir}: no analysis of kind ${kind}`);
  }
}

interface ExpectedSpectra {
  readonly modules: Readonly<
    Record<
      string,
      {
        readonly singular_values: readonly number[];
        readonly frobenius: number;
        readonly spectral: number;
        readonly nuclear: number;
        readonly stable_rank: number;
        readonly effective_rank_entropy: number;
        readonly numerical_rank: number;
      }
    >
  >;
  readonly tolerance: {
    readonly singular_values: { readonly atol: string };
    readonly others: { readonly rtol: number };
  };
}

function runSpectra(caseDir: string): GoldenResult[] {
  const { adapter: folder } = readJson<{ adapter: string }>(join(caseDir, 'case.json'));
  const adapter = readPeftAdapter(join(caseDir, folder));
  const { modules, tolerance } = readJson<ExpectedSpectra>(join(caseDir, 'expected.json'));
  const worst = new WorstErrors();
  const { rtol } = tolerance.others;
  const ofLargest = float64Tolerance(tolerance.singular_values.atol);
  for (const [module, expected] of Object.entries(modules)) {
    const factors = factorsOf(adapter, module);
    const values = factoredSingularValues([factors]);
    const count = Math.min(factors.inFeatures, factors.outFeatures);
    worst.add('number of singular values', Math.abs(expected.singular_values.length - count), 0);
    // Those beyond the rank are zero by construction.
    for (const [i, value] of expected.singular_values.entries()) {
      worst.add('singular_values', Math.abs((values[i] ?? 0) - value) / largest(expected.singular_values), ofLargest);
    }
    worst.add('frobenius', relative(frobeniusOfSpectrum(values), expected.frobenius), rtol);
    worst.add('spectral', relative(largest(values), expected.spectral), rtol);
    worst.add('nuclear', relative(nuclearNorm(values), expected.nuclear), rtol);
    worst.add('stable_rank', relative(stableRank(values), expected.stable_rank), rtol);
    worst.add('effective_rank_entropy', relative(energyEffectiveRank(values), expected.effective_rank_entropy), rtol);
    worst.add('numerical_rank', relative(numericalRank(values, 1e-10), expected.numerical_rank), rtol);
  }
  return worst.results();
}

/** "1e-6 * the largest singular value in float32 arithmetic, 1e-10 * in float64": ours is float64. */
function float64Tolerance(text: string): number {
  const match = /([\d.e+-]+) \* in float64/.exec(text);
  if (!match) throw new Error(`a tolerance that is not understood: ${text}`);
  return Number(match[1]);
}

function runSubspace(caseDir: string): GoldenResult[] {
  const { adapter1, adapter2, modules } = readJson<{ adapter1: string; adapter2: string; modules: readonly string[] }>(
    join(caseDir, 'case.json'),
  );
  const { tolerance } = readJson<{ tolerance: { grid: { atol: number } } }>(join(caseDir, 'expected.json'));
  const adapters = [adapter1, adapter2].map((folder) => readPeftAdapter(join(caseDir, folder)));
  const expected = openSafetensors(join(caseDir, 'expected.safetensors'));
  const worst = new WorstErrors();
  for (const module of modules) {
    const factors = adapters.map((adapter) => factorsOf(adapter, module));
    const vectors: Record<string, readonly Matrix[]> = {
      A_right: factors.map(({ a, rank, inFeatures }) => thinSvd(matrix(rank, inFeatures, a)).right),
      B_left: factors.map(({ b, rank, outFeatures }) => thinSvd(matrix(outFeatures, rank, b)).left),
      delta_right: factors.map((f) => factoredSvd([f]).right),
      delta_left: factors.map((f) => factoredSvd([f]).left),
    };
    for (const [name, [first, second]] of Object.entries(vectors)) {
      const grid = subspaceSimilarity(first!, second!);
      const tensor = expected.tensor(`${module}.${name}`);
      const wanted = new Float64Array(expected.readBytes(tensor.name).slice().buffer);
      worst.add(`${name} shape`, tensor.shape.join() === `${grid.rows},${grid.cols}` ? 0 : 1, 0);
      wanted.forEach((value, i) => worst.add(name, Math.abs(value - (grid.data[i] ?? NaN)), tolerance.grid.atol));
    }
  }
  expected.close();
  return worst.results();
}

interface ExpectedAmplification {
  readonly modules: Readonly<
    Record<
      string,
      {
        readonly frobenius_delta: number;
        readonly frobenius_weight: number;
        readonly by_k: Readonly<
          Record<
            string,
            Readonly<
              Record<'projection_on_delta' | 'projection_on_weight' | 'projection_on_random' | 'amplification', number>
            >
          >
        >;
      }
    >
  >;
  readonly tolerance: { readonly rtol: number };
}

function runAmplification(caseDir: string, basesDir: string): GoldenResult[] {
  const { adapter: folder, base } = readJson<{ adapter: string; base: string }>(join(caseDir, 'case.json'));
  const { modules, tolerance } = readJson<ExpectedAmplification>(join(caseDir, 'expected.json'));
  const adapter = readPeftAdapter(join(caseDir, folder));
  const model = openBaseModel(join(basesDir, base));
  const given = openSafetensors(join(caseDir, 'expected.safetensors'));
  const worst = new WorstErrors();
  for (const [module, expected] of Object.entries(modules)) {
    const weight = upright(model, module, model.checkpoint.readF32(`${module}.weight`));
    const random = thinSvd(matrix(weight.rows, weight.cols, given.readF32(`${module}.random`)));
    const counts = Object.keys(expected.by_k).map(Number);
    const result = amplification(weight, factoredSvd([factorsOf(adapter, module)]), random, counts);
    const compare = (quantity: string, actual: number, wanted: number): void =>
      worst.add(quantity, relative(actual, wanted), tolerance.rtol);
    compare('frobenius_delta', result.frobeniusDelta, expected.frobenius_delta);
    compare('frobenius_weight', result.frobeniusWeight, expected.frobenius_weight);
    for (const row of result.rows) {
      const wanted = expected.by_k[row.k]!;
      compare('projection_on_delta', row.projectionOnDelta, wanted.projection_on_delta);
      compare('projection_on_weight', row.projectionOnWeight, wanted.projection_on_weight);
      compare('projection_on_random', row.projectionOnRandom, wanted.projection_on_random);
      compare('amplification', row.amplification, wanted.amplification);
    }
  }
  model.checkpoint.close();
  given.close();
  return worst.results();
}

/** A weight of the base, or one trained in its place, as [out, in]; a model may store it the other way. */
function upright({ sites }: BaseModel, module: string, stored: Float32Array): Matrix {
  const site = sites.find(({ path }) => path === module);
  if (!site) throw new Error(`the base has no layer ${module}`);
  const { inFeatures, outFeatures, layout } = site;
  if (layout === 'out-in') return matrix(outFeatures, inFeatures, stored);
  return transpose(matrix(inFeatures, outFeatures, stored));
}

type ExpectedChange = Readonly<
  Record<'per_output_row' | 'per_input_column', { readonly delta_magnitude: number; readonly delta_direction: number }>
>;

type ExpectedMethod = {
  readonly source: string;
  readonly modules: Readonly<Record<string, ExpectedChange>>;
} & Readonly<Record<`average_${string}`, ExpectedChange>>;

const AXES = { per_output_row: 'output-row', per_input_column: 'input-column' } as const;

function runMagnitudeDirection(caseDir: string, basesDir: string): GoldenResult[] {
  const { base } = readJson<{ base: string }>(join(caseDir, 'case.json'));
  const { methods, tolerance } = readJson<{
    methods: Readonly<Record<string, ExpectedMethod>>;
    tolerance: { rtol: number };
  }>(join(caseDir, 'expected.json'));
  const model = openBaseModel(join(basesDir, base));
  const worst = new WorstErrors();
  for (const [method, expected] of Object.entries(methods)) {
    const tunedBy = tunedWeights(join(caseDir, expected.source), model);
    for (const [key, axis] of Object.entries(AXES)) {
      const compare = (change: MagnitudeDirection, wanted: ExpectedChange): void => {
        const { delta_magnitude, delta_direction } = wanted[key as keyof ExpectedChange];
        worst.add(`${method} ${key} magnitude`, relative(change.magnitude, delta_magnitude), tolerance.rtol);
        worst.add(`${method} ${key} direction`, relative(change.direction, delta_direction, COSINE), tolerance.rtol);
      };
      const changes = new Map<string, MagnitudeDirection>();
      for (const [module, wanted] of Object.entries(expected.modules)) {
        const { rows, cols, data } = upright(model, module, model.checkpoint.readF32(`${module}.weight`));
        const weight = Float32Array.from(data);
        const baseRow = (row: number): Float32Array => weight.subarray(row * cols, (row + 1) * cols);
        const change = magnitudeDirectionChange({ rows, cols, base: baseRow, tuned: tunedBy(module, baseRow) }, axis);
        changes.set(module, change);
        compare(change, wanted);
      }
      for (const [name, wanted] of Object.entries(expected)) {
        if (!name.startsWith('average_')) continue;
        const projection = `.${name.slice('average_'.length)}`;
        const members = [...changes].filter(([module]) => module.endsWith(projection)).map(([, change]) => change);
        const mean = (of: 'magnitude' | 'direction'): number =>
          members.reduce((sum, c) => sum + c[of], 0) / members.length;
        compare({ magnitude: mean('magnitude'), direction: mean('direction') }, wanted as ExpectedChange);
      }
    }
  }
  model.checkpoint.close();
  return worst.results();
}

type Row = ChangedWeight['base'];

/** The rows of a module's weight after training, from a folder with full weights or with an adapter (LoRA or DoRA). */
function tunedWeights(source: string, model: BaseModel): (module: string, base: Row) => Row {
  const full = join(source, 'final.safetensors');
  if (existsSync(full)) {
    const file = openSafetensors(full);
    const weights = new Map([...file.tensors.keys()].map((name) => [name, file.readF32(name)]));
    file.close();
    return (module, base) => {
      const stored = weights.get(`${module}.weight`);
      if (!stored) return base;
      const { cols, data } = upright(model, module, stored);
      const weight = Float32Array.from(data);
      return (row) => weight.subarray(row * cols, (row + 1) * cols);
    };
  }
  const adapter = readPeftAdapter(join(source, 'adapter_final'));
  return (module, base) => {
    const changed = rowsWithDelta(base, factorsOf(adapter, module));
    const magnitude = adapter.tensors.get(module)?.get('lora_magnitude_vector')?.data;
    if (!magnitude) return changed;
    return (row) => {
      const values = changed(row);
      const factor = magnitude[row]! / Math.hypot(...values);
      return values.map((value) => factor * value);
    };
  };
}

/** s·B·A of a module, with its own rank and alpha where a pattern gives them. */
function factorsOf({ tensors, config }: PeftAdapter, module: string): DeltaFactors {
  const [a, b] = [tensors.get(module)?.get('lora_A'), tensors.get(module)?.get('lora_B')];
  if (!a || !b) throw new Error(`the adapter does not change ${module}`);
  const rank = a.shape[0] ?? 0;
  const alpha = patternValue(config.alpha_pattern, module, 'alpha_pattern') ?? config.lora_alpha;
  return {
    a: a.data,
    b: b.data,
    rank,
    scaling: alpha / (config.use_rslora ? Math.sqrt(rank) : rank),
    inFeatures: a.shape[1] ?? 0,
    outFeatures: b.shape[0] ?? 0,
  };
}

/** What float64 leaves of 1 − cos between rows that are the same. */
const COSINE = 1e-14;

/** `rounding`: a difference that says nothing. */
function relative(actual: number, wanted: number, rounding = 0): number {
  const difference = Math.abs(actual - wanted);
  return difference <= rounding ? 0 : difference / Math.abs(wanted);
}

/** The largest error of each quantity. An error that is not a number counts as infinite. */
class WorstErrors {
  readonly #results = new Map<string, GoldenResult>();

  add(quantity: string, error: number, tolerance: number): void {
    const before = this.#results.get(quantity)?.worstError ?? 0;
    const worstError = Number.isNaN(error) ? Infinity : Math.max(before, error);
    this.#results.set(quantity, { quantity, worstError, tolerance });
  }

  results(): GoldenResult[] {
    return [...this.#results.values()];
  }
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
