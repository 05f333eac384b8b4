/** @file The host of the dashboard in the harness: a synthetic run behind the editor's own series code. `?run=` chooses the run. */
import { ActivitySeries } from '../../../extension/runs/activitySeries';
import { MetricSeries } from '../../../extension/runs/metricSeries';
import { RankSeries } from '../../../extension/runs/rankSeries';
import { SampleSeries } from '../../../extension/runs/sampleSeries';
import type { RunEvent } from '../../../kernels/protocol/types';
import type { DashboardPage, DashboardSnapshot } from '../../../webview/protocol/dashboard';
import { serveAsEditor } from './fakeEditor';
import {
  activityRecord,
  evalRecord,
  fullRank,
  runEvents,
  runInfo,
  runState,
  sampleRecords,
  spectrumRecords,
  trainRecord,
  type RunShape,
} from './syntheticRun';

interface Scenario {
  readonly shape: RunShape;
  /** Steps that are there when the page opens. */
  readonly done: number;
  /** Steps that are added four times a second. */
  readonly stepsPerTick?: number;
  readonly status: DashboardSnapshot['state']['status'];
  readonly error?: string;
  readonly doing?: DashboardSnapshot['state']['doing'];
  /** The configuration names no prompts. */
  readonly hasNoSamples?: true;
  readonly isGone?: true;
  /** Answers for whole texts: evaluations have metrics. */
  readonly isClassifier?: true;
  /** `none`: a run of an older version. */
  readonly activity?: 'red' | 'none';
  /** Its evaluations were never below the one before training. */
  readonly hasNoGain?: boolean;
  /** DoRA: spectra of directional updates, and a few of delta weights. */
  readonly hasDirections?: true;
  /** Merges its adapter every so many steps. */
  readonly restartEvery?: number;
}

const small = { evalEvery: 50, spectraEvery: 50, layers: 12, rank: 16 };
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  '1k': { shape: { steps: 1000, ...small }, done: 800, status: 'running' },
  '100k': {
    shape: { steps: 100_000, evalEvery: 1000, spectraEvery: 500, layers: 30, rank: 64 },
    done: 100_000,
    status: 'finished',
  },
  live: { shape: { steps: 1000, ...small }, done: 100, stepsPerTick: 5, status: 'running' },
  first: { shape: { steps: 1000, ...small }, done: 1, status: 'running' },
  queued: { shape: { steps: 1000, ...small }, done: 0, status: 'queued' },
  deleted: { shape: { steps: 1000, ...small }, done: 400, status: 'running', isGone: true },
  plain: { shape: { steps: 1000, ...small }, done: 200, status: 'stopped', hasNoSamples: true },
  classifier: {
    shape: { steps: 1000, ...small },
    done: 800,
    status: 'running',
    isClassifier: true,
    hasNoSamples: true,
  },
  ruined: { shape: { steps: 1000, ...small }, done: 1000, status: 'finished', hasNoGain: true },
  red: { shape: { steps: 1000, ...small }, done: 800, status: 'running', activity: 'red' },
  dora: { shape: { steps: 1000, ...small }, done: 800, status: 'running', hasDirections: true },
  restarts: { shape: { steps: 1000, ...small }, done: 800, status: 'running', restartEvery: 200 },
  old: { shape: { steps: 1000, ...small }, done: 1000, status: 'finished', activity: 'none' },
  // One that was watched from its first step on, in large strides.
  growing: {
    shape: { steps: 100_000, evalEvery: 1000, spectraEvery: 2000, layers: 12, rank: 16 },
    done: 1,
    stepsPerTick: 2000,
    status: 'running',
  },
  starting: {
    shape: { steps: 1000, ...small },
    done: 0,
    status: 'starting',
    doing: { what: 'Reading the base weights', fraction: 0.4182 },
  },
  empty: { shape: { steps: 1000, ...small }, done: 0, status: 'starting' },
  failed: {
    shape: { steps: 1000, ...small },
    done: 120,
    status: 'failed',
    error:
      'The loss of step 121 is not a number. Samples 964 to 971 of train.jsonl were in the batch; look at them, or lower the learning rate.',
  },
};

const query = new URLSearchParams(location.search);
const scenario = SCENARIOS[query.get('run') ?? '1k']!;
const { shape } = scenario;
const info = runInfo('assistant-20260101-000000-k3fz', shape.steps);
const series = new MetricSeries(info);
const ranks = new RankSeries();
const activity = new ActivitySeries();
const samples = new SampleSeries();
let step = 0;
let revision = 0;
let spectraRevision = 0;
let activityRevision = 0;
let samplesRevision = 0;
let status = scenario.status;
const calls: { readonly method: string; readonly params: unknown }[] = [];
Object.assign(window, { hostCalls: calls });
/** Methods that fail, by the test's wish. */
const failing = new Set(query.getAll('fail'));

