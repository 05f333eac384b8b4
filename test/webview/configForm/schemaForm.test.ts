import { describe, expect, it } from 'vitest';
import { lora } from '../../../kernels/adapters/methods/lora';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { buildConfigSchema } from '../../../kernels/config/schema';
import { adapterFields } from '../../../kernels/config/sections';
import { formSections } from '../../../webview/configForm/schemaForm';
import { fits, widgetOf } from '../../../webview/configForm/widgetOf';

const schema = buildConfigSchema([lora]);
const fieldsOf = (sections: ReturnType<typeof formSections>, key: string) =>
  sections.find((section) => section.key === key)!.groups.flatMap(({ fields }) => fields);

describe('the form of the configuration schema', () => {
  const sections = formSections(schema, { adapter: { method: 'lora' } });

  it('begins with what must be written', () => {
    expect(sections.map(({ key }) => key)).toEqual([
      '',
      'data',
      'adapter',
      'training',
      'relora',
      'samples',
      'watchdog',
      'runtime',
    ]);
  });

  it.each(adapterMethods.map(({ id }) => id))('has a widget for every field of %s', (method) => {
    const all = formSections(buildConfigSchema(adapterMethods), { adapter: { method } }).flatMap(({ groups }) =>
      groups.flatMap(({ fields }) => fields),
    );
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter(({ widget }) => widget.kind === 'other')).toEqual([]);
    expect(all.filter(({ label, help }) => label === '' || help === '')).toEqual([]);
  });

  it.each(adapterMethods.map((method) => [method.id, Object.keys(method.config as object)] as const))(
    'shows the fields of %s alone, and those of every method',
    (id, own) => {
      const shown = fieldsOf(formSections(buildConfigSchema(adapterMethods), { adapter: { method: id } }), 'adapter');
      const expected = ['method', ...own, ...Object.keys(adapterFields)];
      expect(shown.map(({ path }) => path.at(-1)).sort()).toEqual(expected.sort());
    },
  );

  it.each([
    ['mora', 'r', 'lora_alpha'],
    ['vera', 'r', 'lora_alpha'],
    ['full', 'method', 'r'],
    ['full', 'method', 'target_modules'],
    ['reslora', 'variant', 'mora_type'],
    ['dora', 'magnitude_only', 'd_initial'],
  ])('%s has %s and no %s', (method, own, other) => {
    const shown = fieldsOf(formSections(buildConfigSchema(adapterMethods), { adapter: { method } }), 'adapter');
    expect(shown.map(({ path }) => path.at(-1))).toContain(own);
    expect(shown.map(({ path }) => path.at(-1))).not.toContain(other);
  });

  it('leaves out what is only for the other kind of base model, and shows all while the model is not known', () => {
    const keysFor = (kind?: string) =>
      formSections(schema, { adapter: { method: 'lora' } }, kind).flatMap(({ groups }) =>
        groups.flatMap(({ fields }) => fields.map(({ path }) => path.join('.'))),
      );
    const idle = ['data.loss_on', 'samples.prompts', 'samples.max_new_tokens'];
    expect(keysFor()).toEqual(expect.arrayContaining(idle));
    expect(keysFor('text')).toEqual(keysFor());
    expect(keysFor('labels')).toEqual(keysFor().filter((key) => !idle.includes(key)));
    const formats = (kind: string) =>
      fieldsOf(formSections(schema, { adapter: { method: 'lora' } }, kind), 'data').find(
        ({ path }) => path[1] === 'format',
      )?.widget;
    expect(formats('labels')).toEqual({ kind: 'choice', values: ['auto', 'classification', 'regression'] });
    expect(formats('text')).toMatchObject({ values: ['auto', 'text', 'prompt-completion', 'instruction', 'messages'] });
  });

  it('shows the fields of the method that is written, and only the choice of one before', () => {
    expect(fieldsOf(sections, 'adapter').map(({ path }) => path.at(-1))).toContain('lora_alpha');
    const before = formSections(schema, {});
    expect(fieldsOf(before, 'adapter').map(({ path }) => path.at(-1))).toEqual(['method']);
  });

  it('knows label, unit, default and limits from the schema', () => {
    const batch = fieldsOf(sections, 'training').find(({ path }) => path[1] === 'per_device_train_batch_size')!;
    expect(batch).toMatchObject({ label: 'Batch size', unit: 'samples', default: 8, isRequired: false });
    expect(batch.widget).toEqual({ kind: 'number', isInteger: true, limits: '1 to 4,096' });
  });

  it('works without hints', () => {
    const plain = { type: 'object', properties: { b: { type: 'string' }, a: { type: 'integer' } }, required: ['a'] };
    const [general] = formSections(plain, {});
    expect(general!.groups).toMatchObject([{ title: '', fields: [{ label: 'b' }, { label: 'a', isRequired: true }] }]);
  });
});

describe('widgets', () => {
  it('follow the shape of the values', () => {
    expect(widgetOf({ type: 'boolean' }).kind).toBe('flag');
    expect(widgetOf({ enum: ['a', 'b'] })).toEqual({ kind: 'choice', values: ['a', 'b'] });
    expect(widgetOf({ type: 'string', 'x-path': { kind: 'folder' } })).toEqual({
      kind: 'path',
      path: { kind: 'folder', extensions: [] },
    });
    expect(widgetOf({ type: 'array', items: { type: 'integer' } })).toMatchObject({
      kind: 'list',
      item: { kind: 'number' },
    });
    expect(widgetOf({ type: 'object', additionalProperties: { type: 'number' } })).toMatchObject({ kind: 'map' });
    expect(widgetOf({ not: {} })).toEqual({ kind: 'other' });
  });

  it('of a union are named by titles, or else by their kind', () => {
    const widget = widgetOf({
      anyOf: [
        { enum: ['all-linear'] },
        { type: 'string', title: 'Regular expression' },
        { type: 'array', items: { type: 'string' } },
      ],
    });
    expect(widget).toMatchObject({
      kind: 'union',
      variants: [{ label: 'all-linear' }, { label: 'Regular expression' }, { label: 'List' }],
    });
    expect(fits(widget, ['q_proj'])).toBe(true);
    expect(fits(widget, 3)).toBe(false);
  });
});
