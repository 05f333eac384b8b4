/** @file What the editor sees of paths: adapters with their factors paired, files, checkpoints; broken ones say what is wrong. */
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { openPath } from '../../../kernels/inspect/inspectedPath';
import { OpenPaths } from '../../../kernels/inspect/openPaths';
import { KernelError } from '../../../kernels/protocol/errors';
import { temporaryFolder, writeTinyModel } from '../../support/tinyModel';

const folder = temporaryFolder();
const cases = path.resolve('test/golden/cases');
const lora = path.resolve('test/golden/cases/02-lora-llama-qv/adapter_final');
const dora = path.resolve('test/golden/cases/11-src-dora-r8/adapter_init');

/** Golden cases with merged weights, of methods with factors and without, with shared matrices, in both layouts. */
const DELTAS = [
  '02-lora-gpt2-cattn',
  '04-dora-gpt2',
  '04-dora-llama-qv',
  '05-mora-t1-r8-qv',
  '05-mora-t6-r3-tied',
  '08-vera-llama-qv',
  '09-asylora-freezeB-orth',
];

const copyOf = (name: string, from = lora): string => {
  const dir = path.join(folder, name);
  cpSync(from, dir, { recursive: true });
  return dir;
};

const problemsOf = (target: string) => {
  try {
    openPath(target).close();
  } catch (error) {
    if (KernelError.is(error)) return error.problems;
    throw error;
  }
  throw new Error(`${target} was opened`);
};

describe('an adapter', () => {
  test.each(['', 'adapter_model.safetensors', 'adapter_config.json'])(
    'is opened by its folder and files: %s',
    async (name) => {
      const opened = openPath(path.join(lora, name));
      const { contents, adapter } = opened;
      if (contents.kind !== 'adapter') throw new Error(contents.kind);
      expect(contents).toMatchObject({
        path: lora,
        method: { id: 'lora', label: 'LoRA' },
        delta: 'available',
        warnings: [],
      });
      const [first] = contents.modules;
      expect(first).toMatchObject({ module: 'model.layers.0.self_attn.q_proj', layer: 0 });
      expect(first?.tensors['lora_A']?.name).toBe('base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight');
      const spectrum = await adapter?.spectrum(first?.module ?? '');
      expect(spectrum?.delta?.largest).toBe(spectrum?.singular_values[0]);
      const { rows, cols } = (await adapter?.delta(first?.module ?? '')) ?? {};
      expect([rows, cols]).toEqual(spectrum?.delta?.shape);
      opened.close();
    },
  );

  test('whose update depends on a base that is not on disk shows its tensors, and refuses the delta weight with the reason', async () => {
    const opened = openPath(dora);
    const { contents, adapter } = opened;
    if (contents.kind !== 'adapter') throw new Error(contents.kind);
    expect(contents.delta).toBe('base-missing');
    const module = contents.modules[0]?.module ?? '';
    expect(Object.keys(contents.modules[0]?.tensors ?? {})).toContain('lora_magnitude_vector');
    const spectrum = await adapter?.spectrum(module);
    expect(spectrum).toMatchObject({ delta: null, singular_values: [] });
    expect(spectrum?.norms['lora_magnitude_vector']).toBeGreaterThan(0);
    await expect(adapter?.delta(module)).rejects.toThrow(
      /the delta weight of DoRA cannot be had from this file; expected the base model/,
    );
    opened.close();
  });

  test.each(DELTAS)('of %s: its delta weight is merged minus base', async (name) => {
    const read = (file: string): string => readFileSync(path.join(cases, name, file), 'utf8');
    const base = path.resolve('test/golden/bases', (JSON.parse(read('case.json')) as { base: string }).base);
    const dir = copyOf(`delta-${name}`, path.join(cases, name, 'adapter_final'));
    const config = path.join(dir, 'adapter_config.json');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace(/"base_model_name_or_path": "[^"]*"/, () => {
        return `"base_model_name_or_path": ${JSON.stringify(base)}`;
      }),
    );
    const opened = openPath(dir);
    const merged = openSafetensors(path.join(cases, name, 'merged.safetensors'));
    const original = openSafetensors(path.join(base, 'model.safetensors'));
    if (opened.contents.kind !== 'adapter') throw new Error(opened.contents.kind);
    expect(opened.contents).toMatchObject({ delta: 'available', baseFolder: base });
    const compared = opened.contents.modules.filter(({ module }) => merged.tensors.has(`${module}.weight`));
    expect(compared).toHaveLength(merged.tensors.size);
    for (const { module, shape } of compared) {
      const matrix = await opened.adapter?.delta(module);
      expect([matrix?.rows, matrix?.cols]).toEqual(shape);
      const { rows = 0, cols = 0 } = matrix ?? {};
      const values = matrix?.read({ rows: [0, rows], cols: [0, cols] }) ?? [];
      const name = `${module}.weight`;
      const [after, before] = [merged.readF32(name), original.readF32(name)];
      expect(values.length).toBe(after.length);
      const isTransposed = original.tensors.get(name)?.shape[0] === cols && name.startsWith('transformer.');
      for (let i = 0; i < after.length; i++) {
        const at = isTransposed ? (i % rows) * cols + Math.floor(i / rows) : i;
        // Both sides of the difference are rounded to float32.
        expect(Math.abs((values[at] ?? NaN) - ((after[i] ?? 0) - (before[i] ?? 0)))).toBeLessThan(1e-6);
      }
      const part = matrix?.read({ rows: [1, 3], cols: [2, 7] }) ?? [];
      expect([...Array.from(part)]).toEqual([
        ...[1, 2].flatMap((row) => Array.from(values).slice(row * cols + 2, row * cols + 7)),
      ]);
      const norm = Math.hypot(...Array.from(values));
      expect((await opened.adapter?.spectrum(module))?.delta?.norm).toBeCloseTo(norm, 5);
    }
    [opened, merged, original].forEach((file) => file.close());
  });

  test('that needs the shapes of a base model which is not on disk says so', async () => {
    const { contents, adapter, close } = openPath(path.join(cases, '08-vera-llama-qv', 'adapter_final'));
    if (contents.kind !== 'adapter') throw new Error(contents.kind);
    expect(contents).toMatchObject({ delta: 'base-missing', baseFolder: null });
    expect(contents.modules.map(({ module }) => module)).not.toContain('shared');
    expect(contents.saved.map(({ name }) => name).sort()).toEqual(['base_model.vera_A', 'base_model.vera_B']);
    expect((await adapter?.spectrum(contents.modules[0]?.module ?? ''))?.delta).toBeNull();
    close();
  });

  test('of an unknown method shows its weights as tensors, with the reason', () => {
    const dir = copyOf('unknown');
    const file = path.join(dir, 'adapter_config.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"LORA"', '"IA3"'));
    const { contents, close } = openPath(path.join(dir, 'adapter_model.safetensors'));
    if (contents.kind === 'adapter') throw new Error('it was understood');
    expect(contents.tensors.length).toBeGreaterThan(0);
    expect(contents.problems.map((p) => `${p.where} ${p.found}`).join()).toMatch(/IA3/);
    close();
    expect(problemsOf(dir)[0]?.found).toMatch(/IA3/);
  });
});

