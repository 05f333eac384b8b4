/** @file In what configurations differ, and what runs are called beside each other. */
import { describe, expect, it } from 'vitest';
import { configRows } from '../../../webview/compare/differences';
import { runNames } from '../../../webview/compare/runNames';

describe('configurations side by side', () => {
  const rows = configRows([
    {
      model: '/b',
      adapter: { method: 'lora', r: 8, target_modules: ['q_proj', 'v_proj'] },
      training: { max_steps: 10 },
    },
    { model: '/b', adapter: { method: 'dora', r: 8, target_modules: ['v_proj', 'q_proj'] }, training: {} },
    undefined,
  ]);
  const row = (key: string) => rows.find((r) => r.key === key);

  it('have one row for each key of any of them', () => {
    expect(rows.map(({ key }) => key)).toEqual([
      'model',
      'adapter.method',
      'adapter.r',
      'adapter.target_modules',
      'training.max_steps',
    ]);
  });

  it('differ where one has another value, another order or none', () => {
    expect(row('adapter.target_modules')).toMatchObject({ values: ['q_proj, v_proj', 'v_proj, q_proj', undefined] });
    expect(row('training.max_steps')).toMatchObject({ values: ['10', undefined, undefined], isDifferent: true });
    expect(configRows([{ a: 1 }, { a: 1 }])).toEqual([{ key: 'a', values: ['1', '1'], isDifferent: false }]);
  });
});

describe('names of runs', () => {
  const run = (folder: string, name?: string) =>
    ({ folder, info: name === undefined ? null : { name } }) as Parameters<typeof runNames>[0][number];

  it('stay as they are while they differ', () => {
    expect(runNames([run('/r/a-1', 'a'), run('/r/b-1', 'b'), run('/r/c-9')])).toEqual(['a', 'b', 'c-9']);
  });

  it('get the end of the folder where they are the same, or a number', () => {
    expect(runNames([run('/r/a-x-kfzo', 'a'), run('/r/a-x-bcde', 'a')])).toEqual(['a kfzo', 'a bcde']);
    expect(runNames([run('/r/one', 'a'), run('/s/one', 'a')])).toEqual(['a 1', 'a 2']);
  });
});
