/** @file Runs of the real program: what is in their folders, and how they end when something is wrong. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { openBaseModel } from '../../../kernels/models/baseModel';
import type {
  EvalRecord,
  MetricRecord,
  RunEvent,
  RunInfo,
  RunState,
  SpectrumRecord,
} from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { readRecords, TRAIN_SAMPLES, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const runs = path.join(fixture.folder, 'runs');
const state = (dir: string): RunState => JSON.parse(readFileSync(path.join(dir, 'state.json'), 'utf8')) as RunState;
const metrics = (dir: string): MetricRecord[] => readRecords(path.join(dir, 'metrics.jsonl'));
const events = (dir: string): RunEvent[] => readRecords(path.join(dir, 'events.jsonl'));

describe('a run folder', () => {
  let dir: string;
  let output: readonly Record<string, unknown>[];
  beforeAll(async () => {
    const finished = await engine.run('train', fixture.config('sample'), '--set', 'training.max_steps=12', '--json');
    expect(finished).toMatchObject({ status: 0, stderr: '' });
    output = finished.records();
    dir = output[0]?.run as string;
  });

  test('has the name of the configuration, the UTC time and four letters', () => {
    expect(path.dirname(dir)).toBe(runs);
    expect(path.basename(dir)).toMatch(/^sample-\d{8}T\d{6}-[a-z]{4}$/);
  });

  test('says what was run, frozen: configuration, versions, device, digests, counts', () => {
    const info = JSON.parse(readFileSync(path.join(dir, 'run.json'), 'utf8')) as RunInfo;
    expect(info).toMatchObject({
      version: 1,
      name: 'sample',
      config_file: path.join(fixture.folder, 'sample.adapter.yaml'),
      config: {
        model: fixture.model,
        data: { train: [fixture.trainFile] },
        training: { max_steps: 12, adam_beta2: 0.999 },
      },
      device: { provider: 'cpu', threads: 1 },
      parameters: { base: 12_944, trainable: 3 * (4 * (16 + 24) + 4 * (16 + 12) + 6 * (16 + 24)) },
      total_steps: 12,
      steps_per_epoch: Math.ceil(Math.ceil(TRAIN_SAMPLES / 3) / 2),
    });
    expect(Object.keys(info.versions).sort()).toEqual(['adapter-studio', 'node', 'onnxruntime']);
    expect(Object.keys(info.digests).sort()).toEqual(['base', 'eval', 'train']);
  });

  test('holds metrics, spectra and events by the names other programs know', () => {
    const all = metrics(dir);
    const keys = 'epoch grad_norm kind learning_rate loss rss step step_seconds time tokens';
    for (const record of all.filter((m) => m.kind === 'train')) expect(Object.keys(record).sort().join(' ')).toBe(keys);
    for (const record of all.filter((m) => m.kind === 'eval')) {
      expect(Object.keys(record).sort().join(' ')).toBe('kind loss step time tokens');
    }
    const spectra = readRecords<SpectrumRecord>(path.join(dir, 'spectra.jsonl'));
    expect(new Set(spectra.map((s) => s.module)).size).toBe(14);
    expect(spectra[0]).toMatchObject({
      step: 0,
      singular_values: [0, 0, 0],
      stable_rank: 0,
      effective_rank: 0,
      'above_0.1': 0,
    });
    for (const { singular_values: values } of spectra) expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(events(dir).map((e) => e.event)).toEqual([
      'started',
      'eval',
      'checkpoint',
      'eval',
      'checkpoint',
      'checkpoint',
      'eval',
      'checkpoint',
      'finished',
    ]);
    expect(readFileSync(path.join(dir, 'log.txt'), 'utf8')).toMatch(/started: 12 steps on cpu with 1 threads/);
  });

  test('tokens count all that was read, without padding', () => {
    const train = metrics(dir).filter((m) => m.kind === 'train');
    const tokens = train.map((m) => m.tokens);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    const texts = readRecords<{ prompt: string; completion: string }>(fixture.trainFile);
    // One epoch and its last, shorter step: every sample once, each byte a token, and the end token.
    const all = texts.reduce((n, { prompt, completion }) => n + prompt.length + completion.length + 1, 0);
    expect(tokens[6]).toBe(all);
    expect(train[6]?.epoch).toBe(1);
  });

  test('ends with an adapter that fits the model and with checkpoints from which the run could go on', () => {
    const model = openBaseModel(fixture.model);
    const adapter = loadAdapter(path.join(dir, 'adapter'), model);
    model.checkpoint.close();
    expect(adapter.config).toMatchObject({ r: 3, lora_alpha: 6 });
    expect(adapter.rawConfig).toMatchObject({ peft_type: 'LORA', base_model_name_or_path: fixture.model });
    const last = path.join(dir, 'checkpoints', 'step-000012');
    expect(readdirSync(last).sort()).toEqual(
      ['adapter_config.json', 'adapter_model.safetensors', 'optimizer.safetensors', 'trainer_state.json'].sort(),
    );
    const weights = (folder: string): Buffer => readFileSync(path.join(folder, 'adapter_model.safetensors'));
    expect(weights(last).equals(weights(path.join(dir, 'adapter')))).toBe(true);
  });

  test('the best evaluation is in its state, with a checkpoint of that step', () => {
    const evaluations = metrics(dir).filter((m): m is EvalRecord => m.kind === 'eval' && m.step > 0);
    const best = evaluations.reduce((a, b) => (b.loss < a.loss ? b : a));
    expect(state(dir)).toMatchObject({ status: 'finished', step: 12, best: { step: best.step, loss: best.loss } });
    expect(existsSync(path.join(dir, 'checkpoints', `step-${String(best.step).padStart(6, '0')}`))).toBe(true);
  });

  test('its socket is gone when it is over', () => {
    expect(existsSync(path.join(dir, 'control.json'))).toBe(false);
  });

  test('the program says the run folder first, then every record, then how it ended', () => {
    expect(output[0]).toEqual({ run: dir });
    expect(output.slice(1, -1)).toEqual(metrics(dir));
    expect(output.at(-1)).toEqual({ status: 'finished', step: 12, run: dir, adapter: path.join(dir, 'adapter') });
  });
});

test('a run starts from the factors of another adapter', async () => {
  const first = path.join(runs, 'first');
  const training = { max_steps: 4, shuffle: false, group_by_length: false, eval_steps: 4 };
  expect((await engine.run('train', fixture.config('first', { training }), '--run', first)).status).toBe(0);
  const adapter = { init_from: path.join(first, 'adapter') };
  const second = path.join(runs, 'second');
  expect((await engine.run('train', fixture.config('second', { adapter, training }), '--run', second)).status).toBe(0);
  const [before, after] = [metrics(first), metrics(second)].map((m) => m.filter((r) => r.kind === 'eval'));
  expect(after?.[0]?.loss).toBe(before?.at(-1)?.loss);
  const info = JSON.parse(readFileSync(path.join(second, 'run.json'), 'utf8')) as RunInfo;
  expect(info.digests['init_from']).toMatch(/^sha256:/);
});

test('early stopping ends a run whose evaluation loss no longer falls', async () => {
  // A step too small to change a float32: every evaluation has the same loss.
  const training = { learning_rate: 1e-30, early_stopping_patience: 2, eval_steps: 3, max_steps: 30, save_steps: 30 };
  const dir = path.join(runs, 'early');
  expect((await engine.run('train', fixture.config('early', { training }), '--run', dir)).status).toBe(0);
  const evaluated = metrics(dir).filter((m) => m.kind === 'eval');
  expect(evaluated.map((m) => m.step)).toEqual([0, 3, 6]);
  expect(state(dir)).toMatchObject({ status: 'finished', step: 6, best: { step: 0 } });
  const warnings = events(dir).filter((e) => e.event === 'warning');
  const [stops, seen] = [warnings.filter((e) => !e.watch), warnings.filter((e) => e.watch)];
  expect(stops.map((e) => e.reason)).toEqual(['early stop: 2 evaluations without a lower loss']);
  // That nothing is learnt is told too.
  expect(new Set(seen.map((e) => e.watch))).toEqual(new Set(['inactive', 'no-gain']));
  expect(existsSync(path.join(dir, 'adapter', 'adapter_model.safetensors'))).toBe(true);
  expect(existsSync(path.join(dir, 'checkpoints', 'step-000006'))).toBe(true);
});

describe('checkpoints', () => {
  const training = { learning_rate: 0.01, warmup_steps: 0, max_steps: 24, eval_steps: 3, save_steps: 5 };
  const kept = (dir: string): string[] => readdirSync(path.join(dir, 'checkpoints')).sort();
  const best = (dir: string): string => `step-${String(state(dir).best?.step).padStart(6, '0')}`;

  test('that were best for a while go when a better one is whole', async () => {
    const dir = path.join(runs, 'beaten');
    expect((await engine.run('train', fixture.config('beaten', { training }), '--run', dir)).status).toBe(0);
    const onGrid = [5, 10, 15, 20, 24].map((step) => `step-${String(step).padStart(6, '0')}`);
    expect(kept(dir)).toEqual([...new Set([...onGrid, best(dir)])].sort());
    expect(events(dir).filter((e) => e.event === 'checkpoint').length).toBeGreaterThan(kept(dir).length);
  });

  test('are no more than save_total_limit, with the newest and the best; a resume goes on from them', async () => {
    const dir = path.join(runs, 'limited');
    const config = fixture.config('limited', { training: { ...training, save_total_limit: 2 } });
    expect((await engine.run('train', config, '--run', dir)).status).toBe(0);
    const last = best(dir) === 'step-000024' ? expect.any(String) : best(dir);
    expect(kept(dir)).toEqual([last, 'step-000024']);
    const { status, stderr } = await engine.run('inspect', path.join(dir, 'checkpoints', 'step-000005'));
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(
        /step-000005: this checkpoint is not there, or not any more.*expected one of the steps that the run has: \d+, 24/,
      ),
    ]);
  });
});

describe('a learning rate that ruins the model', () => {
  const adapter = { method: 'full', r: undefined, lora_alpha: undefined, lora_dropout: undefined };
  const training = { learning_rate: 10, max_grad_norm: 0, warmup_steps: 0, lr_scheduler_type: 'constant' };

  test('is told in the first steps and at the end, ends by its patience, and the verdict on the method stays open', async () => {
    const dir = path.join(runs, 'ruined');
    const settings = { ...training, early_stopping_patience: 2, eval_steps: 4, max_steps: 40 };
    const { status, stderr } = await engine.run(
      'train',
      fixture.config('ruined', { adapter, training: settings }),
      '--run',
      dir,
    );
    expect(status).toBe(0);
    const first = metrics(dir).find((m) => m.kind === 'eval');
    expect(state(dir)).toMatchObject({ status: 'finished', step: 8, best: { step: 0, loss: first?.loss } });
    const warnings = events(dir).filter((e) => e.event === 'warning' && e.watch);
    expect(warnings.map((e) => e.watch)).toEqual(['diverged', 'no-gain']);
    expect(stderr).toContain(`the evaluation loss was never below the ${first?.loss.toPrecision(4)} before training`);
    // None is better than what there was before, so none is kept for being the best.
    expect(readdirSync(path.join(dir, 'checkpoints')).sort()).toEqual(['step-000005', 'step-000008']);
    const { stdout } = await engine.run('runs', 'show', dir);
    expect(stdout).toContain(`best evaluation loss  ${first?.loss.toFixed(4)} before training`);
    expect(stdout).toContain('The adapter of the last step makes the model worse: do not use it.');
  });

  test('is told after a resume exactly where an uninterrupted run tells it', async () => {
    const settings = { ...training, max_steps: 14, eval_steps: 100, save_steps: 1 };
    const file = fixture.config('ruined-twice', { adapter, training: settings });
    const [whole, cut] = [path.join(runs, 'ruined-whole'), path.join(runs, 'ruined-cut')];
    expect((await engine.run('train', file, '--run', whole)).status).toBe(0);
    const told = (dir: string): unknown =>
      events(dir).flatMap(({ watch, step, reason }) => (watch ? [{ watch, step, reason }] : []));
    expect(told(whole)).toMatchObject([{ watch: 'diverged', step: 3 }, { watch: 'no-gain' }]);
    expect((await engine.run('train', file, '--run', cut)).status).toBe(0);
    // As a process leaves it that was killed after its second step.
    for (const step of readdirSync(path.join(cut, 'checkpoints')).filter((name) => name > 'step-000002')) {
      rmSync(path.join(cut, 'checkpoints', step), { recursive: true });
    }
    const kept = readFileSync(path.join(cut, 'events.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => !line.includes('"watch"'));
    writeFileSync(path.join(cut, 'events.jsonl'), kept.join('\n'));
    writeFileSync(path.join(cut, 'state.json'), JSON.stringify({ ...state(cut), status: 'stopped', step: 2 }));
    rmSync(path.join(cut, 'adapter'), { recursive: true });
    expect((await engine.run('resume', cut)).status).toBe(0);
    expect(told(cut)).toEqual(told(whole));
  });
});

describe('a loss that is not finite', () => {
  /**
   * The model with all weights finite, but one feature that only Z has, a token of the fifth sample, is multiplied by so much
   * in the first block that its square is infinite.
   */
  let broken: string;
  let trainFile: string;
  beforeAll(() => {
    broken = path.join(fixture.folder, 'broken');
    cpSync(fixture.model, broken, { recursive: true });
    const weights = path.join(broken, 'model.safetensors');
    const checkpoint = openCheckpoint(fixture.model);
    const specs = [...checkpoint.tensors.values()];
    const writer = SafetensorsWriter.create(weights, specs);
    for (const { name } of specs) {
      const values = checkpoint.readF32(name);
      const HIDDEN = 16;
      const inFirst = /layers\.0\.mlp\.(gate|up)_proj/.test(name);
      if (name === 'model.embed_tokens.weight' || inFirst) {
        for (let row = 0; row < values.length / HIDDEN; row++) {
          values[row * HIDDEN] = inFirst ? 1e25 : row === 90 ? 1 : 0; // Z is byte 90
        }
      }
      // Nothing else writes to that feature.
      if (/(o|down)_proj/.test(name)) values.fill(0, 0, values.length / HIDDEN);
      writer.writeF32(name, values);
    }
    writer.commit();
    checkpoint.close();
    trainFile = path.join(fixture.folder, 'z.jsonl');
    const lines = ['a', 'b', 'c', 'd', 'Z', 'f'].map((c) => JSON.stringify({ prompt: c, completion: 'abc' }));
    writeFileSync(trainFile, `${lines.join('\n')}\n`);
  });
  const training = {
    shuffle: false,
    group_by_length: false,
    per_device_train_batch_size: 2,
    gradient_accumulation_steps: 1,
    save_steps: 1,
  };

  test('stops the run and names the samples of the batch', async () => {
    const dir = path.join(runs, 'not-finite');
    const data = { train: trainFile };
    const adapter = { target_modules: ['q_proj', 'v_proj'] };
    const config = fixture.config('nan', { model: broken, data, training, adapter });
    const finished = await engine.run('train', config, '--run', dir);
    expect(finished.status).toBe(2);
    expect(finished.stderr).toContain('step 3 stopped the run: the loss is NaN');
    for (const line of [5, 6]) expect(finished.stderr).toContain(`${trainFile}:${line}: the loss is NaN in step 3`);
    expect(finished.stderr).not.toContain(`${trainFile}:4:`);
    expect(state(dir)).toMatchObject({ status: 'failed', step: 2 });
    expect(state(dir).error).toContain('the loss is NaN');
    expect(events(dir).at(-1)?.event).toBe('failed');
    // The last checkpoint is unharmed.
    const saved = openSafetensors(path.join(dir, 'checkpoints', 'step-000002', 'adapter_model.safetensors'));
    for (const name of saved.tensors.keys()) expect(saved.readF32(name).every(Number.isFinite)).toBe(true);
    saved.close();
  });

  test('in an evaluation names the samples of its batch', async () => {
    const dir = path.join(runs, 'not-finite-eval');
    const data = { eval: trainFile };
    const finished = await engine.run('train', fixture.config('nan2', { model: broken, data, training }), '--run', dir);
    expect(finished.status).toBe(2);
    expect(finished.stderr).toContain(`${trainFile}:5: the loss is NaN in the evaluation of step 0`);
    expect(state(dir).status).toBe('failed');
  });
});