describe('what cannot be opened says why', () => {
  test('a file that was cut off', () => {
    const dir = copyOf('cut');
    truncateSync(path.join(dir, 'adapter_model.safetensors'), 3000);
    const [problem] = problemsOf(path.join(dir, 'adapter_model.safetensors'));
    expect(problem?.file).toBe(path.join(dir, 'adapter_model.safetensors'));
    expect(`${problem?.found}; ${problem?.expected}`).toMatch(/bytes.*cut off|complete/);
  });

  test('a pickle file, which is not read', () => {
    const file = path.join(folder, 'pytorch_model.bin');
    writeFileSync(file, 'x');
    expect(problemsOf(file)[0]).toMatchObject({ file, found: expect.stringContaining('pickle') });
    rmSync(file);
    expect(problemsOf(file)[0]?.found).toContain('pickle');
  });

  test('a folder without weights, and nothing at all', () => {
    mkdirSync(path.join(folder, 'empty'));
    expect(problemsOf(path.join(folder, 'empty'))[0]?.found).toContain('no weights');
    expect(problemsOf(path.join(folder, 'nowhere.safetensors'))[0]?.found).toMatch(/no such file/);
  });
});

test('a sharded checkpoint is opened by its folder and by its index, each tensor with its file', () => {
  const dir = writeTinyModel({ shards: 3 });
  for (const target of [dir, path.join(dir, 'model.safetensors.index.json')]) {
    const { contents, close } = openPath(target);
    if (contents.kind !== 'checkpoint') throw new Error(contents.kind);
    expect(contents).toMatchObject({ path: dir, model_type: 'llama', problems: [] });
    expect(new Set(contents.tensors.map(({ file }) => file)).size).toBe(3);
    close();
  }
});

describe('paths that stay open', () => {
  test('are read again when a file has changed', async () => {
    const dir = copyOf('changing');
    const paths = new OpenPaths();
    const first = await paths.use(dir, (opened) => opened);
    expect(await paths.use(dir, (opened) => opened)).toBe(first);
    const file = path.join(dir, 'adapter_config.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"lora_alpha": \d+/, '"lora_alpha": 7'));
    const second = await paths.use(dir, (opened) => opened);
    expect(second).not.toBe(first);
    expect(second.contents).toMatchObject({ config: { lora_alpha: 7 } });
    paths.dispose();
  });

  test('are few, and none is closed while it is used', async () => {
    const paths = new OpenPaths();
    const dirs = Array.from({ length: 6 }, (_, i) => copyOf(`open${i}`));
    await paths.use(dirs[0] ?? '', async (opened) => {
      for (const dir of dirs.slice(1)) await paths.use(dir, () => undefined);
      const module = opened.contents.kind === 'adapter' ? opened.contents.modules[0]?.module : undefined;
      expect((await opened.adapter?.spectrum(module ?? ''))?.singular_values.length).toBeGreaterThan(0);
    });
    paths.dispose();
  });
});
