/** @file What the watchdog of a run does about real faults: numbers that are not finite, a sample unlike the others. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import type { RunEvent, RunState } from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const at = (name: string): string => path.join(fixture.folder, 'runs', name);
const events = (run: string): RunEvent[] => readRecords<RunEvent>(path.join(run, 'events.jsonl'));
const state = (run: string): RunState => JSON.parse(readFileSync(path.join(run, 'state.json'), 'utf8')) as RunState;

beforeAll(async () => {
  const config = fixture.config('start', { training: { max_steps: 2 } });
  expect((await engine.run('train', config, '--run', at('start'))).status).toBe(0);
});

/** The adapter of a run with every value multiplied: finite, but no product with it is. */
function enlarged(factor: number): string {
  const dir = path.join(fixture.folder, 'enlarged');
  cpSync(path.join(at('start'), 'adapter'), dir, { recursive: true });
  const file = path.join(dir, 'adapter_model.safetensors');
  const weights = openSafetensors(file);
  const tensors = [...weights.tensors].map(([name, { shape }]) => ({
    name,
    shape,
    data: weights.readF32(name).map((value) => value * factor),
  }));
  weights.close();
  const writer = SafetensorsWriter.create(
    file,
    tensors.map(({ name, shape }) => ({ name, shape, dtype: 'F32' })),
  );
  for (const { name, data } of tensors) writer.writeF32(name, data);
  writer.commit();
  return dir;
}

describe('numbers that are not finite', () => {
  test('end the run with the step, the samples of its batch and what to try', async () => {
    const changes = { adapter: { init_from: enlarged(1e25) }, training: { max_steps: 12 } };
    const config = fixture.config('inf', changes);
    const text = readFileSync(config, 'utf8')
      .replace(/^ {2}eval: .*\n/m, '')
      .replace(/^ {2}eval_steps: .*\n/m, '');
    writeFileSync(config, text);
    const run = at('inf');
    const { status, stderr } = await engine.run('train', config, '--run', run, '--json');
    expect(status).toBe(2);
    expect(stderr).toMatch(/step 1 stopped the run: the (loss|gradient norm) is (NaN|Infinity)/);
    expect(stderr).toMatch(/train\.jsonl:\d+: the .* in step 1, whose batch holds this sample/);
    expect(stderr).toContain('Lower training.learning_rate');
    expect(stderr).toContain('There is no checkpoint yet.');
    const last = events(run).at(-1);
    expect(last).toMatchObject({ event: 'failed', watch: 'non-finite', step: 0 });
    expect(last?.action).toMatch(
      /^The run was stopped before anything of it was saved\. Lower training\.learning_rate/,
    );
    expect(state(run)).toMatchObject({ status: 'failed' });
    expect(readdirSync(path.join(run, 'checkpoints'))).toEqual([]);
  });

  test('in an evaluation say which one', async () => {
    const config = fixture.config('infEval', { adapter: { init_from: path.join(fixture.folder, 'enlarged') } });
    const { status, stderr } = await engine.run('train', config, '--run', at('infEval'), '--json');
    expect(status).toBe(2);
    expect(stderr).toMatch(/the evaluation of step 0 stopped the run: the loss is (NaN|Infinity)/);
    expect(events(at('infEval')).at(-1)).toMatchObject({ event: 'failed', watch: 'non-finite' });
  });
});

test('a sample unlike the others is a loss spike: an event with its place, and training goes on', async () => {
  const data = path.join(fixture.folder, 'odd.jsonl');
  const easy = Array.from({ length: 60 }, () => '{"prompt":"aaaa","completion":"bbbbbbbb"}');
  easy[45] = '{"prompt":"aaaa","completion":"zQ9#xW~!"}';
  writeFileSync(data, `${easy.join('\n')}\n`);
  const training = {
    max_steps: 60,
    learning_rate: 0.05,
    lr_scheduler_type: 'constant',
    per_device_train_batch_size: 1,
    gradient_accumulation_steps: 1,
    shuffle: false,
    group_by_length: false,
    eval_steps: 100,
  };
  const config = fixture.config('odd', { data: { train: data }, adapter: { lora_dropout: 0 }, training });
  const run = at('odd');
  const { status, stderr } = await engine.run('train', config, '--run', run, '--json');
  expect(status).toBe(0);
  const warnings = events(run).filter((e) => e.event === 'warning');
  expect(warnings.map(({ step, watch }) => [step, watch])).toEqual([[46, 'loss-spike']]);
  expect(warnings[0]?.reason).toMatch(/^the loss of step 46 is /);
  expect(warnings[0]?.action).toContain('odd.jsonl:46');
  expect(stderr).toContain('the loss of step 46 is');
  expect(state(run)).toMatchObject({ status: 'finished', step: 60 });
});

test('a watchdog that is switched off says nothing of it', async () => {
  const config = path.join(fixture.folder, 'odd.adapter.yaml');
  const off = ['--set', 'watchdog.loss_spike_sigma=0', '--set', 'watchdog.min_free_mb=0'];
  expect((await engine.run('train', config, ...off, '--run', at('off'))).status).toBe(0);
  expect(events(at('off')).filter((e) => e.event === 'warning')).toEqual([]);
});
