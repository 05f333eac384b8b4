import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { buildConfigSchema } from '../../../kernels/config/schema';
import { methods } from './loraMethod';

interface Property {
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Property>>;
  readonly [key: string]: unknown;
}
const schema = buildConfigSchema(methods) as unknown as Property & {
  readonly definitions: Readonly<Record<string, Property>>;
};

/** Every property with its path, except those of sections. */
function leaves(section: Property, path: string): [string, Property][] {
  return Object.entries(section.properties ?? {}).flatMap(([key, property]) =>
    property.properties ? leaves(property, `${path}${key}.`) : [[`${path}${key}`, property] as [string, Property]],
  );
}

const all = [
  ...leaves({ properties: { ...schema.properties, adapter: { properties: {} } } }, ''),
  ...Object.entries(schema.definitions).flatMap(([name, d]) => leaves(d, `${name}.`)),
];

describe('the schema of the configuration', () => {
  test('has every key of the file format', () => {
    const keys = all.map(([path]) => path);
    expect(keys).toEqual(
      expect.arrayContaining([
        'version',
        'model',
        'output',
        ...['train', 'eval', 'eval_fraction', 'format', 'loss_on', 'max_length'].map((k) => `data.${k}`),
        ...['method', 'r', 'lora_alpha', 'target_modules', 'init_from'].map((k) => `adapter.lora.${k}`),
        ...['learning_rate', 'lr_scheduler_type', 'warmup_steps', 'num_train_epochs', 'max_steps', 'seed'].map(
          (k) => `training.${k}`,
        ),
        ...['per_device_train_batch_size', 'gradient_accumulation_steps', 'max_grad_norm', 'weight_decay'].map(
          (k) => `training.${k}`,
        ),
        ...['adam_beta1', 'adam_beta2', 'adam_epsilon', 'shuffle', 'group_by_length', 'eval_steps', 'save_steps'].map(
          (k) => `training.${k}`,
        ),
        ...['device', 'precision', 'threads'].map((k) => `runtime.${k}`),
      ]),
    );
  });

  test('has a title, a help text of one or two sentences and an order for every key', () => {
    for (const [path, property] of all) {
      expect(property.title, path).toBeTruthy();
      expect(property.description, path).toMatch(/\.$/);
      expect(property['x-order'], path).toBeTypeOf('number');
    }
  });

  test('has defaults that its own limits accept', () => {
    const ajv = new Ajv({ strict: false });
    for (const [path, property] of all) {
      if (property.default !== undefined) expect(ajv.validate(property, property.default), path).toBe(true);
    }
  });

  test('is valid draft-07 and depends on the method', () => {
    const ajv = new Ajv({ strict: false, allErrors: true });
    const validate = ajv.compile(schema);
    const base = { version: 1, model: 'base', data: { train: 'a.jsonl' } };
    expect(validate({ ...base, adapter: { method: 'lora', r: 4 } })).toBe(true);
    expect(validate({ ...base, adapter: { method: 'dora', detach_norm: false } })).toBe(true);
    expect(validate({ ...base, adapter: { method: 'lora', detach_norm: false } })).toBe(false);
    expect(validate({ ...base, adapter: {} })).toBe(false);
  });
});
