/** @file The host of the inspector in the harness: synthetic weights behind the engine's own tiles and spectra. `?doc=` chooses. */
import { factoredSingularValues, frobeniusOfSpectrum, spectrumMeasures } from '../../../kernels/analysis/spectrum';
import { deltaMatrix, type BlockMatrix } from '../../../kernels/inspect/matrixBlocks';
import { readTile } from '../../../kernels/inspect/tiles';
import type {
  AdapterContents,
  AdapterModuleEntry,
  ModuleSpectrum,
  TensorEntry,
  TileOf,
} from '../../../kernels/protocol/calls/inspect';
import { KernelError } from '../../../kernels/protocol/errors';
import type { InspectorPage, InspectorSnapshot } from '../../../webview/protocol/inspector';
import { serveAsEditor } from './fakeEditor';

// The engine gives others their turn between two blocks; browsers have another name for that.
Object.assign(window, { setImmediate: (work: () => void) => setTimeout(work) });

const query = new URLSearchParams(location.search);
const doc = query.get('doc') ?? 'lora';
const failing = new Set(query.getAll('fail'));
const calls: { readonly method: string; readonly params: unknown }[] = [];
let revision = 0;

const RANK = 8;
const HIDDEN = 96;
const INNER = 256;
const PROJECTIONS = [
  ['self_attn.q_proj', HIDDEN, HIDDEN],
  ['self_attn.k_proj', 32, HIDDEN],
  ['self_attn.v_proj', 32, HIDDEN],
  ['self_attn.o_proj', HIDDEN, HIDDEN],
  ['mlp.gate_proj', INNER, HIDDEN],
  ['mlp.up_proj', INNER, HIDDEN],
  ['mlp.down_proj', HIDDEN, INNER],
] as const;

/** The same numbers for the same seed, with a shape that can be recognised: a wave whose size falls over the rank. */
function wave(rows: number, cols: number, seed: number, falls: 'rows' | 'cols'): Float32Array {
  return Float32Array.from({ length: rows * cols }, (_, at) => {
    const [row, col] = [Math.floor(at / cols), at % cols];
    const noise = Math.sin(at * 12.9898 + seed * 78.233) * 43758.5453;
    const size = 0.6 ** (falls === 'rows' ? row : col);
    return 0.1 * size * (Math.sin((row + 1) * (col + seed) * 0.07) + (noise - Math.floor(noise) - 0.5));
  });
}

const layers = doc === 'lora' || doc === 'dora' ? 12 : 0;
const modules: readonly AdapterModuleEntry[] = Array.from({ length: layers }, (_, layer) =>
  PROJECTIONS.map(([projection, out, input]): AdapterModuleEntry => {
    const module = `model.layers.${layer}.${projection}`;
    const entry = (parameter: string, shape: readonly number[]) => ({
      name: `base_model.model.${module}.${parameter}.weight`,
      dtype: 'F32' as const,
      shape,
      bytes: 4 * shape.reduce((n, d) => n * d, 1),
      role: 'trained' as const,
    });
    const tensors = {
      lora_A: entry('lora_A', [RANK, input]),
      lora_B: entry('lora_B', [out, RANK]),
      ...(doc === 'dora' && { lora_magnitude_vector: entry('lora_magnitude_vector', [out]) }),
    };
    return { module, layer, shape: [out, input], parameters: RANK * (input + out), tensors };
  }),
).flat();

const factorsOf = (module: string) => {
  const index = modules.findIndex((m) => m.module === module);
  const { lora_A: a, lora_B: b } = modules[index]!.tensors;
  return {
    a: wave(RANK, a!.shape[1]!, index, 'rows'),
    b: wave(b!.shape[0]!, RANK, index + 500, 'cols'),
    rank: RANK,
    scaling: 2,
    inFeatures: a!.shape[1]!,
    outFeatures: b!.shape[0]!,
  };
};

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

function spectrumOf(module: string): ModuleSpectrum {
  const factors = factorsOf(module);
  const norms = {
    lora_A: norm(factors.a),
    lora_B: norm(factors.b),
    ...(doc === 'dora' && { lora_magnitude_vector: 3.2 }),
  };
  if (doc === 'dora') return { module, norms, delta: null, singular_values: [] };
  const values = Array.from(factoredSingularValues([factors]));
  const { rank, scaling, inFeatures, outFeatures } = factors;
  const delta = {
    shape: [outFeatures, inFeatures] as const,
    rank,
    scaling,
    norm: frobeniusOfSpectrum(values),
    largest: values[0]!,
    ...spectrumMeasures(values),
  };
  return { module, norms, delta, singular_values: values };
}

const adapter = (): AdapterContents => ({
  kind: 'adapter',
  path: '/w/runs/assistant/adapter',
  base: './models/base',
  baseFolder: '/w/models/base',
  method: doc === 'dora' ? { id: 'dora', label: 'DoRA' } : { id: 'lora', label: 'LoRA' },
  config: { r: RANK, lora_alpha: 16 + revision },
  parameters: modules.reduce((n, m) => n + m.parameters, 0),
  bytes: modules.reduce((n, m) => n + m.parameters * 4, 0),
  modules,
  saved: [{ name: 'base_model.model.model.norm.weight', dtype: 'F32', shape: [HIDDEN], bytes: 4 * HIDDEN }],
  delta: doc === 'lora' ? 'available' : 'base-missing',
  warnings: [],
});

