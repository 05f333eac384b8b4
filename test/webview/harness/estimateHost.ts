/** @file The host of the estimate in the harness. `?case=` chooses what is known, `trusted=no` the workspace. */
import type { EstimateMeasurement, EstimateReport } from '../../../kernels/protocol/calls/estimate';
import type { EstimatePage, EstimateSnapshot } from '../../../webview/protocol/estimate';
import { serveAsEditor } from './fakeEditor';

const query = new URLSearchParams(location.search);
const state = query.get('case') ?? 'measured';
const isLarge = state === 'exceeds' || state === 'tight';
const factor = isLarge ? 9 : 1;

const parts = {
  weights: 269e6 * factor,
  mappings: 1_345e6,
  adapter: 19.5e6 * factor,
  activity: 19.5e6 * factor,
  optimiser: 39e6 * factor,
  gradients: 39e6 * factor,
  activations: 1_654e6 * factor,
  workspace: 181.5e6 * factor,
  graphs: 148e6,
  runtime: 154e6,
};
const peakBytes = Object.values(parts).reduce((a, b) => a + b, 0);
const neededBytes = peakBytes - parts.mappings;

const shapes = [
  { kind: 'train' as const, batch: 8, length: 256, rows: 640, batches: 212 },
  { kind: 'train' as const, batch: 8, length: 320, rows: 832, batches: 96 },
  { kind: 'evaluation' as const, batch: 8, length: 256, rows: 576, batches: 60 },
  ...Array.from({ length: 9 }, (_, i) => ({
    kind: 'train' as const,
    batch: 8,
    length: 224 - 16 * i,
    rows: 512 - 32 * i,
    batches: 31 - 3 * i,
  })),
];

const measurement: EstimateMeasurement = {
  shapes: shapes.slice(0, 3).map((s, i) => ({ ...s, seconds: [3.41, 4.38, 1.27][i] ?? 1, compileSeconds: 2.1 })),
  secondsPerStep: 3.52,
  tokensPerSecond: 421,
  peakBytes: 2_611e6,
  eta: { seconds: 1_612, training: 1_448, evaluation: 76, samples: 0, compiling: 25, checkpoints: 63 },
};

const report: EstimateReport = {
  config: '/home/me/project/assistant.adapter.yaml',
  device: {
    device: 'cpu',
    threads: 8,
    reason: 'the fastest that works here (cuda: its files are not installed; webgpu: no adapter)',
  },
  parameters: { base: 134_515_008, trainable: 4_884_480 },
  memory: { parts, peakBytes, neededBytes, droppableBytes: parts.weights },
  machine: { totalBytes: 34.3e9, freeBytes: state === 'exceeds' ? 15.2e9 : state === 'tight' ? 21.1e9 : 24.1e9 },
  verdict: state === 'exceeds' ? 'exceeds' : state === 'tight' ? 'tight' : 'fits',
  advice: isLarge
    ? [
        { key: 'training.per_device_train_batch_size', from: 64, to: 32, neededBytes: 10.4e9 },
        { key: 'data.max_length', from: 1024, to: 512, neededBytes: 9.8e9 },
      ]
    : [],
  data: {
    format: state === 'labels' ? 'classification' : 'messages',
    learnt: state === 'labels' ? 'labels' : 'tokens',
    samples: 3_344,
    evaluationSamples: 176,
    skipped: { 'no token carries loss': 4 },
    cut: 12,
    longest: { tokens: 1_024, file: '/home/me/project/train.jsonl', line: 2_017 },
    tokensPerStep: { mean: 1_482, max: 2_391 },
    padding: 0.083,
    supervisedPerStep: 512,
    stepsPerEpoch: 418,
    totalSteps: 1_254,
    epochs: 3,
    evaluations: 27,
    shapes,
    compilations: 14,
    countedSteps: 1_254,
  },
  disk: {
    folder: '/home/me/project/runs',
    checkpointBytes: 59_000_000,
    checkpoints: 14,
    bytes: 903_000_000,
    freeBytes: state === 'exceeds' ? 640_000_000 : 81_000_000_000,
    fits: state !== 'exceeds',
  },
  unknown: [...(state === 'measured' ? [] : (['time'] as const)), 'early-stopping'],
  warnings: ['rope_interleaved is not known here and was left out of account'],
  ...(state === 'measured' && { measurement }),
};

const refusal = {
  message: 'refused',
  problems: [
    {
      file: '/home/me/project/assistant.adapter.yaml',
      line: 9,
      where: 'adapter.target_modules',
      severity: 'error' as const,
      found: 'q_porj matches no linear layer',
      expected: 'this model has q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj',
    },
  ],
};

let snapshot: EstimateSnapshot = {
  config: 'file:///home/me/project/assistant.adapter.yaml',
  name: 'assistant.adapter.yaml',
  report: state === 'refused-first' ? null : report,
  failure: state.startsWith('refused') ? refusal : null,
  work:
    state === 'working' ? { kind: 'measuring', message: 'Measuring batches of 8 × 256 tokens', fraction: 0.42 } : null,
  isDirty: state === 'working',
  canRun: query.get('trusted') !== 'no',
};

const calls: { readonly method: string; readonly params: unknown }[] = [];
Object.assign(window, { hostCalls: calls });
const note = (method: string, params: unknown): void => void calls.push({ method, params });

const server = serveAsEditor<EstimatePage>({
  'page/open': (params) => {
    note('page/open', params);
    return snapshot;
  },
  'estimate/command': (params) => {
    note('estimate/command', params);
    if (params.command === 'measure') {
      show({ work: { kind: 'measuring', message: 'Measuring batches of 8 × 256 tokens', fraction: 0.1 } });
    }
    if (params.command === 'cancel') show({ work: null });
  },
  'estimate/openFile': (params) => note('estimate/openFile', params),
});

Object.assign(window, { finishMeasuring: () => show({ work: null, report: { ...report, measurement } }) });

function show(change: Partial<EstimateSnapshot>): void {
  snapshot = { ...snapshot, ...change };
  server.emit('estimate/changed', snapshot);
}