advance(scenario.done);
const server = serveAsEditor<DashboardPage>({
  'page/open': (params) => note('page/open', params, snapshot()),
  'series/get': (params) => note('series/get', params, series.traces(params)),
  'rank/tables': (params) => note('rank/tables', params, ranks.tables()),
  'rank/spectrum': (params) => note('rank/spectrum', params, ranks.spectrum(params.module, params.of)),
  'activity/get': (params) => note('activity/get', params, activity.report()),
  'samples/list': (params) => note('samples/list', params, samples.list()),
  'samples/at': (params) => note('samples/at', params, samples.at(params.steps)),
  'run/command': (params) => {
    note('run/command', params, undefined);
    if (params.command === 'stop') status = 'stopping';
    server.emit('run/changed', snapshot());
  },
  'save/csv': (params) => note('save/csv', params, undefined),
  'save/png': (params) => note('save/png', params, undefined),
});
if (scenario.stepsPerTick) setInterval(() => tick(scenario.stepsPerTick!), 250);

function note<T>(method: string, params: unknown, answer: T): T {
  calls.push({ method, params });
  if (failing.has(method)) throw new Error('the run folder /home/me/runs/assistant is gone');
  return answer;
}

function tick(steps: number): void {
  if (status !== 'running' || step >= shape.steps) return;
  advance(Math.min(steps, shape.steps - step));
  if (step === shape.steps) status = 'finished';
  server.emit('run/changed', snapshot());
}

function advance(steps: number): void {
  if (step === 0 && steps > 0) {
    series.append(evalRecord(0, shape.steps, scenario.isClassifier));
    evaluate();
  }
  for (let i = 0; i < steps; i++) {
    step++;
    series.append(trainRecord(step, shape.steps));
    if (step % shape.evalEvery === 0) {
      series.append(evalRecord(step, shape.steps, scenario.isClassifier));
      evaluate();
    }
    if (step % shape.spectraEvery === 0) record();
  }
  revision++;
}

function evaluate(): void {
  if (scenario.hasNoSamples) return;
  for (const sample of sampleRecords(step, shape.steps)) samples.append(sample);
  samplesRevision++;
}

function record(): void {
  for (const spectrum of spectrumRecords(step, shape.steps, shape)) {
    const isWhole = step % 200 === 0 && spectrum.module.includes('.11.self_attn.');
    if (scenario.hasDirections) ranks.append({ ...spectrum, of: 'direction' });
    if (!scenario.hasDirections || isWhole) ranks.append(scenario.hasDirections ? fullRank(spectrum) : spectrum);
  }
  spectraRevision++;
  if (scenario.activity === 'none') return;
  activity.append(activityRecord(step, shape.steps, scenario.activity === 'red'));
  activityRevision++;
}

const NO_GAIN: RunEvent = {
  event: 'warning',
  time: 1_767_230_000,
  step: 1000,
  watch: 'no-gain',
  reason: 'the evaluation loss was never below the 0.6374 before training; at the end it is 4.899',
  action:
    'The adapter of the last step makes the model worse: do not use it. Start again and lower training.learning_rate, or limit the gradients with training.max_grad_norm (1 is usual).',
};

function snapshot(): DashboardSnapshot {
  const isActive = status === 'running' && !scenario.isGone;
  const events = [...runEvents(step, shape.steps, scenario.restartEvery), ...(scenario.hasNoGain ? [NO_GAIN] : [])];
  const hasAdapter = (status === 'finished' || step > 400) && !scenario.isGone;
  const best = scenario.hasNoGain
    ? { best: { step: 0, loss: 0.6374 } }
    : step >= 50
      ? { best: { step: Math.floor(step / 50) * 50, loss: 0.8137 } }
      : {};
  return {
    run: 'runs/assistant-20260101-000000-k3fz',
    info: query.get('run') === 'empty' ? null : scenario.hasNoSamples ? { ...info, config: {} } : info,
    state: runState(status, step, shape.steps, {
      ...best,
      ...(scenario.error ? { error: scenario.error } : {}),
      ...(scenario.doing && { doing: scenario.doing }),
    }),
    events,
    eventCount: events.length,
    warningCount: events.filter(({ event }) => event === 'warning').length,
    marks: events.filter(({ event, watch }) => event === 'resumed' || event === 'restart' || watch !== undefined),
    revision,
    spectraRevision,
    activityRevision,
    samplesRevision,
    isGone: scenario.isGone ?? false,
    ...(status === 'queued' && { queue: { place: 1, behind: 'questions' } }),
    etaSeconds: isActive ? (shape.steps - step) * 0.8 : null,
    tokensPerSecond: series.recentTokensPerSecond() ?? null,
    rss: step > 0 ? trainRecord(step, shape.steps).rss : null,
    can: {
      stop: isActive || status === 'queued' || status === 'starting',
      resume: status === 'stopped' || status === 'failed',
      merge: hasAdapter,
      tryIt: hasAdapter,
      inspect: hasAdapter,
    },
  };
}
