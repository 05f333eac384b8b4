/** @file Every problem that can be put right by itself says how. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../../kernels/check/checkConfig';
import { formatProblem, type Problem } from '../../../kernels/protocol/errors';
import { trainingFixture } from '../../support/trainingFixture';

const fixture = trainingFixture();
const file = path.join(fixture.folder, 'x.adapter.yaml');
mkdirSync(path.join(fixture.folder, 'data'));
writeFileSync(path.join(fixture.folder, 'data', 'train-chat.jsonl'), '');

const head = `version: 1\nmodel: ${fixture.model}\n`;
const data = 'data:\n  train: train.jsonl\n  max_length: 64\n';
const adapter = 'adapter:\n  method: lora\n';

/** Title → edits in short, of the problem at `where`. */
function fixesAt(where: string, text: string): Record<string, string> {
  const { problems } = checkConfig(file, text);
  const problem: Problem | undefined = problems.find((p) => p.where === where);
  if (!problem) throw new Error(`no problem at ${where} in\n${problems.map(formatProblem).join('\n')}`);
  return Object.fromEntries(
    (problem.fixes ?? []).map(({ title, edits }) => [
      title,
      edits
        .map((edit) => {
          const at = edit.path.join('.');
          if (edit.kind === 'set') return `${at}=${JSON.stringify(edit.value)}`;
          return edit.kind === 'rename' ? `${at}>${edit.key}` : `-${at}`;
        })
        .join(' '),
    ]),
  );
}

