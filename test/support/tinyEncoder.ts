/** @file The golden encoder as it comes from pretraining, without a head, and the tokenizer of test/fixtures/wordPiece. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openSafetensors } from '../../kernels/formats/safetensors';
import { SafetensorsWriter } from '../../kernels/formats/safetensorsWriter';

/** Makes the folder `dir` and returns it. */
export function writeTinyEncoder(dir: string): string {
  const golden = path.join(__dirname, '../golden/bases/roberta');
  mkdirSync(dir);
  const config = JSON.parse(readFileSync(path.join(golden, 'config.json'), 'utf8')) as Record<string, unknown>;
  const { id2label, label2id, problem_type, ...rest } = config;
  if ([id2label, label2id, problem_type].includes(undefined)) throw new Error('the golden encoder has no head');
  writeFileSync(
    path.join(dir, 'config.json'),
    JSON.stringify({ ...rest, architectures: ['RobertaForMaskedLM'], initializer_range: 0.2 }),
  );
  const stored = openSafetensors(path.join(golden, 'model.safetensors'));
  const body = [...stored.tensors.values()].filter(({ name }) => !name.startsWith('classifier.'));
  const writer = SafetensorsWriter.create(
    path.join(dir, 'model.safetensors'),
    body.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
  );
  for (const { name } of body) writer.writeF32(name, stored.readF32(name));
  writer.commit();
  stored.close();
  const tokenizer = path.join(__dirname, '../fixtures/wordPiece');
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    cpSync(path.join(tokenizer, name), path.join(dir, name));
  return dir;
}
