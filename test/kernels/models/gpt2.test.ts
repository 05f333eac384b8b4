/** @file GPT-2 beyond the golden cases: writing token by token, and fields of its config.json that are not supported. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openSafetensors } from '../../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../../kernels/formats/safetensorsWriter';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { generate } from '../../../kernels/trainer/generate';
import { ModelRunner } from '../../../kernels/trainer/runner';
import { temporaryFolder } from '../../support/tinyModel';

const base = path.join(__dirname, '../../golden/bases/gpt2');
const model = openBaseModel(base);
const runner = new ModelRunner(model, null, null, { device: 'cpu', threads: 1 });
afterAll(async () => {
  await runner.dispose();
  model.checkpoint.close();
});

it('writes what whole passes over the growing text give', async () => {
  const prompt = [5, 200, 17];
  const ids = [...prompt];
  for (let i = 0; i < 6; i++) {
    const rows = Int32Array.of(ids.length - 1);
    const logits = await runner.logits({ batch: 1, length: ids.length, inputIds: Int32Array.from(ids), rows });
    ids.push(logits.indexOf(Math.max(...logits)));
  }
  expect(await generate(runner, prompt, { maxNewTokens: 6, stopIds: new Set() })).toEqual(ids.slice(prompt.length));
});

it('is the same when the checkpoint was saved without a head, whose names are shorter', async () => {
  const dir = temporaryFolder();
  cpSync(path.join(base, 'config.json'), path.join(dir, 'config.json'));
  const file = openSafetensors(path.join(base, 'model.safetensors'));
  const specs = [...file.tensors.values()].map(({ name, dtype, shape }) => ({
    name: name.replace('transformer.', ''),
    dtype,
    shape,
  }));
  const writer = SafetensorsWriter.create(path.join(dir, 'model.safetensors'), specs);
  for (const name of file.tensors.keys()) writer.writeF32(name.replace('transformer.', ''), file.readF32(name));
  writer.commit();
  file.close();
  const short = openBaseModel(dir);
  const other = new ModelRunner(short, null, null, { device: 'cpu', threads: 1 });
  const batch = { batch: 1, length: 4, inputIds: Int32Array.of(5, 200, 17, 9), rows: Int32Array.of(3) };
  expect(await other.logits(batch)).toEqual(await runner.logits(batch));
  expect(short.sites.map((site) => site.path)).toEqual(model.sites.map((site) => site.path));
  await other.dispose();
  short.checkpoint.close();
});

it.each([
  ['activation_function', 'relu', /activation_function: is "relu"; expected one of gelu_new/],
  ['scale_attn_weights', false, /scale_attn_weights: is false; expected true/],
  ['scale_attn_by_inverse_layer_idx', true, /scale_attn_by_inverse_layer_idx: is true; expected false/],
  ['n_head', 5, /n_embd: is 64; expected a multiple of n_head, 5/],
  ['n_inner', 100, /mlp\.c_fc\.weight: is F32 \[64, 256\]; expected a tensor \[64, 100\]/],
])('%s: %j is refused', (key, value, message) => {
  const dir = temporaryFolder();
  cpSync(base, dir, { recursive: true });
  const file = path.join(dir, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...config, [key]: value }));
  expect(() => openBaseModel(dir)).toThrow(message);
});