describe('what cannot be trained is refused before a run folder is made', () => {
  const refused = async (
    name: string,
    changes: Parameters<typeof fixture.config>[1],
    message: string,
  ): Promise<void> => {
    const dir = path.join(runs, `refused-${name}`);
    const finished = await engine.run('train', fixture.config(name, changes), '--run', dir, '--json');
    expect(finished.status).toBe(2);
    expect(finished.stderr).toContain(message);
    expect(finished.records()).toEqual([
      { error: expect.objectContaining({ message: expect.stringContaining(message) }) },
    ]);
    expect(existsSync(dir)).toBe(false);
  };

  test('a longer sequence than the model has', () =>
    refused('long', { data: { max_length: 97 } }, 'data.max_length: is 97; expected at most 96'));

  test('targets the model does not have', () =>
    refused('targets', { adapter: { target_modules: ['c_attn'] } }, 'adapter.target_modules.0: matches none'));

  test('data without a sample that can be learnt', async () => {
    const file = path.join(fixture.folder, 'idle.jsonl');
    writeFileSync(file, `${JSON.stringify({ prompt: 'a'.repeat(70), completion: 'b' })}\n`);
    await refused('idle', { data: { train: file } }, 'data.train: holds no sample that can be trained on');
    await refused('idle-eval', { data: { eval: file } }, 'data.eval: holds no sample that can be evaluated');
  });

  test('a row that is no sample, by its line', async () => {
    const file = path.join(fixture.folder, 'bad.jsonl');
    writeFileSync(file, '{"prompt":"a","completion":"b"}\n{"prompt":"a"\n{"prompt":1,"completion":"b"}\n');
    await refused('bad', { data: { train: file, format: 'prompt-completion' } }, `${file}:2: not valid JSON`);
    await refused('bad', { data: { train: file, format: 'prompt-completion' } }, `${file}:3: prompt: found number 1`);
  });

  test('a token the model has no embedding for', async () => {
    const foreign = path.join(fixture.folder, 'foreign');
    cpSync(fixture.model, foreign, { recursive: true });
    const tokenizer = JSON.parse(readFileSync(path.join(foreign, 'tokenizer.json'), 'utf8')) as {
      added_tokens: { id: number; content: string }[];
    };
    tokenizer.added_tokens.push({
      ...(tokenizer.added_tokens[0] as { id: number; content: string }),
      id: 258,
      content: '<|tool|>',
    });
    writeFileSync(path.join(foreign, 'tokenizer.json'), JSON.stringify(tokenizer));
    const file = path.join(fixture.folder, 'tool.jsonl');
    writeFileSync(file, '{"prompt":"a","completion":"b"}\n{"prompt":"<|tool|>","completion":"b"}\n');
    await refused(
      'foreign',
      { model: foreign, data: { train: file } },
      `${file}:2: found the token "<|tool|>" with id 258`,
    );
  });

  test('a run folder that is used already', async () => {
    const dir = path.join(runs, 'used');
    const training = { max_steps: 1 };
    expect((await engine.run('train', fixture.config('used', { training }), '--run', dir)).status).toBe(0);
    const modified = statSync(path.join(dir, 'run.json')).mtimeMs;
    const again = await engine.run('train', fixture.config('used', { training }), '--run', dir);
    expect(again).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        `${dir}: already holds a run; expected a folder that does not exist or is empty\n`,
      ),
    });
    expect(statSync(path.join(dir, 'run.json')).mtimeMs).toBe(modified);
  });
});

