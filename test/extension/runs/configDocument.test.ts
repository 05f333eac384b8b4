/** @file A frozen configuration as a person would write it. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { configDocument, writtenValues } from '../../../extension/runs/configDocument';

const schema = {
  properties: {
    output: { default: 'runs' },
    data: { properties: { max_length: { default: 1024 } } },
    training: { properties: { learning_rate: { default: 2e-4 }, eval_steps: { default: 50 } } },
  },
  definitions: { 'adapter.lora': { properties: { r: { default: 8 }, use_rslora: { default: false } } } },
};
const config = {
  version: 1,
  model: '/ws/base',
  output: '/ws/runs',
  data: { train: ['/ws/train.jsonl'], eval: null, max_length: 64 },
  adapter: { method: 'lora', r: 16, use_rslora: false, target_modules: ['q_proj', 'v_proj'] },
  training: { learning_rate: 2e-4, eval_steps: 50 },
};

test('defaults, empty sections and nothing are left out, paths are changed, a list of one file is that file', () => {
  expect(writtenValues(config, schema, (path) => path.replace('/ws/', './'))).toEqual({
    version: 1,
    model: './base',
    output: './runs',
    data: { train: './train.jsonl', max_length: 64 },
    adapter: { method: 'lora', r: 16, target_modules: ['q_proj', 'v_proj'] },
  });
});

test('keys of a method that this engine does not know stay', () => {
  const adapter = { method: 'future', r: 8 };
  expect(writtenValues({ ...config, adapter }, schema, (path) => path)['adapter']).toEqual(adapter);
});

test('the document says the same, under a comment', () => {
  const text = configDocument(config, 'From the run a.\nTo be changed.');
  expect(text).toMatch(/^# From the run a\.\n# To be changed\.\nversion: 1\n/);
  expect(parse(text)).toEqual(config);
});
