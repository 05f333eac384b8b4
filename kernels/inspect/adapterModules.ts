/**
 * @file The modules of an open adapter as its method knows them: shapes, what each tensor is for, delta weights and spectra.
 * Without a model: sizes come from the tensors where they tell them, otherwise from the headers of the base.
 */
import * as l10n from '@vscode/l10n';
import type { UnplannedAdapter } from '../adapters/adapterFile';
import type { AdaptedLayer } from '../adapters/plan';
import type { AnyAdapterMethod, ParamSpec } from '../adapters/types';
import { spectrumMeasures, frobeniusOfSpectrum } from '../analysis/spectrum';
import { matrix } from '../analysis/linalg/matrix';
import { singularValues } from '../analysis/linalg/svd';
import { hasRestarts, readRestarts } from '../adapters/restartFiles';
import { DeltaWeights } from '../delta/deltaWeights';
import type { Deltas, SummedAdapter } from '../delta/summedDeltas';
import { SummedDeltas } from '../delta/summedDeltas';
import { elementCount } from '../formats/dtype';
import type { PeftTensor } from '../formats/peft';
import { SHARED_MODULE } from '../formats/peftKeys';
import type { TargetSite } from '../models/types';
import type { TensorRole } from '../protocol/calls/inspect';
import { KernelError } from '../protocol/errors';
import type { BaseWeights } from './baseWeights';
import { arrayMatrix, type BlockMatrix, deltaMatrix } from './matrixBlocks';

/** The update ΔW [out, in] of a module. Where it does not consist of factors, `rank` counts its singular values. */
export interface InspectedUpdate {
  readonly shape: readonly [out: number, input: number];
  readonly rank: number;
  readonly scaling: number;
  readonly norm: number;
  readonly stable_rank: number;
  readonly effective_rank: number;
  readonly 'above_0.1': number;
  readonly above_relative: number;
  /** Descending. */
  readonly singular_values: readonly number[];
}

type ModuleTensors = ReadonlyMap<string, PeftTensor>;

/** Entries of a delta weight that is decomposed whole, where nothing smaller has its singular values. */
const MOST_DECOMPOSED = 2 ** 20;
/** Entries of a delta weight that is computed whole to be looked at. */
const MOST_SHOWN = 2 ** 23;

export class AdapterModules {
  /** Of a method that trains the base itself: its modules are those with a matrix. `null`: adapters on layers. */
  private readonly trainedThemselves: ReadonlyMap<string, ModuleTensors> | null;
  private readonly layers: ReadonlyMap<string, AdaptedLayer>;
  private readonly deltas: Deltas;
  /** A heat map asks for many parts of one matrix. */
  private last: { readonly module: string; readonly matrix: BlockMatrix } | undefined;

  constructor(
    private readonly dir: string,
    private readonly unplanned: UnplannedAdapter,
    private readonly base: BaseWeights | null,
  ) {
    const { adapter, method, config } = unplanned;
    this.trainedThemselves = method.selection(config).base ? modulesWithMatrix(adapter.extra) : null;
    const found = this.names.flatMap((module) => this.layerOf(module) ?? []);
    const layers = found.sort((a, b) => a.site.layer - b.site.layer);
    this.layers = new Map(layers.map((layer) => [layer.site.path, layer]));
    const values = new Map<string, PeftTensor>(
      [...adapter.tensors].flatMap(([module, tensors]) =>
        [...tensors].map(([name, tensor]) => [`${module}.${name}`, tensor] as const),
      ),
    );
    const shared = [...(adapter.tensors.get(SHARED_MODULE) ?? [])].map(([param, { shape }]) => ({
      key: `${SHARED_MODULE}.${param}`,
      param,
      shape,
    }));
    const own = { plan: { method, layers, shared }, values: { get: (key: string) => values.get(key)?.data } };
    const readBase = base && ((site: TargetSite): Float32Array => base.read(site));
    const earlier = mergedCycles(dir, unplanned, layers);
    this.deltas =
      earlier.length > 0
        ? new SummedDeltas([...earlier, own], readBase)
        : new DeltaWeights(own.plan, own.values, readBase);
  }

  /** Of the adapted modules, in the order of the file. */
  get names(): readonly string[] {
    if (this.trainedThemselves) return [...this.trainedThemselves.keys()];
    return [...this.unplanned.adapter.tensors.keys()].filter((module) => module !== SHARED_MODULE);
  }

  /** Tensors of the base that were trained in full, besides those of the modules: by checkpoint name. */
  get extra(): ReadonlyMap<string, PeftTensor> {
    const own = new Set([...(this.trainedThemselves?.values() ?? [])].flatMap((tensors) => [...tensors.values()]));
    return new Map([...this.unplanned.adapter.extra].filter(([, tensor]) => !own.has(tensor)));
  }

  /** Shape [out, in] of a module's weight; `null` where neither the tensors nor the base tell it. */
  shapeOf(module: string): readonly [out: number, input: number] | null {
    const site = this.layers.get(module)?.site;
    return site ? [site.outFeatures, site.inFeatures] : null;
  }

