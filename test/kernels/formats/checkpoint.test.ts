/** @file Checkpoint folders: one file or shards, what is refused in them, and what their digests see. */
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCheckpoint, type Checkpoint } from '../../../kernels/formats/checkpoint';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { KernelError } from '../../../kernels/protocol/errors';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'checkpoint-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Tensors of two values each; the values tell which tensor it is. */
function writeWeights(name: string, tensors: Readonly<Record<string, number>>): void {
  const specs = Object.keys(tensors).map((key) => ({ name: key, dtype: 'F32' as const, shape: [2, 1] }));
  const writer = SafetensorsWriter.create(join(folder, name), specs, { metadata: new Map([['format', 'pt']]) });
  for (const [key, value] of Object.entries(tensors)) writer.writeF32(key, Float32Array.of(value, -value));
  writer.commit();
}

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
}

function writeSharded(): void {
  writeJson('config.json', { model_type: 'llama' });
  writeWeights('model-1.safetensors', { b: 1, a: 2 });
  writeWeights('model-2.safetensors', { c: 3 });
  writeIndex({ a: 'model-1.safetensors', b: 'model-1.safetensors', c: 'model-2.safetensors' });
}

function writeIndex(weightMap: unknown): void {
  writeJson('model.safetensors.index.json', { metadata: { total_size: 24 }, weight_map: weightMap });
}

function reading<T>(use: (checkpoint: Checkpoint) => T): T {
  const checkpoint = openCheckpoint(folder);
  try {
    return use(checkpoint);
  } finally {
    checkpoint.close();
  }
}

function refusal(): KernelError {
  try {
    reading(() => undefined);
  } catch (error) {
    if (KernelError.is(error)) return error;
    throw error;
  }
  throw new Error('the checkpoint was read');
}

test('a single file', () => {
  writeJson('config.json', { model_type: 'llama', rope_theta: 10000.0 });
  writeWeights('model.safetensors', { w: 4 });
  reading((checkpoint) => {
    expect(checkpoint.config).toEqual({ model_type: 'llama', rope_theta: 10000 });
    const file = join(folder, 'model.safetensors');
    expect(checkpoint.tensors.get('w')).toMatchObject({ file, dtype: 'F32', shape: [2, 1], byteLength: 8 });
    expect([...checkpoint.readF32('w')]).toEqual([4, -4]);
    expect([...checkpoint.readF32('w', { rows: [1, 2] })]).toEqual([-4]);
    expect(checkpoint.readBytes('w')).toHaveLength(8);
    expect(checkpoint.indexMetadata).toBeUndefined();
    expect(checkpoint.shards.get(file)).toMatchObject({ name: 'model.safetensors', tensors: ['w'] });
    expect(() => checkpoint.readF32('v')).toThrow(/v: there is no such tensor/);
  });
});

test('shards are read through one map, their tensors in the order of the files', () => {
  writeSharded();
  reading((checkpoint) => {
    expect([...checkpoint.tensors.keys()]).toEqual(['b', 'a', 'c']);
    expect(['a', 'b', 'c'].map((name) => checkpoint.readF32(name)[0])).toEqual([2, 1, 3]);
    expect([...checkpoint.shards.values()].map(({ name, tensors }) => [name, tensors])).toEqual([
      ['model-1.safetensors', ['b', 'a']],
      ['model-2.safetensors', ['c']],
    ]);
    expect([...checkpoint.shards.values()][0]?.metadata.get('format')).toBe('pt');
    expect(checkpoint.indexMetadata).toEqual({ total_size: 24 });
    expect(checkpoint.warnings).toEqual([]);
  });
});

test('a single file goes before an index beside it', () => {
  writeSharded();
  writeWeights('model.safetensors', { only: 1 });
  reading((checkpoint) => expect([...checkpoint.tensors.keys()]).toEqual(['only']));
});

test('a tensor that the index does not list is readable and warned about', () => {
  writeSharded();
  writeIndex({ a: 'model-1.safetensors', c: 'model-2.safetensors' });
  reading((checkpoint) => {
    expect(checkpoint.readF32('b')[0]).toBe(1);
    expect(checkpoint.warnings.map((w) => [w.where, w.severity])).toEqual([
      ['b', 'warning'],
      ['metadata.total_size', 'warning'],
    ]);
  });
});

describe('refused', () => {
  test.each([
    ['../outside.safetensors', /leaves the folder/],
    ['sub/../../outside.safetensors', /leaves the folder/],
    ['/etc/passwd', /absolute path/],
    ['C:\\weights.safetensors', /absolute path/],
    ['a\\b.safetensors', /no portable file name/],
    ['pytorch_model.bin', /pickle/],
    ['none.safetensors', /none.safetensors: .*no such file/],
    [7, /the number 7; expected a file name/],
  ])('an index entry %s', (entry, message) => {
    writeSharded();
    writeIndex({ a: 'model-1.safetensors', c: entry });
    expect(refusal().message).toMatch(message);
  });

  test('a tensor that is not where the index says', () => {
    writeSharded();
    writeIndex({
      a: 'model-1.safetensors',
      b: 'model-1.safetensors',
      c: 'model-2.safetensors',
      d: 'model-2.safetensors',
    });
    expect(refusal().message).toMatch(/d: the index puts it in model-2.safetensors, which does not hold it/);
  });

  test('a tensor in two shards', () => {
    writeSharded();
    writeWeights('model-2.safetensors', { c: 3, a: 2 });
    expect(refusal().message).toMatch(/model-2.safetensors: a: it is also in model-1.safetensors/);
  });

  test('pickle weights, with the way out', () => {
    writeJson('config.json', {});
    writeFileSync(join(folder, 'pytorch_model.bin'), 'never read');
    expect(refusal().message).toMatch(/only pickle weights \(pytorch_model.bin\).*safe_serialization=True/);
    expect(refusal().code).toBe('input/refused');
  });

  test('a folder without weights and no folder at all', () => {
    expect(refusal().message).toMatch(/no weights; expected model.safetensors or/);
    rmSync(folder, { recursive: true });
    expect(refusal().message).toMatch(/no such folder/);
  });

  test.each([
    ['{"a": 1,}', /config.json:1: .*expected a key/],
    ['[]', /config.json: a list of 0; expected a JSON object/],
  ])('a config.json that is %s', (config, message) => {
    writeWeights('model.safetensors', { w: 4 });
    writeJson('config.json', config);
    expect(refusal().message).toMatch(message);
  });

  test('every mistake of a folder at once', () => {
    writeFileSync(join(folder, 'model.safetensors'), 'short');
    const { problems } = refusal();
    expect(problems.map((p) => p.file)).toEqual([join(folder, 'config.json'), join(folder, 'model.safetensors')]);
  });
});

describe('digests', () => {
  test('the sampled digest is that of the values: a touched file keeps it, another value changes it', () => {
    writeSharded();
    const digest = (): string => reading((checkpoint) => checkpoint.sampledDigest());
    const before = digest();
    expect(before).toMatch(/^sampled:/);
    const shard = join(folder, 'model-2.safetensors');
    utimesSync(shard, 1, 1);
    expect(digest()).toBe(before);
    const bytes = readFileSync(shard);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    writeFileSync(shard, bytes);
    expect(digest()).not.toBe(before);
  });
});
