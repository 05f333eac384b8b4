/** @file A short soak, and that its look at a run folder sees what it is there to see. */
import { build } from 'esbuild';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { MetricRecord } from '../../../kernels/protocol/types';
import { useEngine } from '../../support/engine';
import { readRecords, trainingFixture } from '../../support/trainingFixture';
import { runChecked } from '../shared/childProcess';
import { NOTHING, verifyFinished, verifyRun } from './verify';

const engine = useEngine();

test('twelve kills of runs, kernels and editors lose nothing', async () => {
  const program = path.join(path.dirname(engine.program), 'soak.js');
  await build({
    entryPoints: [path.resolve('test/tools/soak/main.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  });
  const args = ['kills', '--count', '12', '--seed', '3', '--program', engine.program];
  const { stdout } = await runChecked(process.execPath, [program, ...args]);
  expect(stdout).toMatch(/12 kills in \d+ s: nothing was lost/);
}, 300_000);

describe('a look at a run folder', () => {
  const fixture = trainingFixture();
  const reference = path.join(fixture.folder, 'runs', 'reference');
  const dir = path.join(fixture.folder, 'runs', 'damaged');
  const at = (...parts: string[]): string => path.join(dir, ...parts);
  const metrics = (): MetricRecord[] => readRecords<MetricRecord>(path.join(reference, 'metrics.jsonl'));
  beforeAll(async () => {
    const config = fixture.config('looked', { training: { max_steps: 10 }, samples: { prompts: ['a'] } });
    expect((await engine.run('train', config, '--run', reference)).status).toBe(0);
  });

  test('finds nothing wrong with a whole one, nor with temporary files and half a line at the end', () => {
    cpSync(reference, dir, { recursive: true, force: true });
    expect(verifyFinished(dir, reference)).toEqual([]);
    writeFileSync(at('.state.json.12-ab.tmp'), '{"sta');
    mkdirSync(at('checkpoints', '.step-000020.12-ab.tmp'));
    appendFileSync(at('metrics.jsonl'), '{"kind":"tr');
    expect(verifyRun(dir, { metrics: metrics(), checkpoints: [5, 10] }, reference)).toEqual([]);
  });

  test.each<readonly [string, () => void, RegExp]>([
    ['half a state', () => truncateSync(at('state.json'), 20), /^state\.json: /],
    ['an empty state', () => truncateSync(at('state.json'), 0), /state\.json is empty/],
    ['half a record inside', () => editMetrics((text) => text.replace('"loss"', '\n')), /metrics\.jsonl is no record/],
    ['a record that is gone', () => editMetrics((text) => text.replace(/.*"step":7,.*\n/, '')), /lost train 7/],
    [
      'another loss',
      () => editMetrics((text) => text.replace(/("step":7,.*"loss":)/, '$19')),
      /train 7 is .*, expected/,
    ],
    [
      'a cut weight file',
      () => truncateSync(at('checkpoints', 'step-000005', 'adapter_model.safetensors'), 900),
      /^checkpoints: /,
    ],
    ['a file missing', () => rmSync(at('checkpoints', 'step-000005', 'optimizer.safetensors')), /optimizer/],
    [
      'a checkpoint missing',
      () => rmSync(at('checkpoints', 'step-000005'), { recursive: true }),
      /lost that of step 5/,
    ],
    ['half an adapter', () => rmSync(at('adapter', 'adapter_model.safetensors')), /^adapter: /],
    ['a file of nobody', () => writeFileSync(at('core'), ''), /^core: a file that nobody knows/],
  ])('finds %s', (_, damage, expected) => {
    rmSync(dir, { recursive: true, force: true });
    cpSync(reference, dir, { recursive: true });
    damage();
    expect(verifyRun(dir, { ...NOTHING, metrics: metrics() }, reference).join('\n')).toMatch(expected);
  });

  function editMetrics(change: (text: string) => string): void {
    writeFileSync(at('metrics.jsonl'), change(readFileSync(at('metrics.jsonl'), 'utf8')));
  }
});
