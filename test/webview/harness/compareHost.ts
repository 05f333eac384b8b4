/** @file The host of the comparison in the harness: variations of one synthetic run. `?runs=` says how many, `?run=live` lets them grow. */
import { MetricSeries } from '../../../extension/runs/metricSeries';
import { RankSeries } from '../../../extension/runs/rankSeries';
import type { RunInfo, TrainRecord } from '../../../kernels/protocol/types';
import type { ComparePage, ComparisonSnapshot } from '../../../webview/protocol/compare';
import { serveAsEditor } from './fakeEditor';
import { evalRecord, runInfo, runState, spectrumRecords, trainRecord } from './syntheticRun';

const query = new URLSearchParams(location.search);
const count = Number(query.get('runs') ?? '3');
const isLive = query.get('run') === 'live';
const TOTAL = 1000;

/** How each run differs from the first, in its configuration and in its numbers. */
const VARIATIONS = [
  { end: 'k3fz', method: 'lora', r: 16, rate: 2e-4, factor: 1, seconds: 1, done: 1000 },
  { end: 'qmwd', method: 'dora', r: 16, rate: 2e-4, factor: 0.93, seconds: 1.4, done: 1000 },
  { end: 'ahtp', method: 'lora', r: 64, rate: 5e-4, factor: 1.12, seconds: 1.1, done: 640 },
  { end: 'vbne', method: 'lora', r: 4, rate: 1e-4, factor: 1.3, seconds: 0.9, done: 0 },
].slice(0, count);

const runs = VARIATIONS.map(({ end, method, r, rate, ...numbers }) => {
  const info = runInfo('assistant', TOTAL);
  const config = {
    ...info.config,
    adapter: { method, r, lora_alpha: 32, target_modules: ['all-linear'] },
    training: { ...(info.config['training'] as object), learning_rate: rate },
  };
  const parameters = { ...info.parameters, trainable: 305_280 * r };
  const full: RunInfo = { ...info, config, parameters };
  const folder = `/home/me/notes/runs/assistant-20260101-000000-${end}`;
  return {
    folder,
    info: full,
    metrics: new MetricSeries(full),
    ranks: new RankSeries(),
    step: 0,
    rank: r,
    rate,
    ...numbers,
  };
});
type SyntheticRun = (typeof runs)[number];

const calls: { readonly method: string; readonly params: unknown }[] = [];
Object.assign(window, { hostCalls: calls });
let revision = 1;
for (const run of runs) advance(run, isLive ? Math.min(100, run.done) : run.done);

const server = serveAsEditor<ComparePage>({
  'page/open': (params) => note('page/open', params, snapshot()),
  'series/get': (params) =>
    note(
      'series/get',
      params,
      runs.map(({ metrics }) => metrics.traces(params)),
    ),
  'rank/means': (params) =>
    note(
      'rank/means',
      params,
      runs.map(({ ranks }) => ranks.mean(params.measure)),
    ),
  'run/open': (params) => note('run/open', params, undefined),
  'save/png': (params) => note('save/png', params, undefined),
});
if (isLive) {
  setInterval(() => {
    for (const run of runs) advance(run, 5);
    revision++;
    server.emit('runs/changed', snapshot());
  }, 250);
}

function note<T>(method: string, params: unknown, answer: T): T {
  calls.push({ method, params });
  return answer;
}

function advance(run: SyntheticRun, steps: number): void {
  for (let i = 0; i < steps && run.step < run.done; i++) {
    run.step++;
    run.metrics.append(varied(trainRecord(run.step, TOTAL), run));
    if (run.step % 50 !== 0) continue;
    const evaluation = evalRecord(run.step, TOTAL);
    run.metrics.append({ ...evaluation, loss: evaluation.loss * run.factor });
    const shape = { steps: TOTAL, evalEvery: 50, spectraEvery: 50, layers: 4, rank: run.rank };
    for (const spectrum of spectrumRecords(run.step, TOTAL, shape)) run.ranks.append(spectrum);
  }
}

function varied(record: TrainRecord, { factor, seconds, rate }: SyntheticRun): TrainRecord {
  return {
    ...record,
    loss: record.loss * factor,
    grad_norm: record.grad_norm * factor,
    step_seconds: record.step_seconds * seconds,
    learning_rate: { default: (record.learning_rate['lora_A'] ?? 0) * (rate / 2e-4) },
    rss: record.rss * Math.sqrt(seconds),
  };
}

function snapshot(): ComparisonSnapshot {
  return {
    runs: runs.map(({ folder, info, metrics, step, done, factor }) => {
      const status = step === 0 ? 'queued' : step < TOTAL ? (isLive ? 'running' : 'stopped') : 'finished';
      const best = step >= 50 ? { best: { step: Math.floor(step / 50) * 50, loss: 0.8137 * factor } } : {};
      return {
        folder,
        info,
        state: runState(status, step, TOTAL, best),
        isGone: query.get('run') === 'deleted' && done === 640,
        lastLoss: metrics.lastLoss ?? null,
        lastEvalLoss: metrics.lastEvalLoss ?? null,
        stepSeconds: metrics.totalStepSeconds,
        tokensPerSecond: metrics.meanTokensPerSecond ?? null,
        peakRss: metrics.peakRss ?? null,
      };
    }),
    revision,
    spectraRevision: revision,
  };
}