describe('a fix', () => {
  it('makes ReLoRA and ReMoRA of what they consist of', () => {
    const relora = fixesAt('adapter.method', `${head}${data}adapter:\n  method: relora\n`);
    expect(relora).toMatchObject({
      'Write adapter.method: lora, relora.every: 200': 'adapter.method="lora" relora.every=200',
    });
    const remora = fixesAt('adapter.method', `${head}${data}adapter:\n  method: ReMoRA\n`);
    expect(remora).toMatchObject({
      'Write adapter.method: mora, adapter.mora_type: 1, relora.every: 200':
        'adapter.method="mora" adapter.mora_type=1 relora.every=200',
    });
  });

  it('gives restarts of MoRA an operator that can take turns, and an empty section its key', () => {
    const mora = 'adapter:\n  method: mora\n';
    expect(fixesAt('relora.every', `${head}${data}${mora}relora:\n  every: 5\n`)).toEqual({
      'Write mora_type: 1': 'adapter.mora_type=1',
      'Write mora_types: [6]': 'relora.mora_types=[6]',
    });
    const truncate = `${head}${data}${mora}  mora_type: truncate\n  r: 2\nrelora:\n  every: 5\n`;
    expect(fixesAt('relora.every', truncate)).toEqual({ 'Write mora_type: 1': 'adapter.mora_type=1' });
    expect(fixesAt('relora', `${head}${data}${adapter}relora:\n`)).toEqual({
      'Insert every: 200': 'relora.every=200',
      'Remove relora': '-relora',
    });
  });

  it('renames other programs’ keys', () => {
    expect(fixesAt('adapter.rank', `${head}${data}${adapter}  rank: 4\n`)).toEqual({
      'Change to r': 'adapter.rank>r',
      'Remove rank': '-adapter.rank',
    });
    expect(fixesAt('adapter.use_dora', `${head}${data}${adapter}  use_dora: true\n`)).toHaveProperty(
      'Write method: dora',
      '-adapter.use_dora adapter.method="dora"',
    );
  });

  it('renames a misspelt key, unless the right one is there', () => {
    expect(fixesAt('training.learing_rate', `${head}${data}${adapter}training:\n  learing_rate: 1\n`)).toEqual({
      'Change to learning_rate': 'training.learing_rate>learning_rate',
      'Remove learing_rate': '-training.learing_rate',
    });
    const both = `${head}${data}${adapter}training:\n  learing_rate: 1\n  learning_rate: 1\n`;
    expect(Object.keys(fixesAt('training.learing_rate', both))).toEqual(['Remove learing_rate']);
    expect(fixesAt('trainin', `${head}${data}${adapter}trainin:\n  seed: 1\n`)).toHaveProperty('Change to training');
  });

  it('moves a key to where it belongs, or chooses the method that has it', () => {
    expect(fixesAt('adapter.seed', `${head}${data}${adapter}  seed: 7\n`)).toEqual({
      'Move it under training': '-adapter.seed training.seed=7',
      'Remove seed': '-adapter.seed',
    });
    const dora = fixesAt('adapter.use_rslora', `${head}${data}adapter:\n  method: mora\n  use_rslora: true\n`);
    expect(dora).toHaveProperty('Change the method to lora');
  });

  it('takes the nearest limit, the default where a limit is open, and what was meant by a text', () => {
    const training = (line: string) => `${head}${data}${adapter}training:\n  ${line}\n`;
    expect(fixesAt('training.per_device_train_batch_size', training('per_device_train_batch_size: 0'))).toEqual({
      'Change to 1': 'training.per_device_train_batch_size=1',
    });
    expect(fixesAt('training.adam_beta1', training('adam_beta1: 1'))).toHaveProperty('Change to 0.9');
    expect(fixesAt('training.learning_rate', training('learning_rate: -1'))).toHaveProperty('Change to 0.0002');
    expect(fixesAt('training.seed', training("seed: '7'"))).toHaveProperty('Change to 7');
    expect(fixesAt('training.shuffle', training('shuffle: yes'))).toHaveProperty('Change to true');
    expect(fixesAt('training.lr_scheduler_type', training('lr_scheduler_type: cosin'))).toHaveProperty(
      'Change to cosine',
    );
    expect(fixesAt('training.learning_rate', training('learning_rate: fast'))).toEqual({
      'Change to 0.0002': 'training.learning_rate=0.0002',
    });
  });

  it('names paths that are there', () => {
    const train = (written: string) => `${head}data:\n  train: ${written}\n  max_length: 64\n${adapter}`;
    expect(Object.keys(fixesAt('data.train', train('trian.jsonl')))[0]).toBe('Change to ./train.jsonl');
    expect(fixesAt('data.train', train('data/train.jsonl'))).toHaveProperty('Change to ./data/train-chat.jsonl');
    expect(fixesAt('data.train', train('gone/train.jsonl'))).toHaveProperty('Change to ./train.jsonl');
    expect(fixesAt('data.train.1', train('[train.jsonl, evall.jsonl]'))).toHaveProperty('Change to ./eval.jsonl');
    expect(fixesAt('data.train.1', train('[train.jsonl, train.jsonl]'))).toEqual({ 'Remove 1': '-data.train.1' });
  });

  it('inserts what is missing and can be told', () => {
    expect(fixesAt('version', `model: ${fixture.model}\n${data}${adapter}`)).toEqual({
      'Insert version: 1': 'version=1',
    });
    expect(fixesAt('adapter', `${head}${data}`)).toHaveProperty('Insert method: lora');
    expect(fixesAt('adapter.method', `${head}${data}adapter:\n  r: 8\n`)).toHaveProperty('Insert method: dora');
    expect(fixesAt('data.train', `${head}data:\n  max_length: 64\n${adapter}`)).toHaveProperty(
      'Insert train: ./train.jsonl',
    );
    expect(fixesAt('model', `version: 1\n${data}${adapter}`)).toEqual({});
  });

  it('removes what cannot take effect, or gives it something to work on', () => {
    expect(fixesAt('training.eval_steps', `${head}${data}${adapter}training:\n  eval_steps: 5\n`)).toEqual({
      'Remove eval_steps': '-training.eval_steps',
      'Insert eval_fraction: 0.1': 'data.eval_fraction=0.1',
    });
  });

  it('knows what the model has', () => {
    expect(fixesAt('data.max_length', `${head}data:\n  train: train.jsonl\n${adapter}`)).toEqual({
      'Change to 96': 'data.max_length=96',
    });
    expect(
      fixesAt('adapter.target_modules.1', `${head}${data}${adapter}  target_modules: [q_proj, v_prj]\n`),
    ).toMatchObject({
      'Change to v_proj': 'adapter.target_modules.1="v_proj"',
      'Remove v_prj': 'adapter.target_modules=["q_proj"]',
    });
    expect(fixesAt('adapter.target_modules', `${head}${data}${adapter}  target_modules: 'nothing.*'\n`)).toEqual({
      'Change to all-linear': 'adapter.target_modules="all-linear"',
    });
    expect(fixesAt('adapter.rank_pattern', `${head}${data}${adapter}  rank_pattern: { up_prj: 4 }\n`)).toMatchObject({
      'Change to up_proj': 'adapter.rank_pattern.up_prj>up_proj',
    });
    expect(fixesAt('adapter.bias', `${head}${data}${adapter}  bias: all\n`)).toHaveProperty('Change to none');
  });
});
