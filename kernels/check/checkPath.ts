/** @file Finds out what a path is and reads it completely, with the readers that training uses. Nothing is run. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import * as l10n from '@vscode/l10n';
import { DATA_EXTENSIONS } from '../config/sections';
import { checkpointThatIsGone } from '../formats/peft';
import { A_FOLDER, NOTHING, obstacleAt } from '../formats/plainFile';
import { openBaseModel, sampleTask } from '../models/baseModel';
import { KernelError } from '../protocol/errors';
import { INFO_FILE, STATE_FILE } from '../runs/runDescription';
import { recordFileNames } from '../runs/runRecords';
import { MOMENTS_FILE } from '../trainer/checkpointState';
import { STATE_FILE as TRAINER_STATE_FILE } from '../trainer/trainerState';
import { checkAdapter, looksLikeAdapter } from './checkAdapter';
import { checkCheckpoint, checkTokenizer } from './checkCheckpoint';
import { checkConfiguration } from './checkConfiguration';
import { checkData, PLAIN } from './checkData';
import { checkRun, checkTrainerFiles, isRunCheckpoint, looksLikeRun } from './checkRun';
import { checkWeightFile } from './checkWeights';
import type { CheckContext, CheckedKind } from './types';
import { reporting } from './types';

const CHECKS: Readonly<Record<CheckedKind, (file: string, context: CheckContext) => Promise<unknown>>> = {
  checkpoint: checkCheckpoint,
  adapter: checkAdapter,
  safetensors: checkWeightFile,
  data: checkDataFile,
  configuration: checkConfiguration,
  run: checkRun,
};

/** Reports every problem of what lies at `target`, and returns what it is; `null` when it is nothing that is known here. */
export async function checkPath(target: string, context: CheckContext): Promise<CheckedKind | null> {
  const kind = await reporting(context, target, () => kindOf(target, context));
  if (!kind) return null;
  const place = partOf(target) === kind ? path.dirname(target) : target;
  await CHECKS[kind](place, context);
  // A training program may leave the adapter in the folder of its base.
  if (kind === 'adapter' && ['model.safetensors', 'config.json'].every((name) => existsSync(path.join(place, name)))) {
    await checkCheckpoint(place, context);
  }
  if (kind === 'adapter' && isRunCheckpoint(place)) await checkTrainerFiles(place, context);
  return kind;
}

/** Files that mean nothing alone: the folder they are part of is checked. */
const PARTS: Readonly<Record<string, CheckedKind>> = {
  'config.json': 'checkpoint',
  'generation_config.json': 'checkpoint',
  'model.safetensors.index.json': 'checkpoint',
  'special_tokens_map.json': 'checkpoint',
  'tokenizer.json': 'checkpoint',
  'tokenizer_config.json': 'checkpoint',
  'adapter_config.json': 'adapter',
};

const RUN_PARTS: ReadonlySet<string> = new Set([INFO_FILE, STATE_FILE, ...recordFileNames]);

const TRAINER_FILES: ReadonlySet<string> = new Set([TRAINER_STATE_FILE, MOMENTS_FILE]);

/** What a file is a part of. The names of a run's files mean something else where there is no run. */
function partOf(file: string): CheckedKind | undefined {
  const name = path.basename(file);
  if (TRAINER_FILES.has(name) && isRunCheckpoint(path.dirname(file))) return 'adapter';
  return RUN_PARTS.has(name) && looksLikeRun(path.dirname(file)) ? 'run' : PARTS[name];
}

const KNOWN = l10n.t(
  'a checkpoint folder, an adapter folder, a run folder, .safetensors, .jsonl, .json, .parquet or .adapter.yaml',
);

function kindOf(target: string, context: CheckContext): CheckedKind | null {
  const refuse = (found: string, expected = l10n.t('expected {0}', KNOWN)): null => {
    context.report({ file: target, severity: 'error', found, expected });
    return null;
  };
  const obstacle = obstacleAt(target);
  if (obstacle === A_FOLDER) {
    if (looksLikeRun(target)) return 'run';
    if (looksLikeAdapter(target)) return 'adapter';
    if (looksLikeCheckpoint(target)) return 'checkpoint';
    return refuse(l10n.t('this folder holds no config.json, no adapter_config.json and no weights'));
  }
  const gone = obstacle === NOTHING ? checkpointThatIsGone(target) : undefined;
  if (gone) return refuse(...gone);
  if (obstacle !== undefined) return refuse(obstacle === NOTHING ? l10n.t('there is nothing at this path') : obstacle);
  const part = partOf(target);
  if (part) return part;
  const ending = path.extname(target).toLowerCase();
  if (ending === '.safetensors') return 'safetensors';
  if (DATA_EXTENSIONS.some((known) => known === ending)) return 'data';
  if (ending === '.yaml' || ending === '.yml') return 'configuration';
  if (PICKLE.test(target)) {
    const advice = l10n.t(
      'pickle files can run code when read and are never opened here: save it again as safetensors',
    );
    return refuse(l10n.t('this is a pickle file'), l10n.t('expected {0}; {1}', KNOWN, advice));
  }
  return refuse(ending === '' ? l10n.t('the ending is missing') : l10n.t('the ending {0} is not known', ending));
}

const PICKLE = /\.(bin|pt|pth|ckpt|pkl|pickle)$/i;

function looksLikeCheckpoint(dir: string): boolean {
  if (existsSync(path.join(dir, 'config.json'))) return true;
  return namesIn(dir).some((name) => /\.safetensors(\.index\.json)?$/.test(name) || PICKLE.test(name));
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    const found = l10n.t('the folder cannot be read ({0})', (error as NodeJS.ErrnoException).code ?? '');
    throw KernelError.refused([{ file: dir, severity: 'error', found, expected: l10n.t('expected {0}', KNOWN) }]);
  }
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
      ...(model && { task: sampleTask(model) }),
    };
    await checkData([file], check, context);
  } finally {
    model?.checkpoint.close();
  }
}
