/** @file Where the cursor is, in texts that are being written. `|` marks the cursor. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cursorAt } from '../../../kernels/language/cursor';

function at(marked: string) {
  const offset = marked.indexOf('|');
  return cursorAt(marked.slice(0, offset) + marked.slice(offset + 1), offset);
}

/** `role path "typed"`, with flags. */
function place(marked: string): string {
  const cursor = at(marked);
  if (!cursor) return 'nothing';
  const flags = [
    cursor.hasColon && 'colon',
    cursor.needsSpace && 'space',
    cursor.isQuoted && 'quoted',
    cursor.isFlow && 'flow',
  ];
  return [cursor.role, cursor.path.join('.') || '-', JSON.stringify(cursor.typed), ...flags.filter(Boolean)].join(' ');
}

const head = 'version: 1\ndata:\n  train: a.jsonl\ntraining:\n';

describe('the cursor is', () => {
  it.each([
    ['', '|', 'key - ""'],
    ['a word at the top', 'mo|', 'key - "mo"'],
    ['a word with more behind it', 'mo|del: x', 'key - "mo" colon'],
    ['a key of a section', `${head}  le|`, 'key training "le"'],
    ['an empty line in a section', `${head}  |`, 'key training ""'],
    ['an empty line in a section with keys', `${head}  seed: 1\n  |\n  shuffle: true`, 'key training ""'],
    ['an empty line between sections', `${head}  seed: 1\n|\nruntime:\n  device: cpu`, 'key - ""'],
    ['a value', `${head}  seed: 4|`, 'value training.seed "4"'],
    ['an empty value', `${head}  seed: |`, 'value training.seed ""'],
    ['right behind a colon', `${head}  seed:|`, 'value training.seed "" space'],
    ['a value in quotes', 'model: "./ba|', 'value model "./ba" quoted'],
    ['behind a closed quote', 'model: "./ba"|', 'nothing'],
    ['an item of a block list', 'adapter:\n  target_modules:\n    - q_|', 'item adapter.target_modules "q_"'],
    ['right behind a dash', 'adapter:\n  target_modules:\n    -|', 'item adapter.target_modules "" space'],
    ['a second item', 'data:\n  train:\n    - a\n    - |', 'item data.train ""'],
    ['an item at the indent of its key', 'data:\n  train:\n  - a\n  - b|', 'item data.train "b"'],
    ['a key behind such a list', 'data:\n  train:\n  - a\n  ev|', 'key data "ev"'],
    ['below a key without a value', 'data:\n  train:\n    |', 'key data.train ""'],
    ['a flow list', 'adapter:\n  target_modules: [q_proj, v_|]', 'item adapter.target_modules "v_" flow'],
    ['an open flow list', 'adapter:\n  target_modules: [|', 'item adapter.target_modules "" flow'],
    [
      'an open flow list with text below',
      'adapter:\n  target_modules: [q_proj, |\ntraining:\n  seed: 1',
      'item adapter.target_modules "" flow',
    ],
    [
      'below a flow list that was never closed',
      'adapter:\n  target_modules: [q_proj,\ntraining:\n  se|',
      'key training "se"',
    ],
    [
      'a flow list over lines',
      'adapter:\n  target_modules: [\n    q_proj,\n    v|\n  ]',
      'item adapter.target_modules "v" flow',
    ],
    ['a flow mapping', 'adapter: { method: lora, r|', 'key adapter "r" flow'],
    ['a value in a flow mapping', 'adapter: { method: lo|', 'value adapter.method "lo" flow'],
    [
      'a list in a flow mapping',
      'adapter: { method: lora, target_modules: [a, b|',
      'item adapter.target_modules "b" flow',
    ],
    ['a key of a pattern', 'adapter:\n  rank_pattern:\n    q|', 'key adapter.rank_pattern "q"'],
    ['a key with a colon inside', 'adapter:\n  rank_pattern:\n    a:b|', 'key adapter.rank_pattern "a:b"'],
    ['behind an alias', 'data:\n  train: &all fi|', 'value data.train "fi"'],
    ['in a comment', 'model: x # is |', 'nothing'],
    ['in a comment of its own', '# |', 'nothing'],
    ['in a block of text', 'output: |\n  some'.replace('|', '>') + ' te|', 'nothing'],
    ['deeper than a finished value', 'model: x\n    mo|', 'nothing'],
    ['behind a flow list', 'data:\n  train: [a] |', 'nothing'],
    ['behind broken lines', 'model x\n:::\ndata:\n  tr|', 'key data "tr"'],
    ['in a file with Windows line ends', 'data:\r\n  train: a\r\n  ev|', 'key data "ev"'],
  ])('%s', (_, text, expected) => {
    expect(place(text)).toBe(expected);
  });

  it('replaces the whole word and says what stands beside it', () => {
    const cursor = at('adapter:\n  target_modules: [q_proj, v_|proj, o_proj]\n')!;
    expect(cursor.beside).toEqual(['q_proj', 'o_proj']);
    expect(cursor.span).toEqual({ start: 36, end: 42 });
    expect(cursor.rest).toBe('adapter:\n  target_modules: [q_proj, , o_proj]\n');
    expect(at('adapter: { method: lora, r|\ntraining:\n')!.rest).toBe('adapter: { method: lora,  }\ntraining:\n');
  });

  it('leaves out what is being written', () => {
    expect(at('data:\n  tr|ai: x\n  eval: y')!.rest).toBe('data:\n  \n  eval: y');
    expect(at('data:\n  train: x|y\n  eval: y')!.rest).toBe('data:\n  train:\n  eval: y');
  });
});

it('a cursor is found or not, but nothing is thrown, in whatever text', () => {
  const yaml = fc.array(
    fc.constantFrom(
      'a',
      ' ',
      '  ',
      '\n',
      '\r\n',
      ':',
      ': ',
      '- ',
      '-',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      "'",
      '#',
      '|',
      '>',
      '&x ',
      '*x',
      '\\',
      '\t',
      '---',
    ),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(yaml, fc.nat(60), (parts, offset) => {
      const text = parts.join('');
      const cursor = cursorAt(text, offset);
      if (!cursor) return;
      const at = Math.min(offset, text.length);
      expect(cursor.span.start).toBeLessThanOrEqual(at);
      expect(cursor.span.end).toBeGreaterThanOrEqual(at);
      expect(text.slice(cursor.span.start, at)).toBe(cursor.typed);
      expect(cursor.typed).not.toContain('\n');
    }),
    { numRuns: 1000 },
  );
});
