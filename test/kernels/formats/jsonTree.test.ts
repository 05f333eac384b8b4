/** @file Strict JSON against `JSON.parse`, and what it keeps and refuses beyond that. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonNode, jsonValue, parseJson, printJson } from '../../../kernels/formats/jsonTree';
import { KernelError } from '../../../kernels/protocol/errors';

function problemOf(text: string) {
  try {
    parseJson(text, 'f.json');
  } catch (error) {
    if (KernelError.is(error, 'format/invalid')) return error.problems[0];
    throw error;
  }
  return undefined;
}

test('any JSON value parses to what JSON.parse gives and prints back to itself', () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: 'medium' }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const tree = parseJson(JSON.stringify(value, undefined, indent), 'f.json');
      expect(JSON.stringify(jsonValue(tree))).toBe(JSON.stringify(value));
      expect(JSON.stringify(JSON.parse(printJson(tree)))).toBe(JSON.stringify(value));
      expect(parseJson(printJson(jsonNode(value)), 'f.json')).toEqual(tree);
    }),
  );
});

test('any text is accepted exactly when JSON.parse accepts it', () => {
  const pieces = fc.constantFrom(
    ...'{}[],:"\\ \n0123456789.-+eEtruefalsnu\'abc\u0001\ud800é'.split(''),
    'true',
    'null',
    '"a"',
    '\\u00',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('');
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expect(problemOf(text)).toBeDefined();
        return;
      }
      const problem = problemOf(text);
      if (problem) expect(problem.expected).toContain('each key once');
      else expect(jsonValue(parseJson(text, 'f'))).toEqual(expected);
    }),
    { numRuns: 3000 },
  );
});

test('numbers keep their spelling', () => {
  const text = '[1.0, 1e-05, 12345678901234567890, -0]';
  expect(printJson(parseJson(text, 'f.json')).replace(/\s+/g, ' ')).toBe('[ 1.0, 1e-05, 12345678901234567890, -0 ]');
});

test('the printed text is that of json.dumps with an indent of two', () => {
  const text =
    '{\n  "a": [],\n  "b": {\n    "\\u00e9\\ud83d\\ude00": [\n      1.0,\n      null\n    ]\n  },\n  "c": {}\n}';
  expect(printJson(parseJson(text, 'f.json'))).toBe(text);
});

test('a mistake names its line and column', () => {
  expect(problemOf('{\n "a": 1,\n "b" 2}')).toMatchObject({ file: 'f.json', line: 3, column: 6 });
  expect(problemOf('[1, 2')).toMatchObject({ line: 1, found: 'the text ends' });
  expect(problemOf('{"a": 1, "a": 2}')?.expected).toContain('"a" is repeated');
});

test('a key named __proto__ is a key like any other', () => {
  const value = jsonValue(parseJson('{"__proto__": {"x": 1}}', 'f.json')) as object;
  expect(Object.keys(value)).toEqual(['__proto__']);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test('endless nesting is refused, not a stack overflow', () => {
  expect(problemOf('['.repeat(100_000))?.expected).toContain('nested');
});
