/** @file Stop and resume are exact: whatever interrupts a run, what it leaves at the end is what it would have left without. */
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type {
  EvalRecord,
  MetricRecord,
  RunEvent,
  RunState,
  SpectrumRecord,
  TrainRecord,
} from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const STEPS = 24;
const run = (name: string): string => path.join(fixture.folder, 'runs', name);

let reference: string;
let config: string;
beforeAll(async () => {
  config = fixture.config('exact');
  reference = run('reference');
  const finished = await engine.run('train', config, '--run', reference, '--json');
  expect(finished.stderr).toBe('');
  expect(finished.status).toBe(0);
});

const metrics = (dir: string): MetricRecord[] => readRecords(path.join(dir, 'metrics.jsonl'));
const events = (dir: string): RunEvent[] => readRecords(path.join(dir, 'events.jsonl'));
const state = (dir: string): RunState => JSON.parse(readFileSync(path.join(dir, 'state.json'), 'utf8')) as RunState;
const file = (dir: string, ...parts: string[]): Buffer => readFileSync(path.join(dir, ...parts));

/** What must not depend on interruptions: everything but clocks and memory. */
function timeless(record: MetricRecord): object {
  if (record.kind === 'eval') {
    const { time: _time, ...rest } = record;
    return rest;
  }
  const { time: _time, step_seconds: _seconds, rss: _rss, ...rest } = record;
  return rest;
}

function expectSameAsReference(dir: string): void {
  expect(metrics(dir).map(timeless)).toEqual(metrics(reference).map(timeless));
  expect(file(dir, 'spectra.jsonl').equals(file(reference, 'spectra.jsonl'))).toBe(true);
  const weights = 'adapter_model.safetensors';
  expect(file(dir, 'adapter', weights).equals(file(reference, 'adapter', weights))).toBe(true);
  const last = path.join('checkpoints', `step-${String(STEPS).padStart(6, '0')}`);
  for (const name of [weights, 'optimizer.safetensors', 'trainer_state.json']) {
    expect(file(dir, last, name).equals(file(reference, last, name)), name).toBe(true);
  }
  expect(state(dir)).toMatchObject({ status: 'finished', step: STEPS, best: state(reference).best });
}

