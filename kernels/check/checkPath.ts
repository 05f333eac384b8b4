/** @file Finds out what a path is and reads it completely, with the readers that training uses. Nothing is run. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { DATA_EXTENSIONS } from '../config/sections';
import { openBaseModel } from '../models/baseModel';
import { checkAdapter, looksLikeAdapter } from './checkAdapter';
import { checkCheckpoint, checkTokenizer } from './checkCheckpoint';
import { checkConfiguration } from './checkConfiguration';
import { checkData, PLAIN } from './checkData';
import { checkWeightFile } from './checkWeights';
import type { CheckContext, CheckedKind } from './types';
import { reporting } from './types';

const CHECKS: Readonly<Record<CheckedKind, (file: string, context: CheckContext) => Promise<unknown>>> = {
  checkpoint: checkCheckpoint,
  adapter: checkAdapter,
  safetensors: checkWeightFile,
  data: checkDataFile,
  configuration: checkConfiguration,
};

/** Reports every problem of what lies at `target`, and returns what it is; `null` when it is nothing that is known here. */
export async function checkPath(target: string, context: CheckContext): Promise<CheckedKind | null> {
  const kind = kindOf(target, context);
  if (kind) await CHECKS[kind](target, context);
  return kind;
}

const KNOWN = 'a checkpoint folder, an adapter folder, .safetensors, .jsonl, .json, .parquet or .adapter.yaml';

function kindOf(target: string, context: CheckContext): CheckedKind | null {
  const refuse = (found: string, expected: string): null => {
    context.report({ file: target, severity: 'error', found, expected });
    return null;
  };
  const stats = statSync(target, { throwIfNoEntry: false });
  if (!stats) return refuse('there is nothing at this path', `expected ${KNOWN}`);
  if (stats.isDirectory()) {
    if (looksLikeAdapter(target)) return 'adapter';
    if (looksLikeCheckpoint(target)) return 'checkpoint';
    return refuse('this folder holds no config.json, no adapter_config.json and no weights', `expected ${KNOWN}`);
  }
  const ending = path.extname(target).toLowerCase();
  if (ending === '.safetensors') return 'safetensors';
  if (DATA_EXTENSIONS.some((known) => known === ending)) return 'data';
  if (ending === '.yaml' || ending === '.yml') return 'configuration';
  if (PICKLE.test(target)) {
    const advice = 'pickle files can run code when read and are never opened here: save it again as safetensors';
    return refuse('this is a pickle file', `expected ${KNOWN}; ${advice}`);
  }
  return refuse(`the ending ${ending === '' ? 'is missing' : `${ending} is not known`}`, `expected ${KNOWN}`);
}

const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

function looksLikeCheckpoint(dir: string): boolean {
  if (existsSync(path.join(dir, 'config.json'))) return true;
  return readdirSync(dir).some((name) => /\.safetensors(\.index\.json)?$/.test(name) || PICKLE.test(name));
}

/** With a base model its tokenizer and chat template are used, as a run on that model would. */
async function checkDataFile(file: string, context: CheckContext): Promise<void> {
  const { base } = context;
  if (base === undefined) {
    await checkData([file], PLAIN, context);
    return;
  }
  const model = await reporting(context, base, () => openBaseModel(base));
  try {
    const tokenizer = await checkTokenizer(base, model, context);
    const vocabularySize = model?.config.vocabularySize;
    const check = {
      ...PLAIN,
      ...(tokenizer && { tokenizer }),
      ...(vocabularySize !== undefined && { vocabularySize }),
    };
    await checkData([file], check, context);
  } finally {
    model?.checkpoint.close();
  }
}
