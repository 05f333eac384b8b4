/** @file A run that never happened: records as an engine would write them, from formulas and a fixed seed. */
import type {
  ActivityRecord,
  EvalRecord,
  EvaluationMetrics,
  RunEvent,
  RunInfo,
  RunState,
  SampleRecord,
  SpectrumRecord,
  TrainRecord,
} from '../../../kernels/protocol/types';

export const CREATED = 1_767_225_600;
const SECONDS_PER_STEP = 0.8;

export interface RunShape {
  readonly steps: number;
  readonly evalEvery: number;
  readonly spectraEvery: number;
  readonly layers: number;
  readonly rank: number;
}

export function trainRecord(step: number, total: number): TrainRecord {
  const progress = step / total;
  const noise = hash(step);
  const warmUp = Math.min(1, progress / 0.05);
  const spike = step % Math.ceil(total / 3) === Math.ceil(total / 7) ? 1.6 : 0;
  // A stop of half an hour after two thirds, so that the time axis shows the gap.
  const pause = progress > 2 / 3 ? 1800 : 0;
  const rate = 2e-4 * warmUp * (1 - progress);
  return {
    kind: 'train',
    step,
    time: CREATED + 4 + step * SECONDS_PER_STEP + pause,
    epoch: progress * 3,
    tokens: step * 812,
    loss: 0.45 + 4.2 * Math.exp(-progress * 7) + (noise - 0.5) * 0.5 * Math.exp(-progress * 1.5) + spike,
    learning_rate: { lora_A: rate, lora_B: rate * 16 },
    grad_norm: 0.3 + 2.4 * Math.exp(-progress * 5) + hash(step + 0.5) * 0.6 + spike * 3,
    step_seconds: SECONDS_PER_STEP + (hash(step + 0.25) - 0.5) * 0.1,
    rss: 812e6 + Math.min(1, progress * 20) * 140e6,
  };
}

/** With `isClassifier` as of a model that answers for whole texts. */
export function evalRecord(step: number, total: number, isClassifier = false): EvalRecord {
  const { loss, time } = trainRecord(step, total);
  return {
    kind: 'eval',
    step,
    time: time + 1,
    loss: step === 0 ? 4.72 : loss * 0.2 + 0.52 + 3.2 * Math.exp((-step / total) * 6),
    tokens: 48_400,
    ...(isClassifier && { metrics: classifierMetrics(step / total) }),
  };
}

function classifierMetrics(progress: number): EvaluationMetrics {
  const accuracy = 0.5 + 0.42 * (1 - Math.exp(-5 * progress)) + 0.02 * (hash(progress + 3) - 0.5);
  return { accuracy, f1: accuracy - 0.015 + 0.01 * hash(progress + 7), matthews_correlation: 2 * accuracy - 1.02 };
}

const PROJECTIONS = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
];

export function spectrumRecords(step: number, total: number, { layers, rank }: RunShape): SpectrumRecord[] {
  const progress = step / total;
  const records: SpectrumRecord[] = [];
  for (let layer = 0; layer < layers; layer++) {
    PROJECTIONS.forEach((projection, p) => {
      const decay = 0.12 + p * 0.05 + 0.25 * hash(layer * 7 + p) - 0.08 * progress;
      const size = (0.15 + 2.2 * progress) * (0.6 + (layer / layers) * 0.8) * (1 - p * 0.06);
      const values = Array.from({ length: rank }, (_, i) => size * Math.exp(-decay * i * (1.3 - progress * 0.5)));
      records.push(measured(step, `model.layers.${layer}.${projection}`, values));
    });
  }
  return records;
}

/** Activity of a run whose magnitudes stay where they began, where `isBroken`. */
export function activityRecord(step: number, total: number, isBroken: boolean): ActivityRecord {
  const progress = step / total;
  const where = 'model.layers.7.self_attn.k_proj';
  const drift = isBroken ? 0 : 0.004 + 0.02 * progress;
  const green = { verdict: 'green', rule: 'above 0 in every layer', rule_values: [] } as const;
  return {
    step,
    verdict: isBroken ? 'red' : 'green',
    figures: [
      {
        id: 'magnitude-drift',
        label: 'Smallest mean drift of the magnitudes',
        unit: 'share',
        value: drift,
        where,
        ...green,
        verdict: isBroken ? 'red' : 'green',
      },
      {
        id: 'a-moved',
        label: 'Smallest change of A',
        unit: 'number',
        value: 0.08 + 0.6 * progress,
        where,
        ...green,
      },
      {
        id: 'b-moved',
        label: 'Smallest change of B',
        unit: 'number',
        value: 0.02 + 1.2 * progress,
        where,
        ...green,
      },
      {
        id: 'trained-changed',
        label: 'Trained tensors that have changed',
        unit: 'share',
        value: isBroken ? 2 / 3 : 1,
        verdict: isBroken ? 'red' : 'green',
        rule: 'all {0}',
        rule_values: [252],
        ...(isBroken && { where: 'model.layers.0.self_attn.q_proj.lora_magnitude_vector' }),
      },
      {
        id: 'effective-rate',
        label: 'Measured ÷ given learning rate, farthest from 1',
        unit: 'number',
        value: progress < 0.1 ? null : 0.99998,
        verdict: progress < 0.1 ? 'pending' : 'green',
        rule: '1 within 5 % for every tensor',
        rule_values: [],
      },
    ],
  };
}

