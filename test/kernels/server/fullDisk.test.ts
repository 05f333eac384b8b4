/** @file A full disk stops a run with a reason, takes nothing that was saved, and a resume goes on when there is room. */
import { existsSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RunEvent, RunState } from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { fullDiskFor, smallDisk } from '../../support/fullDisk';
import { readRecords, trainingFixture } from '../../support/trainingFixture';
import { NOTHING, verifyFinished, verifyRun } from '../../tools/soak/verify';

const engine = useEngine();
const fixture = trainingFixture();
const at = (name: string): string => path.join(fixture.folder, 'runs', name);
const state = (run: string): RunState => JSON.parse(readFileSync(path.join(run, 'state.json'), 'utf8')) as RunState;
const checkpoints = (run: string): string[] =>
  readdirSync(path.join(run, 'checkpoints')).filter((n) => !n.startsWith('.'));
const events = (run: string): RunEvent[] => readRecords<RunEvent>(path.join(run, 'events.jsonl'));

const training = { max_steps: 24, save_steps: 5 };
const samples = { prompts: ['abc'], max_new_tokens: 3 };
const reference = at('reference');
let config: string;
beforeAll(async () => {
  config = fixture.config('full', { training, samples });
  expect((await engine.run('train', config, '--run', reference)).status).toBe(0);
});

describe.each([
  // The pattern of what cannot be written, and from which write on.
  { what: 'a line of metrics', pattern: 'metrics\\.jsonl', nth: 18 },
  { what: 'a spectrum', pattern: 'spectra\\.jsonl', nth: 18 },
  { what: 'an event', pattern: 'events\\.jsonl', nth: 7 },
  { what: 'the samples', pattern: 'samples\\.jsonl', nth: 3 },
  { what: 'the state', pattern: 'state\\.json', nth: 12 },
  { what: 'the weights of a checkpoint', pattern: 'step-0000(15|20).*adapter_model', nth: 2 },
  { what: 'the moments of a checkpoint', pattern: 'step-0000(15|20).*optimizer', nth: 9 },
  { what: 'the log', pattern: 'log\\.txt', nth: 9 },
  { what: 'the final adapter', pattern: '\\.adapter\\..*adapter_model', nth: 4 },
])('a full disk at $what', ({ what, pattern, nth }) => {
  const run = at(what.replaceAll(' ', '-'));

  test('fails the run with the reason and exit status 3, and every checkpoint is whole', async () => {
    const env = fullDiskFor(fixture.folder, pattern, nth);
    const { status, stderr } = await engine.start(['train', config, '--run', run, '--json'], env).finished;
    expect(stderr).toMatch(
      /cannot write .*: the disk is full \(.* free\); a checkpoint of this run takes .*\. The run was stopped/,
    );
    expect(stderr).toContain('Make room, then resume the run.');
    expect(status).toBe(3);
    expect(checkpoints(run)).not.toEqual([]);
    expect(verifyRun(run, NOTHING, reference)).toEqual([]);
    const { runs } = (await engine.run('runs', path.dirname(run), '--json')).records()[0] as {
      runs: { run: string; status: string }[];
    };
    expect(runs.find((r) => r.run === run)?.status).toBe('failed');
    // Where the state itself cannot be written, its process that is gone says so.
    if (!pattern.startsWith('state')) expect(state(run).error).toContain('the disk is full');
    if (!pattern.startsWith('state') && !pattern.startsWith('events')) {
      expect(events(run).at(-1)).toMatchObject({ event: 'failed', watch: 'disk-low' });
      expect(events(run).at(-1)?.action).toMatch(/The last checkpoint, of step \d+, is whole\. Make room, then resume/);
    }
  });

  test('with room again the run goes on exactly', async () => {
    expect((await engine.run('resume', run)).status).toBe(0);
    expect(verifyFinished(run, reference)).toEqual([]);
  });
});

const disk = smallDisk(1);

describe.skipIf(!disk)('a small disk', () => {
  const dir = disk?.dir ?? '';
  const run = path.join(dir, 'run');

  test('that fills up stops the run, which says why in its state, and keeps its last checkpoint', async () => {
    const long = fixture.config('long', { training: { max_steps: 3000, save_steps: 5 } });
    const { status, stderr } = await engine.run('train', long, '--run', run, '--json');
    expect(stderr).toMatch(/The last checkpoint, of step \d+, is whole/);
    expect(status).toBe(3);
    expect(state(run)).toMatchObject({ status: 'failed' });
    expect(state(run).error).toMatch(/free on the disk of .*; a checkpoint of this run takes .* kB|the disk is full/);
    const warnings = events(run).filter((e) => e.event === 'warning');
    expect(warnings[0]).toMatchObject({ watch: 'disk-low' });
    expect(events(run).at(-1)).toMatchObject({ event: 'failed', watch: 'disk-low' });
    const steps = checkpoints(run);
    expect(state(run).error).toContain(`of step ${Number(steps.sort().at(-1)?.slice(5))}, is whole`);
  });

  test('that another program has filled to the last byte lets the run say why it stopped, too', async () => {
    rmSync(run, { recursive: true });
    const long = fixture.config('filled', { training: { max_steps: 3000, save_steps: 60 } });
    const started = engine.start(['train', long, '--run', run, '--json']);
    await started.until((out) => out.includes('"step":64,'));
    const { bavail, bsize } = statfsSync(dir);
    writeFileSync(path.join(dir, 'others'), Buffer.alloc(bavail * bsize));
    const { status, stderr } = await started.finished;
    expect(stderr).toContain('the disk is full');
    expect(status).toBe(3);
    expect(state(run)).toMatchObject({ status: 'failed' });
    expect(state(run).error).toContain('the disk is full');
    expect(events(run).at(-1)).toMatchObject({ event: 'failed', watch: 'disk-low' });
    expect(existsSync(path.join(run, '.room'))).toBe(false);
    rmSync(path.join(dir, 'others'));
    const resumed = engine.start(['resume', run, '--json']);
    await resumed.until((out) => out.includes('"step":70,'));
    resumed.child.kill('SIGINT');
    expect((await resumed.finished).status).toBe(130);
  });
});
