/** @file A checkpoint folder: configuration, tensors against the architecture, every value, the tokenizer. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { readJsonObject } from '../formats/jsonFile';
import { jsonValue } from '../formats/jsonTree';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { loadTokenizer } from '../formats/tokenizer';
import type { BaseModel } from '../models/baseModel';
import { openBaseModel } from '../models/baseModel';
import { oddities } from '../models/oddities';
import { architectureOf } from '../models/registry';
import { untiedHead } from '../models/soundWeights';
import type { Problem } from '../protocol/errors';
import { checkWeightsIn, type IsRead } from './checkWeights';
import type { CheckContext } from './types';
import { reporting } from './types';

/** `template`: how bad a chat template is that cannot be used; data without messages does not need it. */
export async function checkCheckpoint(
  dir: string,
  context: CheckContext,
  template: Problem['severity'] = 'error',
): Promise<void> {
  const model = await reporting(context, dir, () => openBaseModel(dir));
  try {
    if (model) await reportOddities(model, context);
    else await checkConfigAlone(dir, context);
    await checkTokenizer(dir, model, context, template);
    await checkWeightsIn(dir, context, model && isReadBy(model));
  } finally {
    model?.checkpoint.close();
  }
}

/** What can be read, but is not what one would expect. */
async function reportOddities(model: BaseModel, context: CheckContext): Promise<void> {
  for (const odd of oddities(model)) context.report(odd);
  const untied = await reporting(context, model.dir, () => untiedHead(model));
  if (untied) context.report(untied);
}

/** By the names in the files. */
function isReadBy({ checkpoint, tensors }: BaseModel): IsRead {
  const read = new Set<string>();
  for (const { name, storedName, isPart } of checkpoint.tensors.values()) {
    if (isPart || tensors.has(name)) read.add(storedName ?? name);
  }
  return (name) => read.has(name);
}

/** The weights kept the model from being opened; its configuration may be wrong as well. */
async function checkConfigAlone(dir: string, context: CheckContext): Promise<void> {
  const file = path.join(dir, 'config.json');
  if (!existsSync(file)) return;
  await reporting(context, file, () => {
    const { node } = readJsonObject(file, l10n.t("expected the model's configuration"));
    const config = jsonValue(node) as Readonly<Record<string, unknown>>;
    architectureOf(config, file).parseConfig(config, file, () => true);
  });
}

/** The tokenizer, when there is one that can be used. A model without one can be merged, but not trained. */
export async function checkTokenizer(
  dir: string,
  model: BaseModel | undefined,
  context: CheckContext,
  template: Problem['severity'] = 'error',
): Promise<CheckpointTokenizer | undefined> {
  const file = path.join(dir, 'tokenizer.json');
  if (!existsSync(file)) {
    const expected = l10n.t('expected the tokenizer of the checkpoint; without it this model cannot be trained');
    context.report({ file, severity: 'warning', found: l10n.t('there is no such file'), expected });
    return undefined;
  }
  const tokenizer = await reporting(context, file, () => loadTokenizer(dir));
  if (!tokenizer) return undefined;
  const ofTemplate = { ...context, report: (p: Problem) => context.report({ ...p, severity: template }) };
  await reporting(ofTemplate, file, () => tokenizer.chatTemplate?.parse());
  if (model) checkSpecialTokens(tokenizer, file, model, context);
  return tokenizer;
}

/** Whether the tokenizer and the model's own files speak of the same tokens. */
function checkSpecialTokens(
  tokenizer: CheckpointTokenizer,
  file: string,
  { config, checkpoint }: BaseModel,
  context: CheckContext,
): void {
  const { vocabularySize: size } = config;
  const needed = [
    ...tokenizer.startIds,
    ...tokenizer.endIds,
    ...(tokenizer.eosId === undefined ? [] : [tokenizer.eosId]),
  ];
  const beyond = needed.find((id) => id >= size);
  if (beyond !== undefined) {
    const found = l10n.t('adds {0} with id {1} to a text', JSON.stringify(tokenizer.idToToken(beyond)), beyond);
    const expected = l10n.t('expected ids below {0}, the vocab_size of config.json; no text could be trained on', size);
    context.report({ file, severity: 'error', found, expected });
  } else if (tokenizer.vocabularySize > size) {
    const found = l10n.t('has ids up to {0}', tokenizer.vocabularySize - 1);
    const expected = l10n.t(
      'expected ids below {0}, the vocab_size of config.json; text with the tokens beyond is refused',
      size,
    );
    context.report({ file, severity: 'warning', found, expected });
  }
  for (const [name, id] of [
    ['bos_token', tokenizer.bosId],
    ['eos_token', tokenizer.eosId],
  ] as const) {
    const where = `${name}_id`;
    const named: readonly unknown[] = [checkpoint.config[where] ?? []].flat();
    if (named.length === 0 || named.includes(-1) || id === undefined || named.includes(id)) continue;
    const found = l10n.t('is {0}', JSON.stringify(checkpoint.config[where]));
    const expected = l10n.t(
      'expected {0}, which is {1}, the {2} of the tokenizer',
      id,
      JSON.stringify(tokenizer.idToToken(id)),
      name,
    );
    context.report({ file: path.join(path.dirname(file), 'config.json'), where, severity: 'warning', found, expected });
  }
}
