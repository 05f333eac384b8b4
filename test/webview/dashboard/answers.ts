/** @file Answers of a host for dashboard tests: a run of four steps with two modules. */
import type { Calls } from '../../../kernels/protocol/channel';
import type { SampleRecord } from '../../../kernels/protocol/types';
import type {
  ActivityReport,
  DashboardPage,
  DashboardSnapshot,
  RankTable,
  Trace,
} from '../../../webview/protocol/dashboard';

export const TRACES: readonly Trace[] = [
  { series: 'loss', group: '', x: [1, 2, 3, 4], y: [4, 3, 2, 1.5], smoothed: [4, 3.5, 2.75, 2.1], isDecimated: false },
  { series: 'eval_loss', group: '', x: [0, 4], y: [4.2, 1.9], isDecimated: false },
  { series: 'learning_rate', group: 'lora_A', x: [1, 2, 3, 4], y: [1e-4, 2e-4, 1e-4, 0], isDecimated: false },
  { series: 'learning_rate', group: 'lora_B', x: [1, 2, 3, 4], y: [1e-3, 2e-3, 1e-3, 0], isDecimated: false },
];

const MEASURE = [
  [1, 2],
  [3, null],
  [5, 6],
];
export const RANKS: RankTable = {
  of: 'delta',
  steps: [0, 4],
  modules: [
    { name: 'model.layers.0.self_attn.q_proj', layer: 0, projection: 'q_proj' },
    { name: 'model.layers.1.self_attn.q_proj', layer: 1, projection: 'q_proj' },
    { name: 'lm_head', layer: null, projection: 'lm_head' },
  ],
  measures: { stable_rank: MEASURE, effective_rank: MEASURE, 'above_0.1': MEASURE, above_relative: MEASURE },
};

export const ACTIVITY: ActivityReport = {
  latest: {
    step: 4,
    verdict: 'red',
    figures: [
      {
        id: 'b-moved',
        label: 'Smallest change of B',
        unit: 'number',
        value: 0.25,
        verdict: 'green',
        rule: 'above 0 in every layer',
        rule_values: [],
        where: 'model.layers.0.self_attn.q_proj',
      },
      {
        id: 'delta-rank',
        label: 'Largest rank of ΔW',
        unit: 'count',
        value: 5,
        verdict: 'red',
        rule: 'at most r = {0}',
        rule_values: [3],
        where: 'lm_head',
      },
    ],
  },
  steps: [0, 4],
  values: { 'b-moved': [0, 0.25], 'delta-rank': [null, 5] },
  redSteps: { 'delta-rank': [4] },
};

export function snapshot(change: Partial<DashboardSnapshot> = {}): DashboardSnapshot {
  return {
    run: 'runs/tiny',
    info: null,
    state: { status: 'running', pid: 1, host: 'here', heartbeat: 0, step: 4, total_steps: 10 },
    events: [{ event: 'started', time: 0, step: 0 }],
    eventCount: 1,
    warningCount: 0,
    marks: [],
    revision: 1,
    spectraRevision: 1,
    activityRevision: 1,
    samplesRevision: 1,
    isGone: false,
    etaSeconds: 75,
    tokensPerSecond: 1234.5,
    rss: 8.12e8,
    can: { stop: true, resume: false, merge: false, tryIt: false, inspect: false },
    ...change,
  };
}

export function dashboardAnswers(): {
  [M in Calls<DashboardPage>]: (
    params: Parameters<DashboardPage['calls'][M]>[0],
  ) => ReturnType<DashboardPage['calls'][M]>;
} {
  return {
    'page/open': () => snapshot(),
    'series/get': () => TRACES,
    'rank/tables': () => [RANKS],
    'rank/spectrum': () => ({
      steps: [0, 4],
      values: [
        [0, 0],
        [2, 1],
      ],
    }),
    'activity/get': () => ACTIVITY,
    'samples/list': () => ({
      steps: [0, 2, 4],
      prompts: [
        { index: 0, prompt: 'What colour is the sky?' },
        { index: 1, prompt: 'Who lives in the sea?' },
      ],
    }),
    'samples/at': ({ steps }) => steps.flatMap((step) => [sample(step, 0), sample(step, 1)]),
    'run/command': () => {},
    'save/csv': () => {},
    'save/png': () => {},
  };
}

/** The sky is grey, then blue; the sea is full of fish from the beginning. */
function sample(step: number, index: number): SampleRecord {
  const text = index === 1 ? 'Fish do.' : step === 0 ? 'The sky is grey.' : 'The sky is blue today.';
  return { step, time: step, index, prompt: '', text, tokens: 4, cut: index === 1 };
}
