/** @file What `inspect` says of adapters: spectra of the reference within its tolerance, patterns, and what is damaged. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { inspectAdapter } from '../../../kernels/inspect/inspectAdapter';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { temporaryFolder } from '../../support/tinyModel';
import { trainedAdapter } from '../../support/trainedAdapter';

const cases = path.resolve('test/golden/cases');
const folder = temporaryFolder();

interface Expected {
  readonly modules: Readonly<Record<string, { singular_values: number[]; frobenius: number; stable_rank: number }>>;
}

describe.each(['11-spectra-lora-r8', '11-spectra-lora-r64'])('%s', async (name) => {
  const read = <T>(file: string): T => JSON.parse(readFileSync(path.join(cases, name, file), 'utf8')) as T;
  const inspected = await inspectAdapter(path.join(cases, name, read<{ adapter: string }>('case.json').adapter));
  const { modules } = read<Expected>('expected.json');

  test('every module is there', () => {
    expect(inspected.modules.map((m) => m.module).sort()).toEqual(Object.keys(modules).sort());
  });

  test.each(Object.entries(modules))('%s', (module, expected) => {
    const update = inspected.modules.find((m) => m.module === module)?.update;
    const largest = expected.singular_values[0] ?? 0;
    expected.singular_values.forEach((value, i) => {
      // Beyond the rank the reference holds rounding, and we hold nothing.
      expect(Math.abs((update?.singular_values[i] ?? 0) - value)).toBeLessThanOrEqual(1e-6 * largest);
    });
    expect(Math.abs((update?.norm ?? 0) / expected.frobenius - 1)).toBeLessThan(1e-5);
    expect(Math.abs((update?.stable_rank ?? 0) / expected.stable_rank - 1)).toBeLessThan(1e-5);
  });
});

test('rank-stabilised scaling is that of the configuration', async () => {
  const { modules, config } = await inspectAdapter(path.join(cases, '02-rslora-llama', 'adapter_final'));
  const { r, lora_alpha: alpha } = config as { r: number; lora_alpha: number };
  expect(config['use_rslora']).toBe(true);
  for (const { update } of modules) expect(update).toMatchObject({ rank: r, scaling: alpha / Math.sqrt(r) });
});

test('counts, base and targets are those of the folder', async () => {
  const inspected = await inspectAdapter(path.join(cases, '02-lora-llama-qv', 'adapter_final'));
  expect(inspected).toMatchObject({ method: 'lora', base: expect.any(String) });
  const expected = inspected.modules.reduce((n, { tensors }) => {
    return n + Object.values(tensors).reduce((m, { shape }) => m + shape.reduce((p, d) => p * d, 1), 0);
  }, 0);
  expect(inspected.parameters).toBe(expected);
  expect(inspected.modules.every(({ module }) => /\.(q|v)_proj$/.test(module))).toBe(true);
});

test.each([
  ['mora', {}, { lora_A: 'trained', lora_B: 'copy' }],
  [
    'reslora',
    { variant: 'is' },
    {
      lora_A: 'trained',
      lora_B: 'trained',
      reslora_f_x: 'measured',
      reslora_dot: 'measured',
      reslora_square: 'measured',
    },
  ],
  ['vera', {}, { vera_lambda_b: 'trained', vera_lambda_d: 'trained' }],
  ['asylora', {}, { lora_A: 'frozen', lora_B: 'trained' }],
  ['dora', {}, { lora_A: 'trained', lora_B: 'trained', lora_magnitude_vector: 'trained' }],
] as const)(
  '%s: only what is trained counts as a parameter, and every update has its spectrum',
  async (method, config, roles) => {
    const { base, adapter } = trainedAdapter({ method, config });
    const model = openBaseModel(base);
    const { plan } = loadAdapter(adapter, model);
    model.checkpoint.close();
    const { modules, parameters, saved } = await inspectAdapter(adapter);
    expect(parameters).toBe(plan.trainedSize);
    let sum = 0;
    for (const module of modules) {
      const found = Object.fromEntries(Object.entries(module.tensors).map(([param, { role }]) => [param, role]));
      expect(found).toEqual(roles);
      expect(module.update?.singular_values.length).toBeGreaterThan(0);
      const trained = Object.values(module.tensors).filter(({ role }) => role === 'trained');
      const count = trained.reduce((n, { shape }) => n + shape.reduce((p, d) => p * d, 1), 0);
      expect(module.parameters).toBe(count);
      sum += count;
    }
    expect(parameters).toBe(sum);
    expect(Object.values(saved).every(({ role }) => role === 'frozen')).toBe(true);
  },
);

describe('a damaged adapter', () => {
  const source = path.join(cases, '02-lora-llama-qv', 'adapter_final');
  const damaged = (
    name: string,
    change: (tensor: string, values: Float32Array) => void,
    config: object = {},
  ): string => {
    const dir = path.join(folder, name);
    cpSync(source, dir, { recursive: true });
    const before = JSON.parse(readFileSync(path.join(source, 'adapter_config.json'), 'utf8')) as object;
    writeFileSync(path.join(dir, 'adapter_config.json'), JSON.stringify({ ...before, ...config }));
    const from = openSafetensors(path.join(source, 'adapter_model.safetensors'));
    const writer = SafetensorsWriter.create(path.join(dir, 'adapter_model.safetensors'), [...from.tensors.values()]);
    for (const tensor of from.tensors.keys()) {
      const values = from.readF32(tensor);
      change(tensor, values);
      writer.writeF32(tensor, values);
    }
    writer.commit();
    from.close();
    return dir;
  };

  test('shows the modules that are whole, and no number for one that holds NaN', async () => {
    let first = true;
    const dir = damaged('nan', (tensor, values) => {
      if (first && tensor.endsWith('lora_A.weight')) values[3] = NaN;
      first = false;
    });
    const { modules } = await inspectAdapter(dir);
    expect(modules.map((m) => m.update === null)).toEqual([true, ...modules.slice(1).map(() => false)]);
    expect(Object.values(modules[0]?.tensors ?? {}).map((t) => t.norm)).toContain(null);
  });

  test('with another rank than its configuration is refused by the module', async () => {
    const dir = damaged('rank', () => undefined, { r: 3 });
    await expect(inspectAdapter(dir)).rejects.toThrow(/q_proj: has rank \d+; expected 3, as adapter_config\.json says/);
  });
});
