/**
 * @file `npm run sample -- [--out DIR] [--steps N] [--threads N]`: makes the bundled sample anew, in some ten minutes on two cores. Text,
 * tokenizer, base model trained from nothing, and the question files; README.md and the adapter files are written by hand.
 */
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { AtomicFolder, writeFileAtomic } from '../../../kernels/formats/atomicFile';
import { loadTokenizer } from '../../../kernels/formats/tokenizer';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { physicalCores } from '../../../kernels/runtime/devices';
import { defaultCache, withWorkFolder } from '../shared/cache';
import { projectRoot } from '../shared/projectRoot';
import { print, say } from '../shared/table';
import { generationConfig, initialWeights, modelConfig, writeJson, writeWeights } from './checkpointFiles';
import { documents, take } from './corpus';
import { heldOutLoss, pretrain } from './pretrain';
import { questionFiles } from './questions';
import { RECIPE } from './recipe';
import { heldOutBatches, packedBatches } from './sequences';
import { tokenizerConfigJson, trainTokenizer } from './tokenizerFiles';

interface Amounts {
  readonly steps: number;
  readonly threads: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: path.join(projectRoot, 'media', 'sample') },
      steps: { type: 'string', default: String(RECIPE.steps) },
      threads: { type: 'string', default: String(physicalCores()) },
    },
  });
  const amounts = { steps: count('steps', values.steps), threads: count('threads', values.threads) };
  mkdirSync(values.out, { recursive: true });
  writeQuestions(values.out);
  await withWorkFolder(defaultCache(), (work) => makeBase(path.join(values.out, 'base'), work, amounts));
}

function writeQuestions(out: string): void {
  for (const [name, samples] of Object.entries(questionFiles())) {
    writeFileAtomic(path.join(out, `${name}.jsonl`), samples.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
    print(`${name}.jsonl: ${samples.length} questions`);
  }
}

/** Trains in `work`, and replaces the old folder when that is done. */
async function makeBase(out: string, work: string, amounts: Amounts): Promise<void> {
  const { steps } = amounts;
  const tokenizerJson = trainTokenizer(
    take(documents(RECIPE.seeds.text), RECIPE.tokenizerDocuments),
    RECIPE.vocabularySize,
  );
  const vocabularySize = Object.keys(tokenizerJson.model.vocab).length;
  const writeFolder = (folder: string, dtype: 'float32' | 'float16'): void => {
    writeJson(path.join(folder, 'config.json'), modelConfig(vocabularySize, dtype));
    writeJson(path.join(folder, 'generation_config.json'), generationConfig);
    writeJson(path.join(folder, 'tokenizer.json'), tokenizerJson);
    writeJson(path.join(folder, 'tokenizer_config.json'), tokenizerConfigJson(RECIPE.maxLength));
  };
  writeFolder(work, 'float32');
  writeWeights(work, initialWeights(modelConfig(vocabularySize, 'float32')), 'F32');

  const tokenizer = loadTokenizer(work);
  const start = openBaseModel(work);
  say(
    `training ${start.parameterCount} parameters, ${steps} steps of ${RECIPE.batchSize} x ${RECIPE.sequenceLength} tokens`,
  );
  const shape = { count: steps, batch: RECIPE.batchSize, length: RECIPE.sequenceLength };
  const began = performance.now();
  let smoothed = NaN;
  const weights = await pretrain(
    start,
    packedBatches(tokenizer, RECIPE.seeds.text, shape),
    amounts,
    (step, loss, norm) => {
      smoothed = Number.isNaN(smoothed) ? loss : 0.95 * smoothed + 0.05 * loss;
      if (step % 25 !== 0 && step !== steps) return;
      const seconds = (performance.now() - began) / 1000;
      say(
        `step ${step}/${steps}  loss ${smoothed.toFixed(4)}  gradient norm ${norm.toFixed(2)}  ${seconds.toFixed(0)} s`,
      );
    },
  );
  start.checkpoint.close();

  rmSync(out, { recursive: true, force: true });
  const folder = AtomicFolder.create(out);
  writeFolder(folder.temporaryPath, 'float16');
  writeWeights(folder.temporaryPath, weights, 'F16');
  const finished = openBaseModel(folder.temporaryPath);
  const loss = await heldOutLoss(finished, heldOutBatches(tokenizer));
  finished.checkpoint.close();
  writeJson(path.join(folder.temporaryPath, 'training.json'), {
    recipe: { ...RECIPE, steps },
    parameters: finished.parameterCount,
    tokens: steps * RECIPE.batchSize * RECIPE.sequenceLength,
    training_loss: rounded(smoothed),
    held_out: {
      sequences: RECIPE.heldOutSequences,
      tokens: RECIPE.heldOutSequences * RECIPE.sequenceLength,
      loss: rounded(loss),
    },
  });
  folder.commit();
  print(`${out}: ${finished.parameterCount} parameters, held-out loss ${loss.toFixed(4)}`);
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${option} is ${text}; expected a whole number from 1`);
  return value;
}

const rounded = (value: number): number => Number(value.toFixed(5));

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
