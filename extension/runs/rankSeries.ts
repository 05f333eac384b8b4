/** @file Singular values and rank measures of every adapted module over training, as the rank plots need them. */
import type { SpectrumRecord } from '../../kernels/protocol/types';
import type { RankMean } from '../../webview/protocol/compare';
import type { RankMeasure, RankOf, RankTable } from '../../webview/protocol/dashboard';

/** A map is readable with some hundred columns; a table of more steps is thinned evenly, first and last kept. */
const MAX_TABLE_STEPS = 400;

export class RankSeries {
  private readonly matrices = new Map<RankOf, MatrixRanks>();

  append(record: SpectrumRecord): void {
    const of = record.of ?? 'delta';
    let ranks = this.matrices.get(of);
    if (!ranks) this.matrices.set(of, (ranks = new MatrixRanks(of)));
    ranks.append(record);
  }

  /** One for each kind of matrix that has spectra. The directional update first: it is recorded of more modules. */
  tables(): readonly RankTable[] {
    return [...this.matrices.values()]
      .map((ranks) => ranks.table())
      .sort((a, b) => Number(a.of === 'delta') - Number(b.of === 'delta'));
  }

  /** Of the first table: mean of a measure over all modules that were recorded at a step, at every step. */
  mean(measure: RankMeasure): RankMean {
    const ranks = this.matrices.get('direction') ?? this.matrices.get('delta');
    return ranks?.mean(measure) ?? { of: 'delta', steps: [], values: [] };
  }

  /** All recorded spectra of one module; empty for a name that is not adapted. */
  spectrum(module: string, of: RankOf): { steps: readonly number[]; values: readonly (readonly number[])[] } {
    return this.matrices.get(of)?.spectrum(module) ?? { steps: [], values: [] };
  }
}

/** The spectra of one kind of matrix. */
class MatrixRanks {
  private readonly modules = new Map<string, Map<number, SpectrumRecord>>();
  private readonly stepSet = new Set<number>();

  constructor(private readonly of: RankOf) {}

  append(record: SpectrumRecord): void {
    this.stepSet.add(record.step);
    let records = this.modules.get(record.module);
    if (!records) this.modules.set(record.module, (records = new Map<number, SpectrumRecord>()));
    records.set(record.step, record);
  }

  table(): RankTable {
    const steps = thin([...this.stepSet].sort((a, b) => a - b));
    const names = [...this.modules.keys()];
    const modules = names.map((name) => ({ name, ...placeOf(name, names) }));
    const valuesOf = (measure: RankMeasure) =>
      [...this.modules.values()].map((records) => steps.map((step) => valueOf(records.get(step), measure)));
    const measures = {
      stable_rank: valuesOf('stable_rank'),
      effective_rank: valuesOf('effective_rank'),
      'above_0.1': valuesOf('above_0.1'),
      above_relative: valuesOf('above_relative'),
    };
    return { of: this.of, steps, modules, measures };
  }

  mean(measure: RankMeasure): RankMean {
    const steps = thin([...this.stepSet].sort((a, b) => a - b));
    const values = steps.map((step) => {
      const known = [...this.modules.values()].flatMap((records) => valueOf(records.get(step), measure) ?? []);
      return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
    });
    return { of: this.of, steps, values };
  }

  spectrum(module: string): { steps: readonly number[]; values: readonly (readonly number[])[] } {
    const records = [...(this.modules.get(module)?.values() ?? [])].sort((a, b) => a.step - b.step);
    return { steps: records.map((r) => r.step), values: records.map((r) => r.singular_values) };
  }
}

/** Null where nothing was recorded, and for a mean number of directions where there is none yet: ΔW = 0, as most runs begin. */
function valueOf(record: SpectrumRecord | undefined, measure: RankMeasure): number | null {
  if (!record) return null;
  const value = record[measure];
  return value === 0 && (measure === 'stable_rank' || measure === 'effective_rank') ? null : value;
}

/**
 * Layer number and projection from a module's name: `model.layers.3.self_attn.q_proj` is layer 3, `q_proj`; `attn.c_proj` where
 * `names` have another `c_proj` beside it.
 */
function placeOf(name: string, names: readonly string[]): { layer: number | null; projection: string } {
  const [, before = '', layer, inside = name] = /^(.*?\.)(\d+)\.(.*)$/.exec(name) ?? [];
  const last = inside.slice(inside.lastIndexOf('.') + 1);
  const isAlone = !names.some(
    (other) => other !== name && other.startsWith(`${before}${layer}.`) && other.endsWith(`.${last}`),
  );
  return { layer: layer === undefined ? null : Number(layer), projection: isAlone ? last : inside };
}

function thin(steps: readonly number[]): readonly number[] {
  if (steps.length <= MAX_TABLE_STEPS) return steps;
  const stride = (steps.length - 1) / (MAX_TABLE_STEPS - 1);
  return Array.from({ length: MAX_TABLE_STEPS }, (_, i) => steps[Math.round(i * stride)]!);
}