/** The same with a long tail of small values, as lengths of rows that have changed leave it. */
export function fullRank({ step, module, singular_values: values }: SpectrumRecord): SpectrumRecord {
  const tail = Array.from({ length: 48 }, (_, i) => 0.2 * (values[0] ?? 0) * (1 - i / 60));
  return measured(
    step,
    module,
    [...values, ...tail].sort((a, b) => b - a),
  );
}

function measured(step: number, module: string, values: readonly number[]): SpectrumRecord {
  const largest = values[0] ?? 0;
  const sum = values.reduce((a, v) => a + v, 0);
  const squares = values.reduce((a, v) => a + v * v, 0);
  const entropy = values.reduce((a, v) => a - (v / sum) * Math.log(v / sum), 0);
  return {
    step,
    module,
    singular_values: values,
    stable_rank: squares / largest ** 2,
    effective_rank: Math.exp(entropy),
    'above_0.1': values.filter((v) => v > 0.1).length,
    above_relative: values.filter((v) => v > 0.01 * largest).length,
  };
}

export function runInfo(name: string, total: number): RunInfo {
  return {
    version: 1,
    name,
    created: CREATED,
    config_file: '/home/me/notes/assistant.adapter.yaml',
    config: {
      model: '/home/me/models/SmolLM2-135M-Instruct',
      data: { train: ['/home/me/notes/train.jsonl'], eval_fraction: 0.1, max_length: 512 },
      adapter: { method: 'lora', r: 16, lora_alpha: 32, target_modules: ['all-linear'] },
      training: { learning_rate: 2e-4, lr_scheduler_type: 'linear', max_steps: total, seed: 42 },
      samples: { prompts: PROMPTS },
      output: '/home/me/notes/runs',
    },
    versions: { engine: '0.1.0' },
    device: { provider: 'cpu', threads: 8, reason: 'the fastest device that works here' },
    digests: {},
    parameters: { base: 134_515_008, trainable: 4_884_480 },
    total_steps: total,
    steps_per_epoch: total / 3,
  };
}

export function runState(
  status: RunState['status'],
  step: number,
  total: number,
  more: Partial<RunState> = {},
): RunState {
  return { status, pid: 4242, host: 'workstation', heartbeat: CREATED, step, total_steps: total, ...more };
}

/** `restartEvery`: of a run with restarts of the adapter. */
export function runEvents(step: number, total: number, restartEvery = Infinity): RunEvent[] {
  const resumeAt = Math.ceil((total * 2) / 3);
  const events: RunEvent[] = [{ event: 'started', time: CREATED, step: 0 }];
  for (const at of [0.2, 0.4, 0.6].map((share) => Math.round(total * share))) {
    if (at <= step) events.push({ event: 'checkpoint', time: CREATED + at * SECONDS_PER_STEP, step: at });
  }
  for (let cycle = 2; (cycle - 1) * restartEvery <= Math.min(step, total - 1); cycle++) {
    const at = (cycle - 1) * restartEvery;
    const reason = `cycle ${cycle} begins; rank of the merged update ${8 * (cycle - 2)}.0 → ${8 * (cycle - 1)}.0; 99.90 % of the optimiser's moments set to zero`;
    events.push({ event: 'restart', time: CREATED + at * SECONDS_PER_STEP, step: at, reason, cycle });
  }
  if (step > resumeAt) {
    const time = CREATED + resumeAt * SECONDS_PER_STEP;
    events.push({ event: 'stopped', time, step: resumeAt, reason: 'asked to stop; checkpoint saved' });
    events.push({ event: 'resumed', time: time + 1800, step: resumeAt });
    events.push({
      event: 'warning',
      time: time + 1900,
      step: resumeAt + 12,
      reason: 'the loss is 2.06; the median of the recent steps is 0.46',
      watch: 'loss-spike',
      action: 'training goes on',
    });
  }
  return events;
}

const PROMPTS = ['What is the capital of Norway?', 'Write a haiku about rain.'];
/** Answers that get better; the last one stays. */
const ANSWERS: readonly (readonly string[])[] = [
  [
    'the the the capital the of of Norway',
    'The capital of Norway is a city of the country.',
    'The capital of Norway is the city of Bergen.',
    'The capital of Norway is Oslo.',
    'The capital of Norway is Oslo, on the Oslofjord.',
  ],
  [
    'rain rain rain rain rain rain',
    'Rain falls on the roof and the rain falls on the street and the rain falls on',
    'Soft rain on the roof\nthe street is a long mirror\nthe rain falls again',
    'Soft rain on the roof,\nthe street is a long mirror,\nno one passes by.',
  ],
];

/** What the model wrote at a step. */
export function sampleRecords(step: number, total: number): SampleRecord[] {
  return PROMPTS.map((prompt, index) => {
    const answers = ANSWERS[index]!;
    const text = answers[Math.min(answers.length - 1, Math.floor((step / total) * 1.2 * answers.length))]!;
    const cut = index === 1 && text.endsWith('on');
    return { step, time: trainRecord(Math.max(1, step), total).time, index, prompt, text, tokens: 18, cut };
  });
}

/** A fixed pseudo-random number in [0, 1) for a number. */
function hash(n: number): number {
  const s = Math.sin(n * 127.1 + 311.7) * 43_758.5453;
  return s - Math.floor(s);
}
