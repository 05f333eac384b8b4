/** @file Runs with restarts, whole and interrupted: what is merged, recorded, saved and read again. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { inspectAdapter } from '../../../kernels/inspect/inspectAdapter';
import { convert } from '../../../kernels/merge/convert';
import { merge } from '../../../kernels/merge/merge';
import { unmerge } from '../../../kernels/merge/unmerge';
import type { BaseModel } from '../../../kernels/models/baseModel';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import type {
  EvalRecord,
  MetricRecord,
  RestartRecord,
  RunEvent,
  SpectrumRecord,
  TrainRecord,
} from '../../../kernels/protocol/types';
import { RunFolder } from '../../../kernels/runs/runFolder';
import { evaluate } from '../../../kernels/trainer/evaluate';
import * as optimiserReset from '../../../kernels/trainer/optimiserReset';
import { readConfig } from '../../../kernels/check/checkConfig';
import { openEvaluation, prepareRun } from '../../../kernels/trainer/prepare';
import { ModelRunner } from '../../../kernels/trainer/runner';
import type { TrainListener, TrainOutcome } from '../../../kernels/trainer/trainer';
import { train } from '../../../kernels/trainer/trainer';
import { openAdapted } from '../../../kernels/weights/openAdapted';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');
const STEPS = 10;

const configs = {
  lora: fixture.config('lora', {
    adapter: { r: 2, target_modules: ['q_proj', 'down_proj'] },
    training: { max_steps: STEPS, eval_steps: 4, save_steps: 4, lr_scheduler_type: 'cosine_restarts', warmup_steps: 1 },
    relora: { every: 3, restart_warmup_steps: 1 },
  }),
  mora: fixture.config('mora', {
    adapter: { method: 'mora', r: 2, lora_alpha: undefined, mora_type: 3, target_modules: ['q_proj', 'down_proj'] },
    training: { max_steps: STEPS, eval_steps: 4, save_steps: 4, lr_scheduler_type: 'constant', warmup_steps: 0 },
    relora: { every: 4, optimizer_reset: 'magnitude', magnitude_pruning: 0.5 },
  }),
  dora: fixture.config('dora', {
    adapter: { method: 'dora', r: 2, target_modules: ['q_proj'], modules_to_save: ['lm_head'] },
    training: { max_steps: STEPS, eval_steps: 4, save_steps: 4, loraplus_lr_ratio: 4 },
    relora: { every: 4 },
  }),
};
type Name = keyof typeof configs;
const names = Object.keys(configs) as Name[];

async function go(
  config: Name,
  name: string,
  isResumed = false,
  when?: (stop: () => void) => TrainListener,
): Promise<TrainOutcome> {
  const prepared = await prepareRun(configs[config], readConfig(configs[config]));
  const run = isResumed ? RunFolder.open(at(name)) : RunFolder.create(at(name), prepared.info);
  const stopping = new AbortController();
  const listener = when?.(() => stopping.abort());
  try {
    return await train(run, prepared, { isResumed, signal: stopping.signal, ...(listener && { listener }) });
  } finally {
    prepared.close();
  }
}

const at = (...parts: readonly string[]): string => path.join(fixture.folder, ...parts);
const bytes = (...parts: readonly string[]): Buffer => readFileSync(at(...parts));
const restarts = (name: string): RestartRecord[] => readRecords(at(name, 'restarts.jsonl'));
const metrics = (name: string): MetricRecord[] => readRecords(at(name, 'metrics.jsonl'));
const timeless = (record: object): object => ({ ...record, time: 0, step_seconds: 0, rss: 0 });

function largestWeight(dir: string): number {
  const { checkpoint } = openBaseModel(dir);
  const values = [...checkpoint.tensors.keys()].map((name) => checkpoint.readF32(name));
  checkpoint.close();
  return values.flatMap((v) => [...v]).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}

const last = (name: string): string => at(name, 'checkpoints', `step-${String(STEPS).padStart(6, '0')}`);

beforeAll(async () => {
  for (const name of names) expect(await go(name, `${name}-whole`)).toEqual({ status: 'finished', step: STEPS });
}, 120_000);
afterEach(() => void vi.restoreAllMocks());

function expectSame(name: string, whole: string): void {
  expect(metrics(name).map(timeless)).toEqual(metrics(whole).map(timeless));
  expect(restarts(name).map(timeless)).toEqual(restarts(whole).map(timeless));
  // DoRA has no rank curves.
  expect(existsSync(at(name, 'spectra.jsonl'))).toBe(existsSync(at(whole, 'spectra.jsonl')));
  if (existsSync(at(whole, 'spectra.jsonl'))) {
    expect(bytes(name, 'spectra.jsonl').equals(bytes(whole, 'spectra.jsonl'))).toBe(true);
  }
  const saved = ['adapter', path.relative(at(whole), last(whole))];
  for (const folder of saved) {
    const files = readdirSync(at(whole, folder)).filter((file) => file !== 'trainer_state.json');
    expect(readdirSync(at(name, folder)).sort()).toEqual(readdirSync(at(whole, folder)).sort());
    for (const file of files) expect(bytes(name, folder, file).equals(bytes(whole, folder, file)), file).toBe(true);
  }
}

describe('a run that is stopped and resumed ends as it would have without', () => {
  test.each(names)('%s: after every step', async (config) => {
    const name = `${config}-often`;
    let outcome = await go(config, name, false, (stop) => ({ onTrain: stop }));
    for (let i = 0; outcome.status === 'stopped' && i < 2 * STEPS; i++) {
      outcome = await go(config, name, true, (stop) => ({ onTrain: stop }));
    }
    expect(outcome).toEqual({ status: 'finished', step: STEPS });
    expectSame(name, `${config}-whole`);
  });

  test.each([2, 4, 8])('from the checkpoint of step %i, as a process leaves it that dies', async (step) => {
    const name = `lora-dead-${step}`;
    cpSync(at('lora-whole'), at(name), { recursive: true });
    rmSync(at(name, 'adapter'), { recursive: true });
    for (const saved of readdirSync(at(name, 'checkpoints'))) {
      if (Number(saved.slice(5)) > step) rmSync(at(name, 'checkpoints', saved), { recursive: true });
    }
    writeFileSync(at(name, 'state.json'), JSON.stringify({ ...RunFolder.open(at(name)).state, status: 'stopped' }));
    expect(await go('lora', name, true)).toEqual({ status: 'finished', step: STEPS });
    expectSame(name, 'lora-whole');
  });

  test('a checkpoint that lost its merged cycles is damaged, and the run goes on from the one before', async () => {
    const name = 'lora-lost';
    cpSync(at('lora-whole'), at(name), { recursive: true });
    rmSync(at(name, 'adapter'), { recursive: true });
    const last = `step-${String(STEPS).padStart(6, '0')}`;
    rmSync(at(name, 'checkpoints', last, 'relora_base_delta.safetensors'));
    writeFileSync(at(name, 'state.json'), JSON.stringify({ ...RunFolder.open(at(name)).state, status: 'stopped' }));
    expect(await go('lora', name, true)).toEqual({ status: 'finished', step: STEPS });
    expectSame(name, 'lora-whole');
    const warnings = readRecords<RunEvent>(at(name, 'events.jsonl')).filter((e) => e.event === 'warning');
    expect(warnings[0]?.reason).toContain('has no relora_base_delta.safetensors');
  });
});

describe('the records of a restart', () => {
  test('say when it came, that the optimiser was reset, and how the rate went down and up again', () => {
    const [first, ...others] = restarts('lora-whole');
    expect([first, ...others].map((r) => [r?.step, r?.cycle])).toEqual([
      [3, 2],
      [6, 3],
      [9, 4],
    ]);
    expect(first).toMatchObject({
      optimizer_reset: 'reset',
      expected_share: 1,
      reset_share: { default: 1 },
      counts_anew: true,
    });
    const rates = metrics('lora-whole').flatMap((m) => (m.kind === 'train' ? [m.learning_rate['default']] : []));
    expect(first?.learning_rate.before['default']).toBe(rates[2]);
    expect(first?.learning_rate.at['default']).toBe(0);
    expect(rates[3]).toBe(0);
    expect(first?.learning_rate.after['default']).toBe(rates[4]);
  });

  test('show that the rank of what was merged grows beyond that of one adapter, by at most it each time', () => {
    const ranks = restarts('lora-whole').map((r) => r.rank);
    expect(ranks).toEqual([
      { before: 0, after: 2 },
      { before: 2, after: 4 },
      { before: 4, after: 6 },
    ]);
    const last = readRecords<SpectrumRecord>(at('lora-whole', 'spectra.jsonl')).filter((s) => s.step === STEPS);
    expect(last.map((s) => s.singular_values.length)).toEqual(last.map(() => 8));
  });

  test("show MoRA's operators taking turns, and the pruned share of each group", () => {
    expect(restarts('mora-whole').map((r) => r.mora_type)).toEqual([
      { before: '3', after: '4' },
      { before: '4', after: '1' },
    ]);
    for (const { reset_share, expected_share, counts_anew } of restarts('mora-whole')) {
      expect(expected_share).toBe(0.5);
      expect(reset_share['default']).toBeCloseTo(0.5, 1);
      expect(counts_anew).toBe(false);
    }
    for (const { reset_share } of restarts('dora-whole')) expect(reset_share).toEqual({ A: 1, B: 1 });
  });

  test('a reset that resets nothing shows', async () => {
    vi.spyOn(optimiserReset, 'resetMoments').mockImplementation(() => undefined);
    await go('lora', 'lora-broken');
    for (const { expected_share, reset_share } of restarts('lora-broken')) {
      expect(expected_share).toBe(1);
      expect(reset_share).toEqual({ default: 0 });
    }
  });

  test('each restart is an event too, so that curves show it', () => {
    const events = readRecords<RunEvent>(at('lora-whole', 'events.jsonl')).filter((e) => e.event === 'restart');
    expect(events.map((e) => e.step)).toEqual([3, 6, 9]);
    expect(events[0]?.reason).toContain('cycle 2 begins; rank of the merged update 0.0 → 2.0; 100.00 %');
  });
});

test.each(names)('%s: the step after a restart has the loss of the model before it', async (name) => {
  // The evaluation after a step sees the merged model, the one before it the adapter: both are of one run in two forms.
  const config = name;
  const evaluations = new Map<number, number>();
  const losses = metrics(`${config}-whole`).filter((m): m is EvalRecord => m.kind === 'eval');
  for (const { step, loss } of losses) evaluations.set(step, loss);
  expect(await lossOf(name, at(`${config}-whole`, 'checkpoints', 'step-000004'))).toBeCloseTo(
    evaluations.get(4) ?? NaN,
    6,
  );
  expect(await lossOf(name, at(`${config}-whole`, 'adapter'))).toBeCloseTo(evaluations.get(STEPS) ?? NaN, 6);
});

async function lossOf(config: Name, adapter: string): Promise<number> {
  const opened = await openEvaluation(configs[config], readConfig(configs[config]));
  const adapted = await openAdapted(adapter, opened.model);
  const { plan, parameters } = adapted.adapter;
  const runner = new ModelRunner(adapted.model, plan, parameters, { device: 'cpu', threads: 1 });
  try {
    return (await evaluate(runner, opened.set)).loss;
  } finally {
    await runner.dispose();
    adapted.close();
    opened.close();
  }
}

describe('the adapter folder of a later cycle', () => {
  const withModel = <T>(work: (model: BaseModel) => T): T => {
    const model = openBaseModel(fixture.model);
    try {
      return work(model);
    } finally {
      model.checkpoint.close();
    }
  };

  test('holds what was merged before, as small as the adapters of the cycles', () => {
    const state = JSON.parse(readFileSync(path.join(last('lora-whole'), 'relora_state.json')).toString()) as object;
    expect(state).toEqual({
      version: 1,
      cycle: 4,
      every: 3,
      warmup: 1,
      restartWarmup: 1,
      minLrRatio: 0.1,
      resetMode: 'reset',
      types: [],
      seed: 7,
      step: 9,
      merged: [{}, {}, {}],
    });
    const { merged } = JSON.parse(bytes('mora-whole', 'adapter', 'relora_state.json').toString()) as {
      merged: object[];
    };
    expect(merged).toEqual([{ mora_type: 3 }, { mora_type: 4 }]);
    const size = (file: string): number => readFileSync(path.join(last('lora-whole'), file)).length;
    expect(size('relora_base_delta.safetensors')).toBeLessThan(3 * size('adapter_model.safetensors'));
  });

  test('is never taken for an adapter of the untouched base model', () => {
    const load = (dir: string, takesRestarts: boolean): string => {
      try {
        withModel((model) => loadAdapter(dir, model, { takesRestarts }));
        return 'loaded';
      } catch (error) {
        return KernelError.is(error) ? error.message : String(error);
      }
    };
    expect(load(last('lora-whole'), false)).toMatch(/belongs to cycle 4 of a run with restarts/);
    expect(load(last('lora-whole'), true)).toBe('loaded');
    for (const file of ['relora_state.json', 'relora_base_delta.safetensors']) {
      const dir = at(`without-${file}`);
      cpSync(last('lora-whole'), dir, { recursive: true });
      rmSync(path.join(dir, file));
      expect(load(dir, true)).toContain(`has no ${file}; expected it beside the adapter, which belongs to cycle 4`);
    }
  });

  test('carries a type that PEFT refuses, and none of the keys of a LoRA where others look for them', () => {
    for (const dir of [last('lora-whole'), at('mora-whole', 'adapter'), at('dora-whole', 'adapter')]) {
      const config = JSON.parse(readFileSync(path.join(dir, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
      expect(Object.keys(config)).toEqual(['adapter', 'base_model_name_or_path', 'peft_type', 'relora']);
      expect(config['peft_type']).toBe('RELORA');
    }
  });

  test('says so when its mark is lost, or the type is not that of a later cycle', () => {
    const refusalOf = (change: object): string => {
      const dir = at('changed-mark');
      cpSync(last('lora-whole'), dir, { recursive: true });
      const file = path.join(dir, 'adapter_config.json');
      writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...change }));
      try {
        withModel((model) => loadAdapter(dir, model, { takesRestarts: true }));
        return 'loaded';
      } catch (error) {
        return KernelError.is(error) ? error.message : String(error);
      }
    };
    expect(refusalOf({ relora: null })).toContain('expected an object with the cycle, a whole number from 2');
    expect(refusalOf({ relora: { cycle: 1 } })).toContain('a whole number from 2');
    expect(refusalOf({ relora: { cycle: 3 } })).toContain('expected 3, as adapter_config.json says');
    expect(refusalOf({ adapter: 1 })).toContain('expected the configuration of the adapter');
    expect(refusalOf({ peft_type: 'LORA' })).toContain('expected RELORA, as there is a key relora');
  });

  test.each(names)('%s: merges into a checkpoint that computes the same, and can be taken out again', async (name) => {
    const out = at(`${name}-merged`);
    const adapter = at(`${name}-whole`, 'adapter');
    const report = await merge({ base: fixture.model, adapter, out, dtype: 'f32' });
    expect(report.maxAbsLogitDifference / report.maxAbsLogit).toBeLessThan(1e-5);
    const back = await unmerge({ merged: out, adapter, out: at(`${name}-back`) });
    // Each of three merges and three ways back rounds a weight of this size to float32.
    expect(back.maxAbsWeightDifference).toBeLessThan(6 * 2 ** -24 * largestWeight(out));
  });

  test('becomes one plain LoRA of the ranks of all cycles, which is exact', async () => {
    const out = at('lora-plain-lora');
    const adapter = last('lora-whole');
    const report = await convert({ base: fixture.model, adapter, out, wanted: { rank: 8 }, dtype: 'f32' });
    for (const { rank, error, how } of report.modules) {
      // Three cycles; the fourth has made one step, with the rate 0.
      expect([rank, how]).toEqual([6, 'factors']);
      expect(error).toBeLessThan(1e-6);
    }
    expect(report.maxAbsLogitDifference / report.maxAbsLogit).toBeLessThan(1e-5);
    expect(await lossOf('lora', out)).toBeCloseTo(await lossOf('lora', adapter), 5);
  });

  test('is inspected with everything that was merged, and refused without it', async () => {
    const { modules } = await inspectAdapter(last('lora-whole'));
    expect(modules.map(({ update }) => update?.rank)).toEqual(modules.map(() => 8));
    const shown = await inspectAdapter(at('mora-whole', 'adapter'));
    for (const { update } of shown.modules) expect(update?.norm).toBeGreaterThan(0);
    await expect(inspectAdapter(at('without-relora_base_delta.safetensors'))).rejects.toThrow(
      'has no relora_base_delta.safetensors',
    );
  });

  test('leaves no weights behind: neither in the run folder nor in the cache', () => {
    for (const name of names) expect(existsSync(at(`${name}-whole`, 'cycles'))).toBe(false);
    const cached = at('cache', 'cycles');
    expect(existsSync(cached) ? readdirSync(cached) : []).toEqual([]);
  });
});

describe('the adapter of a finished run', () => {
  const finished = (name: string): string | undefined =>
    readRecords<RunEvent>(at(name, 'events.jsonl')).find((e) => e.event === 'finished')?.reason;

  test('is one plain LoRA of all cycles, with the scaling and the factors that were trained', () => {
    const dir = at('lora-whole', 'adapter');
    expect(readdirSync(dir).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    const model = openBaseModel(fixture.model);
    try {
      const whole = loadAdapter(dir, model);
      const cycles = loadAdapter(last('lora-whole'), model, { takesRestarts: true });
      expect(whole.config).toMatchObject({ r: 8, lora_alpha: 4 * Number(cycles.config['lora_alpha']) });
      const { path: module, inFeatures } = whole.plan.layers[0]!.site;
      const of = (values: { get(key: string): Float32Array | undefined }): Float32Array =>
        values.get(`${module}.lora_A`) ?? new Float32Array();
      const parts = [...cycles.restarts!.cycles.map(({ values }) => of(values)), of(cycles.parameters)];
      parts.forEach((part, i) =>
        expect(of(whole.parameters).subarray(2 * i * inFeatures, 2 * (i + 1) * inFeatures)).toEqual(part),
      );
    } finally {
      model.checkpoint.close();
    }
    expect(finished('lora-whole')).toBe('adapter/ is one LoRA of rank 8 that holds all 4 cycles');
  });

  test.each(['mora', 'dora'])('is that of the last cycle, marked as such, where there are no factors: %s', (name) => {
    expect(readdirSync(at(`${name}-whole`, 'adapter'))).toContain('relora_base_delta.safetensors');
    expect(finished(`${name}-whole`)).toContain('adapter/ holds the adapter of cycle 3');
  });
});

test('losses before the first restart are those of a run without restarts', async () => {
  const { config } = fixture;
  configs.lora = config('lora-plain', {
    // Dropout is of the adapter alone: merged, its first steps would have none.
    adapter: { r: 2, lora_dropout: 0, target_modules: ['q_proj', 'down_proj'] },
    training: { max_steps: STEPS, eval_steps: 5, save_steps: 4, lr_scheduler_type: 'constant', warmup_steps: 0 },
  });
  await go('lora', 'plain');
  configs.lora = config('lora-restarting', {
    // Dropout is of the adapter alone: merged, its first steps would have none.
    adapter: { r: 2, lora_dropout: 0, target_modules: ['q_proj', 'down_proj'] },
    training: { max_steps: STEPS, eval_steps: 5, save_steps: 4, lr_scheduler_type: 'constant', warmup_steps: 0 },
    relora: { every: 4 },
  });
  await go('lora', 'restarting');
  const losses = (name: string): number[] =>
    metrics(name)
      .filter((m): m is TrainRecord => m.kind === 'train')
      .map(({ loss }) => loss);
  expect(losses('restarting').slice(0, 4)).toEqual(losses('plain').slice(0, 4));
  // The step after the merge sees the same model in another form; from then on another adapter is trained.
  expect(losses('restarting')[4]).toBeCloseTo(losses('plain')[4] ?? NaN, 4);
  expect(losses('restarting').slice(5)).not.toEqual(losses('plain').slice(5));
});
