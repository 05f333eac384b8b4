/** @file Figures beside the keys of a configuration: only what is certain. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { dataReport } from '../../../kernels/check/dataReport';
import { readConfig } from '../../../kernels/check/checkConfig';
import { hints } from '../../../kernels/language/hints';
import { TRAIN_SAMPLES, trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const signal = new AbortController().signal;

function hintsOf(file: string) {
  const text = readFileSync(file, 'utf8');
  const lines = text.split('\n');
  return hints({ path: file, text }).flatMap(({ key, at, ...figures }) => {
    if (!at) return [];
    const content = lines[at.line - 1]!;
    expect(at.column).toBe(content.length + 1);
    expect(content.trim()).toContain(key.split('.').at(-1));
    return figures.kind === 'memory' ? [] : [{ at: content.trim(), ...figures }];
  });
}

it('an embedding that is named counts among the layers', () => {
  const file = fixture.config('outer', { adapter: { target_modules: ['q_proj', 'embed_tokens'] } });
  expect(hintsOf(file)).toContainEqual({ at: 'target_modules:', kind: 'modules', matched: 3, total: 15 });
});

it('trained parameters and the batch are said at once, samples and steps when the data was read', async () => {
  const file = fixture.config('hints', {
    adapter: { target_modules: ['q_proj', 'v_proj'] },
    training: { max_steps: 24 },
  });
  expect(hintsOf(file)).toEqual([
    { at: 'r: 3', kind: 'parameters', trainable: 2 * 3 * (16 + 24 + 16 + 12), base: expect.any(Number) as number },
    { at: 'target_modules:', kind: 'modules', matched: 4, total: 14 },
    { at: 'gradient_accumulation_steps: 2', kind: 'batch', samples: 6 },
  ]);
  await dataReport(readConfig(file), { signal });
  expect(hintsOf(file)).toEqual(
    expect.arrayContaining([
      { at: 'train: train.jsonl', kind: 'samples', samples: TRAIN_SAMPLES, evaluation: 6 },
      { at: 'max_steps: 24', kind: 'steps', perEpoch: 7, total: 24, epochs: 24 / 7 },
    ]),
  );
});

it('a share for evaluation is taken off the samples, and epochs become steps', async () => {
  const file = fixture.config('share', {
    data: { eval: undefined, eval_fraction: 0.25 },
    training: { max_steps: undefined, num_train_epochs: 2 },
  });
  await dataReport(readConfig(file), { signal });
  expect(hintsOf(file)).toEqual(
    expect.arrayContaining([
      { at: 'train: train.jsonl', kind: 'samples', samples: 31, evaluation: 10 },
      { at: 'num_train_epochs: 2', kind: 'steps', perEpoch: 6, total: 12, epochs: 2 },
    ]),
  );
});

it('nothing is said of data that changed since, was not read to its end, or is wrong', async () => {
  const file = fixture.config('changed', { data: { train: 'changed.jsonl' } });
  const data = path.join(fixture.folder, 'changed.jsonl');
  const row = JSON.stringify({ prompt: 'a', completion: 'b' });
  const kinds = () => hintsOf(file).map(({ kind }) => kind);
  writeFileSync(data, `${row}\n`);
  await dataReport(readConfig(file), { signal });
  expect(kinds()).toContain('samples');
  writeFileSync(data, `${row}\n${row}x\n`);
  expect(kinds()).not.toContain('samples');
  await dataReport(readConfig(file), { signal });
  expect(kinds()).not.toContain('samples');
  writeFileSync(data, `${row}\n`.repeat(20));
  await dataReport(readConfig(file), { signal, mostRows: 5 });
  expect(kinds()).not.toContain('steps');
});

it('a configuration with errors has no figures, one whose model is not there none about it', () => {
  expect(hints({ path: '/nowhere/x.adapter.yaml', text: 'version: 2\n' })).toEqual([]);
});

it('the figures of the rest stay while a key is being written', () => {
  const file = fixture.config('writing', { training: { max_steps: 24 } });
  const text = readFileSync(file, 'utf8');
  const kinds = (added: string) => hints({ path: file, text: `${text}${added}` }).map(({ kind }) => kind);
  expect(kinds('runti')).toEqual(kinds(''));
  expect(kinds('unknown: 1\n')).toEqual(kinds(''));
  expect(kinds('a\nb\nc\n')).toEqual([]);
  expect(kinds('')).toContain('memory');
});