  roleOf(module: string, param: string): TensorRole {
    const { method, config } = this.unplanned;
    if (param in (method.copies ?? {})) return 'copy';
    const spec =
      module === SHARED_MODULE ? method.shared?.([], config)[param] : specsOf(this.unplanned, module, [1, 1])[param];
    if (!spec || spec.trainable) return 'trained';
    return spec.isMeasured ? 'measured' : 'frozen';
  }

  /** Trained parameters of a module. */
  parametersOf(module: string): number {
    return [...this.tensorsOf(module)].reduce((n, [name, { shape }]) => {
      return this.roleOf(module, name) === 'trained' ? n + (elementCount(shape) ?? 0) : n;
    }, 0);
  }

  /** Throws `input/refused` for a module that there is not. */
  tensorsOf(module: string): ModuleTensors {
    const tensors = (this.trainedThemselves ?? this.unplanned.adapter.tensors).get(module);
    if (tensors) return tensors;
    const found = l10n.t('there is no such module');
    throw this.refused(module, found, l10n.t('expected one of the {0} adapted modules', this.names.length));
  }

  /** Whether the delta weight of a module can be had from what is on disk. */
  isKnown(module: string): boolean {
    const layer = this.layers.get(module);
    if (this.trainedThemselves)
      return layer !== undefined && this.base?.shape(module)?.join() === this.shapeOf(module)?.join();
    return layer !== undefined && !this.lacksShared && this.deltas.isKnown(layer);
  }

  /** The file lacks the matrices that all layers share. */
  get lacksShared(): boolean {
    const { adapter, method } = this.unplanned;
    return method.shared !== undefined && !adapter.tensors.has(SHARED_MODULE);
  }

  /** The update of a module as far as its spectrum is cheap; `null` where it is not, or cannot be had. Values must be finite. */
  cheapUpdate(module: string): InspectedUpdate | null {
    const layer = this.layers.get(module);
    if (!layer || this.lacksShared) return null;
    const values = this.deltas.cheapSpectrum(layer);
    return values ? this.described(layer, values) : null;
  }

  /** The same, from the whole delta weight where nothing smaller has the values and it is not too large. */
  async update(module: string): Promise<InspectedUpdate | null> {
    const layer = this.layers.get(module);
    if (!layer || !this.isKnown(module)) return null;
    const cheap = this.cheapUpdate(module);
    if (cheap) return cheap;
    const { outFeatures, inFeatures } = layer.site;
    if (outFeatures * inFeatures > MOST_DECOMPOSED) return null;
    if (!this.trainedThemselves) return this.described(layer, await this.deltas.spectrum(layer));
    return this.described(layer, singularValues(matrix(outFeatures, inFeatures, await this.dense(layer))));
  }

  /**
   * The delta weight of a module: from its factors block by block, or whole. Throws `input/refused` where it cannot be had or
   * is too large to be computed whole.
   */
  async delta(module: string): Promise<BlockMatrix> {
    if (this.last?.module === module) return this.last.matrix;
    this.tensorsOf(module);
    const layer = this.layers.get(module);
    const { label } = this.unplanned.method;
    if (!layer || !this.isKnown(module)) {
      const found = l10n.t('the delta weight of {0} cannot be had from this file', label);
      throw this.refused(
        module,
        found,
        l10n.t('expected the base model and the matrices that all layers share on disk'),
      );
    }
    const { outFeatures, inFeatures } = layer.site;
    const terms = this.deltas.terms(layer);
    if (!terms && outFeatures * inFeatures > MOST_SHOWN) {
      const found = l10n.t(
        'the delta weight of {0} has to be computed whole, and is [{1}, {2}]',
        label,
        outFeatures,
        inFeatures,
      );
      throw this.refused(module, found, l10n.t('expected at most {0} values', MOST_SHOWN));
    }
    const shown = terms ? deltaMatrix(terms) : arrayMatrix(outFeatures, inFeatures, await this.dense(layer));
    this.last = { module, matrix: shown };
    return shown;
  }

  async dispose(): Promise<void> {
    await this.deltas.dispose();
  }

  /** ΔW row by row. Of a weight that was trained itself: what it is more than that of the base, in the checkpoint's layout. */
  private async dense(layer: AdaptedLayer): Promise<Float32Array> {
    const trained = this.trainedThemselves?.get(layer.site.path)?.get('weight')?.data;
    if (!trained || !this.base) return this.deltas.dense(layer);
    const before = this.base.read(layer.site);
    return trained.map((value, i) => value - (before[i] ?? NaN));
  }

  private described(layer: AdaptedLayer, values: Float64Array): InspectedUpdate {
    const { outFeatures, inFeatures } = layer.site;
    const terms = this.deltas.terms(layer);
    return {
      shape: [outFeatures, inFeatures],
      rank: terms ? terms.reduce((n, { rank }) => n + rank, 0) : values.length,
      scaling: terms?.length === 1 ? (terms[0]?.scaling ?? 1) : 1,
      norm: frobeniusOfSpectrum(values),
      ...spectrumMeasures(values),
      singular_values: [...values],
    };
  }

