/** @file A checkpoint folder: configuration, tensors against the architecture, every value, the tokenizer. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { readJsonObject } from '../formats/jsonFile';
import { jsonValue } from '../formats/jsonTree';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { loadTokenizer } from '../formats/tokenizer';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel } from '../models/baseModel';
import { architectureOf } from '../models/registry';
import { checkWeightsIn } from './checkWeights';
import type { CheckContext } from './types';
import { reporting } from './types';

export async function checkCheckpoint(dir: string, context: CheckContext): Promise<void> {
  const model = await reporting(context, dir, () => openBaseModel(dir));
  try {
    if (model) reportOddities(model, context);
    else await checkConfigAlone(dir, context);
    await checkTokenizer(dir, model, context);
  } finally {
    model?.checkpoint.close();
  }
  await checkWeightsIn(dir, context);
}

/** What can be read, but is not what one would expect. */
function reportOddities({ checkpoint, tensors, warnings, architecture }: BaseModel, context: CheckContext): void {
  for (const warning of [...warnings, ...checkpoint.warnings]) context.report(warning);
  for (const [where, { file }] of checkpoint.tensors) {
    if (tensors.has(where)) continue;
    const expected = `expected the tensors of a ${architecture.id} model; this one is not read`;
    context.report({ file, where, severity: 'warning', found: 'is not part of the model', expected });
  }
}

/** The weights kept the model from being opened; its configuration may be wrong as well. */
async function checkConfigAlone(dir: string, context: CheckContext): Promise<void> {
  const file = path.join(dir, 'config.json');
  if (!existsSync(file)) return;
  await reporting(context, file, () => {
    const { node } = readJsonObject(file, "expected the model's configuration");
    const config = jsonValue(node) as Readonly<Record<string, unknown>>;
    architectureOf(config, file).parseConfig(config, file);
  });
}

/** The tokenizer, when there is one that can be used. A model without one can be merged, but not trained. */
export async function checkTokenizer(
  dir: string,
  model: BaseModel | undefined,
  context: CheckContext,
): Promise<CheckpointTokenizer | undefined> {
  const file = path.join(dir, 'tokenizer.json');
  if (!existsSync(file)) {
    const expected = 'expected the tokenizer of the checkpoint; without it this model cannot be trained';
    context.report({ file, severity: 'warning', found: 'there is no such file', expected });
    return undefined;
  }
  const tokenizer = await reporting(context, file, () => loadTokenizer(dir));
  if (!tokenizer) return undefined;
  await reporting(context, path.join(dir, 'tokenizer_config.json'), () => tokenizer.chatTemplate?.parse());
  const size = model?.config.vocabularySize;
  if (size !== undefined && tokenizer.vocabularySize > size) {
    const found = `has ids up to ${tokenizer.vocabularySize - 1}`;
    const expected = `expected ids below ${size}, the vocab_size of config.json; text with the tokens beyond is refused`;
    context.report({ file, severity: 'warning', found, expected });
  }
  return tokenizer;
}
