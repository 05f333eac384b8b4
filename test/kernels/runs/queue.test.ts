/** @file The queue of runs: in order, over several processes, with tickets of processes that are gone. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { RunEvent, RunState } from '../../../kernels/protocol/types';
import { liveRuns, QueueTicket } from '../../../kernels/runs/queue';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';
import { temporaryFolder } from '../../support/tinyModel';

const engine = useEngine();
const fixture = trainingFixture();

describe('tickets', () => {
  const cache = temporaryFolder();
  const queue = path.join(cache, 'queue');
  beforeEach(() => {
    process.env['ADAPTER_STUDIO_CACHE'] = cache;
    rmSync(queue, { recursive: true, force: true });
  });
  const take = (name: string, isWaiting = true): QueueTicket =>
    QueueTicket.take({ dir: `/runs/${name}`, name }, isWaiting);

  test('each waits for the last before it, and goes when all before it are gone', () => {
    const [a, b, c] = [take('a', false), take('b'), take('c')];
    expect([a, b, c].map((t) => t.waitsFor()?.name)).toEqual([undefined, 'a', 'b']);
    b.leave();
    expect(c.waitsFor()?.name).toBe('a');
    a.leave();
    expect(c.waitsFor()).toBeNull();
  });

  test('whoever comes after a run that left is still behind those that wait', () => {
    const [a, b] = [take('a'), take('b')];
    a.leave();
    expect(take('c').waitsFor()?.name).toBe('b');
    expect(b.waitsFor()).toBeNull();
  });

  test('the order holds when the clock is set back', () => {
    const a = take('a', false);
    vi.spyOn(Date, 'now').mockReturnValue(1000);
    const b = take('b');
    vi.restoreAllMocks();
    expect([a.waitsFor(), b.waitsFor()?.name]).toEqual([null, 'a']);
  });

  test('a ticket of a process that is gone holds nobody up and is removed; one of another machine is left alone', () => {
    const a = take('a');
    const [name = ''] = readdirSync(queue);
    const ticket = JSON.parse(readFileSync(path.join(queue, name), 'utf8')) as object;
    const at = (file: string, change: object): void =>
      writeFileSync(path.join(queue, file), JSON.stringify({ ...ticket, ...change }));
    a.leave();
    at('000000001-00000000.json', { pid: 2 ** 22 + 1 });
    at('000000002-00000000.json', { process_start: 'another-boot:1' });
    at('000000003-00000000.json', { host: `not-${hostname()}` });
    expect(take('b').waitsFor()).toBeNull();
    expect(readdirSync(queue).filter((f) => f.endsWith('-00000000.json'))).toEqual(
      process.platform === 'linux' ? ['000000003-00000000.json'] : expect.anything(),
    );
  });

  test('live runs are listed in their order, with what they do', () => {
    const [, b] = [take('a', false), take('b')];
    expect(liveRuns()).toEqual([
      expect.objectContaining({ run: '/runs/a', name: 'a', isWaiting: false, pid: process.pid }),
      expect.objectContaining({ run: '/runs/b', isWaiting: true }),
    ]);
    b.begin();
    expect(liveRuns().map((r) => r.isWaiting)).toEqual([false, false]);
  });

  test('a folder that somebody emptied is filled again', () => {
    const a = take('a');
    rmSync(queue, { recursive: true });
    expect(a.waitsFor()).toBeNull();
    expect(liveRuns().map((r) => r.name)).toEqual(['a']);
  });
});

describe('runs', () => {
  const state = (run: string): RunState => JSON.parse(readFileSync(path.join(run, 'state.json'), 'utf8')) as RunState;
  const at = (name: string): string => path.join(fixture.folder, 'runs', name);
  const events = (run: string): RunEvent[] => readRecords<RunEvent>(path.join(run, 'events.jsonl'));
  const until = (run: string, status: RunState['status']): Promise<void> =>
    vi.waitFor(() => expect(state(run).status).toBe(status), { timeout: 30_000, interval: 20 });

  test('a second waits for the first, says so, and trains when the first has ended; a third was cancelled meanwhile', async () => {
    const config = fixture.config('queued', { training: { max_steps: 12 } });
    const long = fixture.config('long', { training: { max_steps: 5000 } });
    const first = engine.start(['train', long, '--run', at('first'), '--json']);
    await first.until((out) => out.includes('"step":2,'));
    const second = engine.start(['train', config, '--run', at('second'), '--queue', '--json']);
    await until(at('second'), 'queued');
    const third = engine.start(['train', config, '--run', at('third'), '--queue', '--json']);
    await until(at('third'), 'queued');
    await vi.waitFor(() => expect(events(at('third')).at(-1)?.event).toBe('queued'));

    expect((await engine.run('stop', at('third'), '--json')).records()).toEqual([{ run: at('third'), step: 0 }]);
    expect((await third.finished).status).toBe(130);
    expect(state(at('third'))).toMatchObject({ status: 'stopped', step: 0 });

    expect(state(at('second')).status).toBe('queued');
    expect((await engine.run('stop', at('first'))).status).toBe(0);
    expect((await second.finished).status).toBe(0);
    expect(state(at('second'))).toMatchObject({ status: 'finished', step: 12 });
    expect(
      events(at('second'))
        .map((e) => e.event)
        .slice(0, 2),
    ).toEqual(['queued', 'started']);
    expect(events(at('second'))[0]?.reason).toBe(`waits for long (${at('first')}, process ${first.child.pid})`);
    expect((await first.finished).status).toBe(130);

    // Nothing of the cancelled one is lost: it can be resumed, and begins at the beginning.
    expect((await engine.run('resume', at('third'))).status).toBe(0);
    expect(state(at('third'))).toMatchObject({ status: 'finished', step: 12 });
  });

  test('a run that was killed while it waited has failed and can be resumed; one that was killed holds nobody up', async () => {
    const config = fixture.config('killed', { training: { max_steps: 12 } });
    const long = fixture.config('endless', { training: { max_steps: 5000 } });
    const first = engine.start(['train', long, '--run', at('holder'), '--json']);
    await first.until((out) => out.includes('"step":2,'));
    const waiting = engine.start(['train', config, '--run', at('waiting'), '--queue', '--json']);
    await until(at('waiting'), 'queued');
    waiting.child.kill('SIGKILL');
    await waiting.finished;
    const { runs } = (await engine.run('runs', path.dirname(at('waiting')), '--json')).records()[0] as {
      runs: { run: string; status: string }[];
    };
    expect(runs.find((r) => r.run === at('waiting'))?.status).toBe('failed');
    const again = engine.start(['resume', at('waiting'), '--queue', '--json']);
    await until(at('waiting'), 'queued');
    first.child.kill('SIGKILL');
    expect((await again.finished).status).toBe(0);
    expect(state(at('waiting'))).toMatchObject({ status: 'finished', step: 12 });
  });
});
