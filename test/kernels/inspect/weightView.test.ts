/** @file Looking into a quantised checkpoint: weights with their values, not the bytes they are stored in. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCheckpoint } from '../../../kernels/formats/checkpoint';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { inspectCheckpoint } from '../../../kernels/inspect/inspectTensors';
import { tensorMatrix } from '../../../kernels/inspect/matrixBlocks';
import { weightView } from '../../../kernels/inspect/weightView';
import { temporaryFolder } from '../../support/tinyModel';

const base = path.resolve('test/golden/bases/llama-nf4');
const Q = 'model.layers.0.self_attn.q_proj.weight';

test('each weight is one tensor, with the size of all its parts', () => {
  const shown = inspectCheckpoint(base);
  const model = openBaseModel(base);
  expect(shown.tensors.map(({ name }) => name).sort()).toEqual([...model.tensors.keys()].sort());
  expect(shown.parameters).toBe(model.parameterCount);
  // 288 bytes of codes, 9 absmax, one absmax of those, 256 and 16 levels.
  expect(shown.tensors.find(({ name }) => name === Q)).toMatchObject({
    dtype: 'NF4',
    shape: [24, 24],
    bytes: 288 + 9 + 4 + 4 * (256 + 16),
  });
  model.checkpoint.close();
  shown.close();
});

test('statistics and heat maps are those of the values', async () => {
  const shown = inspectCheckpoint(base);
  const model = openBaseModel(base);
  const values = model.checkpoint.readF32(Q);
  const { count, min, max, mean } = await shown.statistics(Q);
  expect({ count, min, max }).toEqual({ count: 576, min: Math.min(...values), max: Math.max(...values) });
  expect(mean).toBeCloseTo(values.reduce((a, b) => a + b, 0) / 576, 6);
  const stored = openCheckpoint(base);
  const matrix = tensorMatrix(weightView(stored).source, Q);
  const block = Array.from(matrix.read({ rows: [5, 8], cols: [3, 10] }));
  expect(block).toEqual([5, 6, 7].flatMap((row) => [...values.subarray(row * 24 + 3, row * 24 + 10)]));
  stored.close();
  model.checkpoint.close();
  shown.close();
});

test('what cannot be read as weights is shown as it is stored, with the reason', () => {
  const dir = path.join(temporaryFolder(), 'broken');
  cpSync(base, dir, { recursive: true });
  const file = path.join(dir, 'model.safetensors');
  const bytes = readFileSync(file);
  const at = bytes.indexOf('"blocksize": 64');
  bytes.write('"blocksize": 65', at);
  writeFileSync(file, bytes);
  const stored = openCheckpoint(dir);
  const view = weightView(stored);
  expect(view.tensors.length).toBe(stored.tensors.size);
  expect(view.problems.map((p) => p.where)).toEqual([expect.stringMatching(/quant_state.*blocksize/)]);
  stored.close();
});