test('a run records each step once, evaluates before the first step, on the way and at the end', () => {
  const all = metrics(reference);
  const train = all.filter((m): m is TrainRecord => m.kind === 'train');
  expect(train.map((m) => m.step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
  const evaluations = all.filter((m): m is EvalRecord => m.kind === 'eval');
  expect(evaluations.map((m) => m.step)).toEqual([0, 8, 16, 24]);
  expect(all[0]?.kind).toBe('eval');
  expect(evaluations.at(-1)?.loss).toBeLessThan(evaluations[0]?.loss ?? 0);
  expect(new Set(readRecords<SpectrumRecord>(path.join(reference, 'spectra.jsonl')).map((r) => r.step)).size).toBe(
    STEPS + 1,
  );
});

test('after Ctrl-C a checkpoint of the last step is there, the exit status is 130, and the run goes on exactly', async () => {
  const dir = run('interrupted');
  const started = engine.start(['train', config, '--run', dir, '--json']);
  await started.until((out) => out.includes('"step":7,'));
  started.child.kill('SIGINT');
  const { status, records } = await started.finished;
  expect(status).toBe(130);
  const { step } = state(dir);
  expect(state(dir).status).toBe('stopped');
  expect(records().at(-1)).toMatchObject({ status: 'stopped', step });
  expect(readdirSync(path.join(dir, 'checkpoints')).sort().at(-1)).toBe(`step-${String(step).padStart(6, '0')}`);
  const resumed = await engine.run('resume', dir, '--json');
  expect(resumed.status).toBe(0);
  expectSameAsReference(dir);
  expect(events(dir).map((e) => e.event)).toEqual(
    expect.arrayContaining(['started', 'stopped', 'resumed', 'finished']),
  );
});

test('the stop command returns when the run has saved, and the run goes on exactly', async () => {
  const dir = run('stopped');
  const started = engine.start(['train', config, '--run', dir, '--json']);
  await started.until((out) => out.includes('"step":9,'));
  const stopped = await engine.run('stop', dir, '--json');
  expect(stopped.status).toBe(0);
  expect(stopped.records()).toEqual([{ run: dir, step: state(dir).step }]);
  expect((await started.finished).status).toBe(130);
  expect((await engine.run('resume', dir)).status).toBe(0);
  expectSameAsReference(dir);
});

test('killed at any moment, several times, the run goes on exactly', async () => {
  const dir = run('killed');
  let next = ['train', config, '--run', dir];
  for (let kills = 0; kills < 3; kills++) {
    const started = engine.start([...next, '--json']);
    await started.until((out) => out.includes('"kind":'));
    await new Promise((resume) => setTimeout(resume, Math.random() * 400));
    started.child.kill('SIGKILL');
    const { status, signal } = await started.finished;
    if (signal === null) {
      expect(status).toBe(0); // it was faster
      break;
    }
    const listed = await engine.run('runs', path.dirname(dir), '--json');
    const { runs } = listed.records()[0] as { runs: { run: string; status: string }[] };
    expect(runs.find((r) => r.run === dir)?.status).toBe('failed');
    next = ['resume', dir];
  }
  if (state(dir).status !== 'finished') expect((await engine.run('resume', dir)).status).toBe(0);
  expectSameAsReference(dir);
});

describe('a folder as a process leaves it that dies', () => {
  /** The finished run as it was after `step`, which has no checkpoint: the last one is that of `checkpoint`. */
  function deadRun(name: string, step: number, checkpoint: number): string {
    const dir = run(name);
    cpSync(reference, dir, { recursive: true });
    rmSync(path.join(dir, 'adapter'), { recursive: true });
    for (const saved of readdirSync(path.join(dir, 'checkpoints'))) {
      if (Number(saved.slice(5)) > checkpoint) rmSync(path.join(dir, 'checkpoints', saved), { recursive: true });
    }
    for (const records of ['metrics.jsonl', 'spectra.jsonl', 'activity.jsonl', 'events.jsonl']) {
      const kept = readRecords<{ step: number }>(path.join(dir, records)).filter((r) => r.step <= step);
      writeFileSync(path.join(dir, records), kept.map((r) => `${JSON.stringify(r)}\n`).join(''));
    }
    writeFileSync(
      path.join(dir, 'state.json'),
      JSON.stringify({ ...state(dir), status: 'running', pid: 2 ** 22 + 1, step }),
    );
    return dir;
  }

  test('records past the checkpoint are removed and an event says so', async () => {
    const dir = deadRun('past', 19, 15);
    expect((await engine.run('resume', dir)).status).toBe(0);
    expectSameAsReference(dir);
    const resumed = events(dir).find((e) => e.event === 'resumed');
    // Four steps with their activity, the evaluation of step 16, and four spectra of each of the fourteen layers.
    expect(resumed).toMatchObject({
      step: 15,
      reason: `from the checkpoint of step 15; ${4 + 4 + 1 + 4 * 14} later records removed`,
    });
  });

  test('half a line at the end of a file, half a checkpoint and a whole line without its end do no harm', async () => {
    const dir = deadRun('torn', 15, 15);
    const metricsFile = path.join(dir, 'metrics.jsonl');
    writeFileSync(metricsFile, readFileSync(metricsFile, 'utf8').trimEnd());
    appendFileSync(path.join(dir, 'spectra.jsonl'), '{"step":16,"module":"model.lay');
    appendFileSync(path.join(dir, 'events.jsonl'), '{"event":"checkp');
    cpSync(path.join(dir, 'checkpoints', 'step-000015'), path.join(dir, 'checkpoints', '.step-000020.99-abcd.tmp'), {
      recursive: true,
    });
    expect((await engine.run('resume', dir)).status).toBe(0);
    expectSameAsReference(dir);
    expect(events(dir).every((e) => typeof e.step === 'number')).toBe(true);
    expect(readdirSync(path.join(dir, 'checkpoints')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('without a checkpoint the run begins again, the evaluation before the first step too', async () => {
    const dir = deadRun('early', 4, 0);
    expect((await engine.run('resume', dir)).status).toBe(0);
    expectSameAsReference(dir);
  });

  /** Where the file of a checkpoint is. */
  const saved = (dir: string, step: number, name: string): string =>
    path.join(dir, 'checkpoints', `step-${String(step).padStart(6, '0')}`, name);
  const damage: Readonly<Record<string, (file: string) => void>> = {
    'optimizer.safetensors': (file) => truncateSync(file, readFileSync(file).length - 50),
    'trainer_state.json': (file) => writeFileSync(file, '{bad\n'),
    'adapter_model.safetensors': (file) => truncateSync(file, 40),
  };

  test.each(Object.keys(damage))(
    'goes on exactly from the one before when the newest has a broken %s',
    async (name) => {
      const dir = deadRun(`damaged-${name}`, 19, 15);
      damage[name]?.(saved(dir, 15, name));
      const resumed = await engine.run('resume', dir);
      expect(resumed.stderr).toContain('step 10: the checkpoint of step 15 is damaged');
      expect(resumed.status).toBe(0);
      expectSameAsReference(dir);
      const [warning] = events(dir).filter((e) => e.event === 'warning');
      expect(warning?.step).toBe(10);
      expect(warning?.reason).toContain(
        'the checkpoint of step 15 is damaged, it is now checkpoints/step-000015.damaged: ',
      );
      expect(warning?.reason).toContain(saved(dir, 15, name));
      expect(events(dir).find((e) => e.event === 'resumed')?.reason).toMatch(/^from the checkpoint of step 10; /);
      expect(readdirSync(path.join(dir, 'checkpoints'))).toContain('step-000015.damaged');
    },
  );

  test('is refused when no checkpoint is whole, each is named, and the state keeps how far the run is', async () => {
    const dir = deadRun('all-damaged', 19, 15);
    const before = state(dir);
    const records = file(dir, 'metrics.jsonl');
    const names = Object.keys(damage);
    const broken = readdirSync(path.join(dir, 'checkpoints')).map((folder, i) => {
      const name = names[i % names.length] ?? '';
      const broken = path.join(dir, 'checkpoints', folder, name);
      damage[name]?.(broken);
      return broken;
    });
    const refused = await engine.run('resume', dir);
    expect(refused.status).toBe(2);
    for (const name of broken) expect(refused.stderr).toContain(name);
    expect(refused.stderr).toContain('no checkpoint of this run is whole');
    const { step, total_steps, best } = before;
    expect(best).toBeDefined();
    expect(state(dir)).toMatchObject({ status: 'failed', step, total_steps, best });
    expect(events(dir).at(-1)).toMatchObject({ event: 'failed', step });
    expect(file(dir, 'metrics.jsonl').equals(records)).toBe(true);
  });

  test('a run that died after its last step only has to finish', async () => {
    const dir = deadRun('late', STEPS, STEPS);
    expect((await engine.run('resume', dir)).status).toBe(0);
    expectSameAsReference(dir);
  });
});

describe('what cannot be resumed is refused', () => {
  test('a finished run, and one whose data has changed since', async () => {
    const finished = await engine.run('resume', reference);
    expect(finished.status).toBe(2);
    expect(finished.stderr).toContain(`${reference}: is finished; expected a run that was stopped or has failed`);

    const dir = run('changed');
    cpSync(reference, dir, { recursive: true });
    const info = JSON.parse(readFileSync(path.join(dir, 'run.json'), 'utf8')) as { digests: Record<string, string> };
    const digests = { ...info.digests, train: 'of other data' };
    writeFileSync(path.join(dir, 'run.json'), JSON.stringify({ ...info, digests }));
    writeFileSync(path.join(dir, 'state.json'), JSON.stringify({ ...state(dir), status: 'stopped', step: 20 }));
    const refused = await engine.run('resume', dir);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain(
      `${dir}: the training data changed since the run was started; expected the same files`,
    );
    expect(state(dir)).toMatchObject({ status: 'stopped', step: 20 });
  });

  test('a run that another process is working on', async () => {
    const dir = run('busy');
    const started = engine.start(['train', config, '--run', dir, '--json']);
    await started.until((out) => out.includes('"step":2,'));
    const second = await engine.run('resume', dir);
    expect(second.status).toBe(2);
    expect(second.stderr).toMatch(/is running; expected a run that was stopped or has failed/);
    started.child.kill('SIGTERM');
    expect((await started.finished).status).toBe(130);
  });
});
