/** @file What a configuration asks of its model and the model does not have: told once, at its line, with the way to put it right. */
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkConfig } from '../../../kernels/check/checkConfig';
import { formatProblem } from '../../../kernels/protocol/errors';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const file = path.join(fixture.folder, 'x.adapter.yaml');
const problems = (adapter: string) =>
  checkConfig(
    file,
    `version: 1\nmodel: ${fixture.model}\ndata:\n  train: train.jsonl\n  max_length: 64\nadapter:\n${adapter}training:\n  max_steps: 2\n`,
  ).problems;

test.each([
  ['target_modules', '"(["'],
  ['exclude_modules', '"(["'],
  ['rank_pattern', '{ "([": 4 }'],
  ['alpha_pattern', '{ "([": 4 }'],
])('a broken regular expression of %s is told once, at its line', (key, value) => {
  const found = problems(`  method: lora\n  r: 4\n  ${key}: ${value}\n`);
  expect(found.map(formatProblem)).toEqual([
    expect.stringMatching(
      `x.adapter.yaml:9: adapter.${key}: "\\(\\[" is not a regular expression \\([^()]+\\); expected one that JavaScript knows$`,
    ),
  ]);
});

test.each(['target_modules: [q_porj, v_proj]', 'rank_pattern: { q_porj: 4 }'])(
  'a slip in %s names the module that was meant',
  (key) => {
    const [problem] = problems(`  method: lora\n  ${key}\n`);
    expect(problem?.expected).toMatch(/; did you mean q_proj\?$/);
    expect(problem?.fixes?.[0]?.title).toBe('Change to q_proj');
  },
);

test('more linked blocks than there are can be changed to the most, or to all', () => {
  const [problem, ...others] = problems('  method: reslora\n  variant: bs\n  pre_num: 90\n');
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ where: 'adapter.pre_num', line: 9 });
  const edits = problem?.fixes?.map(({ edits }) => edits);
  expect(edits).toEqual([1, -1].map((value) => [{ kind: 'set', path: ['adapter', 'pre_num'], value }]));
});

test.each([
  ['reslora', 'variant: bs', 'window: 7', 9, 'window'],
  ['reslora', 'variant: bs', 'merge: weight', 9, 'merge'],
  ['reslora', 'variant: is', 'pre_num: 2', 9, 'pre_num'],
  ['lora', 'init_lora_weights: orthogonal', 'r: 3', 9, 'r'],
  ['lora', 'r: 2', 'lora_bias: true', 9, 'lora_bias'],
])('%s with %s refuses %s at its own line', (method, first, second, line, key) => {
  const found = problems(`  method: ${method}\n  ${first}\n  ${second}\n`);
  expect(found).toMatchObject([{ where: `adapter.${key}`, line, severity: 'error' }]);
});
