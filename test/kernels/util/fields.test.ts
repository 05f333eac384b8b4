import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  choice,
  flag,
  integer,
  list,
  map,
  mapPaths,
  number,
  part,
  path,
  text,
  toJsonSchema,
  union,
  withDefaults,
  type ConfigOf,
  type Fields,
} from '../../../kernels/util/fields';

const about = { label: 'A label', help: 'A help text.' };
const file = path({ ...part, path: { kind: 'file', exists: true } });
const fields = {
  r: integer({ ...about, default: 8, min: 1, max: 64, unit: 'rows', group: 'Shape' }),
  alpha: number({ ...about, required: true, above: 0 }),
  stable: flag({ ...about, default: false }),
  bias: choice(['none', 'all'], { ...about, default: 'none' }),
  targets: union([text(part), list(text(part), part)], { ...about, default: 'all-linear' }),
  ranks: map(integer({ ...part, min: 1 }), { ...about, optional: true }),
  files: union([file, list(file, part)], { ...about, optional: true }),
} satisfies Fields;

describe('fields', () => {
  test('give the type of the configuration', () => {
    expectTypeOf<ConfigOf<typeof fields>>().toEqualTypeOf<{
      readonly r: number;
      readonly alpha: number;
      readonly stable: boolean;
      readonly bias: 'none' | 'all';
      readonly targets: string | readonly string[];
      readonly ranks: Readonly<Record<string, number>> | undefined;
      readonly files: string | readonly string[] | undefined;
    }>();
  });

  test('give the schema of an object', () => {
    expect(toJsonSchema({ r: fields.r, alpha: fields.alpha })).toEqual({
      type: 'object',
      additionalProperties: false,
      required: ['alpha'],
      properties: {
        r: {
          title: 'A label',
          description: 'A help text.',
          type: 'integer',
          minimum: 1,
          maximum: 64,
          default: 8,
          'x-order': 0,
          'x-group': 'Shape',
          'x-unit': 'rows',
        },
        alpha: {
          title: 'A label',
          description: 'A help text.',
          type: 'number',
          exclusiveMinimum: 0,
          'x-order': 1,
        },
      },
    });
  });

  test('fill in defaults and leave out what they do not know', () => {
    expect(withDefaults(fields, { alpha: 2, stable: false, other: 1 })).toEqual({
      r: 8,
      alpha: 2,
      stable: false,
      bias: 'none',
      targets: 'all-linear',
      ranks: undefined,
      files: undefined,
    });
  });

  test('find the paths in a value, alone or in a list', () => {
    const change = (p: string) => `/root/${p}`;
    expect(mapPaths(fields.files, 'a', change)).toBe('/root/a');
    expect(mapPaths(fields.files, ['a', 'b'], change)).toEqual(['/root/a', '/root/b']);
    expect(mapPaths(fields.files, undefined, change)).toBeUndefined();
    expect(mapPaths(fields.targets, ['a'], change)).toEqual(['a']);
  });

  test('say what they expect', () => {
    expect(fields.r.expected).toBe('an integer from 1 to 64');
    expect(fields.alpha.expected).toBe('a number above 0');
    expect(fields.targets.expected).toBe('text, or a list, each item text');
  });
});