const tensors: readonly TensorEntry[] = Array.from({ length: doc === 'many' ? 10_000 : 40 }, (_, i) => ({
  name: `model.layers.${Math.floor(i / 8)}.${['self_attn.q_proj', 'mlp.up_proj', 'input_layernorm'][i % 3]}.${i}.weight`,
  dtype: i % 5 === 4 ? 'F4' : i % 3 === 2 ? 'F32' : 'BF16',
  shape: i % 3 === 2 ? [HIDDEN] : i === 1 ? [128_256, 4096] : [INNER, HIDDEN],
  bytes: i === 1 ? 1_050_673_152 : i % 3 === 2 ? 384 : 49_152,
  file: `model-0000${1 + (i % 3)}-of-00003.safetensors`,
}));

function contents(): InspectorSnapshot['contents'] {
  if (doc === 'lora' || doc === 'dora') return adapter();
  if (doc === 'refused') {
    const file = '/w/models/broken/model.safetensors';
    const found = 'data_offsets [0, 49152], but the file holds 1024 bytes of tensors';
    const where = 'model.layers.0.self_attn.q_proj.weight';
    const problems = [
      { file, where, severity: 'error', found, expected: 'is the file cut off?' },
      {
        file,
        where: 'lm_head.weight',
        severity: 'error',
        found: 'dtype is "F12"',
        expected: 'expected one of F32 F16',
      },
    ] as const;
    return { kind: 'refused', message: found, problems };
  }
  return {
    kind: 'checkpoint',
    path: '/w/models/base',
    model_type: 'llama',
    metadata: {},
    parameters: 135_000_000,
    bytes: tensors.reduce((n, { bytes }) => n + bytes, 0),
    tensors,
    problems: [],
  };
}

const snapshot = (): InspectorSnapshot => ({
  name: doc === 'many' || doc === 'checkpoint' ? 'model.safetensors.index.json' : 'adapter_model.safetensors',
  place: doc === 'refused' ? 'models/broken/model.safetensors' : 'runs/assistant/adapter/adapter_model.safetensors',
  contents: contents(),
  revision,
  isTrusted: query.get('trusted') !== 'no',
});

function matrixOf(of: TileOf): BlockMatrix {
  if ('delta' in of) return deltaMatrix([factorsOf(of.delta)]);
  const factor = modules.find(({ tensors: t }) => Object.values(t).some(({ name }) => name === of.tensor));
  const { shape } = (factor ? Object.values(factor.tensors) : tensors).find(({ name }) => name === of.tensor) ?? {
    shape: [HIDDEN],
  };
  const [rows, cols] = [shape.slice(0, -1).reduce((n, d) => n * d, 1), shape.at(-1) ?? 1];
  const values = wave(Math.min(rows, 512), Math.min(cols, 512), of.tensor.length, rows > cols ? 'cols' : 'rows');
  values[5] = NaN;
  return {
    rows,
    cols,
    read: ({ rows: [top, bottom], cols: [left, right] }) =>
      Array.from({ length: (bottom - top) * (right - left) }, (_, at) => {
        const [row, col] = [top + Math.floor(at / (right - left)), left + (at % (right - left))];
        return values[((row % 512) * Math.min(cols, 512) + (col % 512)) % values.length]!;
      }),
  };
}

const server = serveAsEditor<InspectorPage>({
  'page/open': (params) => note('page/open', params, snapshot),
  'inspector/reload': (params) => {
    failing.clear();
    return note('inspector/reload', params, snapshot);
  },
  'inspector/modules': (params, { progress }) => {
    progress({ fraction: 0.5, message: 'half' });
    return note('inspector/modules', params, () => ({ modules: modules.map(({ module }) => spectrumOf(module)) }));
  },
  'inspector/module': (params) => note('inspector/module', params, () => spectrumOf(params.module)),
  'inspector/tile': (params, { signal, progress }) =>
    note('inspector/tile', params, () =>
      readTile(matrixOf(params.of), params, { signal, onProgress: (fraction) => progress({ fraction, message: '' }) }),
    ),
  'inspector/statistics': async (params, { signal, progress }) => {
    note('inspector/statistics', params, () => undefined);
    const steps = params.tensor === tensors[1]!.name ? 400 : 2;
    for (let step = 0; step < steps; step++) {
      if (signal.aborted) throw new KernelError('cancelled', 'reading was cancelled');
      progress({ fraction: step / steps, message: params.tensor });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const counts = Array.from({ length: params.bins }, (_, i) => Math.round(900 * Math.exp(-(((i - 42) / 11) ** 2))));
    const numbers = { min: -0.41, max: 0.38, mean: 0.0012, std: 0.083, norm: 13.1 };
    return { ...numbers, count: 24_576, zeros: 3, nan: 1, infinite: 0, histogram: { low: -0.41, high: 0.38, counts } };
  },
  'inspector/command': (params) => note('inspector/command', params, () => undefined),
  'save/png': (params) => note('save/png', params, () => undefined),
});

function note<T>(method: string, params: unknown, answer: () => T): T {
  calls.push({ method, params });
  if (failing.has(method)) throw new Error('the engine stopped');
  return answer();
}

/** The file changes on disk. */
function changeFile(): void {
  revision++;
  server.emit('inspector/changed', snapshot());
}

Object.assign(window, { hostCalls: calls, changeFile });