test('a run folder that cannot be made is a failure of the machine', async () => {
  const dir = path.join(fixture.trainFile, 'run');
  const finished = await engine.run('train', fixture.config('nowhere'), '--run', dir);
  expect(finished.status).toBe(3);
  expect(finished.stderr).toContain('could not be made');
});

test('an interrupt while the data is read ends with 130 and leaves no run', async () => {
  const file = path.join(fixture.folder, 'long.jsonl');
  const line = JSON.stringify({ prompt: 'abcdefgh '.repeat(30), completion: 'abcdefgh '.repeat(30) });
  writeFileSync(file, `${line}\n`.repeat(20_000));
  const dir = path.join(runs, 'unborn');
  const started = engine.start(['train', fixture.config('unborn', { data: { train: file } }), '--run', dir]);
  const cache = path.join(engine.env['ADAPTER_STUDIO_CACHE'] ?? '', 'tokens');
  const unfinished = (): string[] => (existsSync(cache) ? readdirSync(cache) : []).filter((n) => n.endsWith('.tmp'));
  await vi.waitUntil(() => unfinished().length > 0, { timeout: 30_000, interval: 5 });
  started.child.kill('SIGINT');
  expect((await started.finished).status).toBe(130);
  expect(existsSync(dir)).toBe(false);
  expect(unfinished()).toEqual([]);
});
