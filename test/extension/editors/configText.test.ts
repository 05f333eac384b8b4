/** @file Edits made by the form: the right value, and nothing else changed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { apply, configValues, editConfigText } from '../../../extension/editors/configText';

const text = `# My first adapter
version: 1
model: ./models/base   # the checkpoint
data:
  train: train.jsonl
  # held out by hand
  eval: "eval.jsonl"

adapter:
  method: lora
  r: 16
  target_modules:
    - q_proj   # query
    - v_proj

training:   # how long
  learning_rate: 2.0e-4
  betas: {beta1: 0.9, beta2: 0.999}
output: runs
`;

function edited(path: (string | number)[], value: unknown, source = text): string {
  const edit = editConfigText(source, path, value);
  return edit ? apply(source, edit) : source;
}

/** Lines of `before` that are not in `after`, and the other way round. */
function changedLines(before: string, after: string) {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return { removed: old.filter((line) => !now.includes(line)), added: now.filter((line) => !old.includes(line)) };
}

describe('editing the text of a configuration', () => {
  test('replacing a number touches only its digits', () => {
    const edit = editConfigText(text, ['adapter', 'r'], 32)!;
    expect(text.slice(edit.start, edit.end)).toBe('16');
    expect(edit.text).toBe('32');
  });

  test('a replaced value keeps the comment behind it', () => {
    expect(edited(['model'], './models/other')).toContain('model: ./models/other   # the checkpoint\n');
  });

  test('a new key goes to the end of its mapping, before what follows', () => {
    const after = edited(['data', 'max_length'], 512);
    expect(changedLines(text, after)).toEqual({ removed: [], added: ['  max_length: 512'] });
    expect(after).toContain('  eval: "eval.jsonl"\n  max_length: 512\n\nadapter:');
  });

  test('a new key in a mapping that is not there yet brings the mapping', () => {
    expect(edited(['runtime', 'device'], 'cpu')).toBe(`${text}runtime:\n  device: cpu\n`);
  });

  test('a file without a line end at its end gets one before the new key', () => {
    expect(edited(['output'], 'runs', 'version: 1')).toBe('version: 1\noutput: runs');
  });

  test('the first key of an empty document is set', () => {
    expect(edited(['adapter', 'r'], 8, '')).toBe('adapter:\n  r: 8\n');
  });

  test('a removed key takes its line and leaves the comment above', () => {
    const after = edited(['data', 'eval'], undefined);
    expect(changedLines(text, after)).toEqual({ removed: ['  eval: "eval.jsonl"'], added: [] });
  });

  test('removing the last key of a mapping removes the mapping', () => {
    expect(edited(['data', 'train'], undefined, 'version: 1\ndata:\n  train: a.jsonl\noutput: runs\n')).toBe(
      'version: 1\noutput: runs\n',
    );
  });

  test('a list is replaced by a new one', () => {
    const after = edited(['adapter', 'target_modules'], ['o_proj']);
    expect(parse(after)).toMatchObject({ adapter: { target_modules: ['o_proj'] }, output: 'runs' });
    expect(after).toContain('  target_modules: [o_proj]\n\ntraining:   # how long');
  });

  test('a list can become one word', () => {
    expect(parse(edited(['adapter', 'target_modules'], 'all-linear'))).toMatchObject({
      adapter: { target_modules: 'all-linear' },
      training: { learning_rate: 2e-4 },
    });
  });

  test('a key inside braces is set', () => {
    expect(edited(['training', 'betas', 'beta2'], 0.99)).toContain('betas: {beta1: 0.9, beta2: 0.99}');
    expect(parse(edited(['training', 'betas', 'beta3'], 1))).toMatchObject({ training: { betas: { beta3: 1 } } });
  });

  test('a number keeps the way it is written when another key changes', () => {
    expect(edited(['training', 'betas'], undefined)).toContain('learning_rate: 2.0e-4\n');
  });

  test('text that looks like a number is quoted', () => {
    expect(parse(edited(['model'], '17'))).toMatchObject({ model: '17' });
  });

  test('a key without a value gets one', () => {
    expect(edited(['model'], './m', 'version: 1\nmodel:\noutput: runs\n')).toBe(
      'version: 1\nmodel: ./m\noutput: runs\n',
    );
  });

  test('a value that is there already is no edit', () => {
    expect(editConfigText(text, ['adapter', 'r'], 16)).toBeUndefined();
    expect(editConfigText(text, ['adapter', 'lora_alpha'], undefined)).toBeUndefined();
  });

  test('Windows line ends stay', () => {
    const after = edited(['adapter', 'lora_alpha'], 32, text.replaceAll('\n', '\r\n'));
    expect(after.replaceAll('\r\n', '')).not.toContain('\n');
    expect(parse(after)).toMatchObject({ adapter: { lora_alpha: 32 } });
  });

  test('text that is not YAML is refused', () => {
    expect(() => editConfigText('a: [1', ['a'], 2)).toThrow(/not valid YAML/);
    expect(configValues('a: [1')).toBeNull();
    expect(configValues('')).toEqual({});
    expect(configValues('- 1')).toBeNull();
  });

  test('any sequence of edits ends with the wanted values and with every comment', () => {
    const key = fc.constantFrom('r', 'lora_alpha', 'eval', 'train', 'method', 'seed', 'new key', '1');
    const section = fc.constantFrom('adapter', 'data', 'training', 'runtime');
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const value = fc.oneof(scalar, fc.array(fc.string()), fc.constant(undefined));
    fc.assert(
      fc.property(fc.array(fc.tuple(section, key, value), { maxLength: 8 }), (edits) => {
        let current = text;
        const expected = parse(text) as Record<string, Record<string, unknown>>;
        for (const [section, key, value] of edits) {
          current = edited([section, key], value, current);
          const map = { ...expected[section] };
          if (value === undefined) delete map[key];
          else map[key] = Object.is(value, -0) ? 0 : value;
          if (Object.keys(map).length === 0) delete expected[section];
          else expected[section] = map;
        }
        expect(normal(parse(current))).toEqual(normal(expected));
        expect(current).toContain('# My first adapter');
        expect(current).toContain('# the checkpoint');
      }),
    );
  });
});

/** Minus zero has no sign in the text. */
const normal = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