  private layerOf(module: string): AdaptedLayer | undefined {
    const { adapter, method, config } = this.unplanned;
    const stored = this.trainedThemselves?.get(module)?.get('weight')?.shape;
    if (stored) {
      const [rows = 0, cols = 0] = stored;
      return { site: siteOf(module, [rows, cols], adapter.config.fan_in_fan_out), config, params: {} };
    }
    const tensors: ModuleTensors = adapter.tensors.get(module) ?? new Map<string, PeftTensor>();
    const shape = shapeFromTensors(this.unplanned, module, tensors) ?? this.base?.shape(module);
    if (!shape) return undefined;
    const site = siteOf(module, shape, adapter.config.fan_in_fan_out);
    const own = method.configOf(site, config) as AdaptedLayer['config'];
    const params = method.params(site, own);
    // A measured number that is missing was never measured: nothing can be said of the update.
    return Object.keys(params).every((name) => tensors.has(name)) ? { site, config: own, params } : undefined;
  }

  private refused(where: string, found: string, expected: string): KernelError {
    return KernelError.refused([{ file: this.dir, where, severity: 'error', found, expected }]);
  }
}

/** The tensors of modules whose weight is a matrix, by module and last name. */
function modulesWithMatrix(extra: ReadonlyMap<string, PeftTensor>): ReadonlyMap<string, ModuleTensors> {
  const modules = new Map<string, Map<string, PeftTensor>>();
  for (const [name, tensor] of extra) {
    const dot = name.lastIndexOf('.');
    const module = name.slice(0, dot);
    if (extra.get(`${module}.weight`)?.shape.length !== 2) continue;
    const tensors = modules.get(module) ?? new Map<string, PeftTensor>();
    modules.set(module, tensors.set(name.slice(dot + 1), tensor));
  }
  return modules;
}

/**
 * The cycles of a run with restarts that were merged before this adapter began: what the run changed is all of them together.
 * Errors as `readRestarts`.
 */
function mergedCycles(
  dir: string,
  { adapter, method, config }: UnplannedAdapter,
  layers: readonly AdaptedLayer[],
): readonly SummedAdapter[] {
  const marked = adapter.config.relora?.['cycle'];
  if (!hasRestarts(dir, marked)) return [];
  const tensors = layers.flatMap(({ site, params }) =>
    Object.entries(params).map(([name, { shape }]) => {
      return { key: `${site.path}.${name}`, shape, size: elementCount(shape) ?? 0 };
    }),
  );
  return readRestarts(dir, { config, tensors }, marked).cycles.map((cycle) => ({
    plan: {
      method,
      layers: layers.map(({ site, params }) => ({
        site,
        params,
        config: method.configOf(site, cycle.config) as AdaptedLayer['config'],
      })),
      shared: [],
    },
    values: cycle.values,
  }));
}

/** Sizes that no layer has and that no formula gives by chance. */
const [PROBE_OUT, PROBE_IN] = [1_000_003, 1_000_033];

/** Where a method's tensors have the sizes of the layer, they tell them. */
function shapeFromTensors(
  unplanned: UnplannedAdapter,
  module: string,
  tensors: ModuleTensors,
): readonly [out: number, input: number] | null {
  const sizes = new Map<number, number>();
  for (const [name, { shape }] of Object.entries(specsOf(unplanned, module, [PROBE_OUT, PROBE_IN]))) {
    shape.forEach((size, i) => {
      const found = tensors.get(name)?.shape[i];
      if (found !== undefined) sizes.set(size, found);
    });
  }
  const [out, input] = [sizes.get(PROBE_OUT), sizes.get(PROBE_IN)];
  return out === undefined || input === undefined ? null : [out, input];
}

function specsOf(
  { method, config }: { readonly method: AnyAdapterMethod; readonly config: UnplannedAdapter['config'] },
  module: string,
  shape: readonly [number, number],
): Readonly<Record<string, ParamSpec>> {
  const site = siteOf(module, shape, false);
  return method.params(site, method.configOf(site, config));
}

/** A module as its tensors show it; the model that has it is not here. */
function siteOf(path: string, [outFeatures, inFeatures]: readonly [number, number], isTransposed: boolean): TargetSite {
  const projection = path.slice(path.lastIndexOf('.') + 1);
  const layout = isTransposed ? 'in-out' : 'out-in';
  return {
    path,
    inFeatures,
    outFeatures,
    weight: `${path}.weight`,
    bias: null,
    layout,
    layer: blockOf(path) ?? 0,
    projection,
  };
}

/** Index of the transformer block in a module's path: its first number; `null` when it has none. */
export function blockOf(path: string): number | null {
  const index = /(?:^|\.)(\d+)\./.exec(path)?.[1];
  return index === undefined ? null : Number(index);
}
