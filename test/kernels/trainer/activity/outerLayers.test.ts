/**
 * @file Embeddings and heads, adapted or saved as a whole, by every method on every kind of model: a short run is green, its estimate
 * can be made, its merge proves itself and goes back; or the method says beforehand why it cannot.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { adapterMethods } from '../../../../kernels/adapters/registry';
import type { AnyAdapterMethod } from '../../../../kernels/adapters/types';
import { runMemory } from '../../../../kernels/estimate/runMemory';
import { merge } from '../../../../kernels/merge/merge';
import { unmerge } from '../../../../kernels/merge/unmerge';
import { RunFolder } from '../../../../kernels/runs/runFolder';
import { isTooLargeToCompare } from '../../../../kernels/trainer/activity/probeOutputs';
import { readConfig } from '../../../../kernels/check/checkConfig';
import { prepareRun } from '../../../../kernels/trainer/prepare';
import { train } from '../../../../kernels/trainer/trainer';
import { verdicts } from '../../../support/activeRun';
import { biasedModels } from '../../../support/biasedModels';
import { mergedOnLayers } from '../../../support/trainedAdapter';
import { writeTinyEncoder } from '../../../support/tinyEncoder';
import { temporaryFolder, writeTinyModel } from '../../../support/tinyModel';
import { TINY_VOCABULARY, tinyTokenizerFiles } from '../../../support/tinyTokenizer';
import { trainingFixture } from '../../../support/trainingFixture';

const fixture = trainingFixture();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');

const labelled = Array.from({ length: 24 }, (_, i) =>
  JSON.stringify({ sentence: `the film was ${i % 2 ? 'great' : 'awful'} ${i % 3 ? 'story' : 'scene'}`, label: i % 2 }),
);
writeFileSync(path.join(fixture.folder, 'labelled.jsonl'), `${labelled.join('\n')}\n`);

interface Family {
  readonly model: string;
  readonly embedding: string;
  readonly head: string | null;
  readonly projection: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

const llama = { embedding: 'embed_tokens', head: 'lm_head', projection: 'q_proj' };
const tied = {
  vocab_size: TINY_VOCABULARY,
  max_position_embeddings: 96,
  eos_token_id: 256,
  tie_word_embeddings: true,
};

const FAMILIES: Readonly<Record<string, Family>> = {
  'llama with a head of its own': { ...llama, model: fixture.model },
  'llama with a tied head': { ...llama, model: writeTinyModel({ config: tied, files: tinyTokenizerFiles() }) },
  gpt2: { embedding: 'wte', head: 'lm_head', projection: 'c_attn', model: biasedModels().gpt2 },
  roberta: {
    embedding: 'word_embeddings',
    head: null,
    projection: 'query',
    model: writeTinyEncoder(path.join(temporaryFolder(), 'encoder')),
    data: { train: 'labelled.jsonl', eval: undefined, max_length: 32 },
  },
};

type Choice = Readonly<{ target_modules: readonly string[]; modules_to_save?: readonly string[] }>;

/** What a user can name of a model, alone and beside a layer of the blocks. */
function choices({ embedding, head, projection }: Family): Readonly<Record<string, Choice>> {
  return {
    'the embedding': { target_modules: [embedding] },
    'the embedding and a projection': { target_modules: [embedding, projection] },
    'a projection, the embedding saved': { target_modules: [projection], modules_to_save: [embedding] },
    ...(head !== null && {
      'the head': { target_modules: [head] },
      'the head and a projection': { target_modules: [head, projection] },
      'the embedding and the head': { target_modules: [embedding, head] },
      'a projection, the head saved': { target_modules: [projection], modules_to_save: [head] },
      'the embedding, the head saved': { target_modules: [embedding], modules_to_save: [head] },
    }),
  };
}

/** Why a method does not take a choice, as its refusal says it; undefined: it does. */
function refusal(method: AnyAdapterMethod, { target_modules: targets }: Choice, family: Family): RegExp | undefined {
  if (targets.includes(family.embedding) && !method.embed) return /has no form for embeddings/;
  return method.links && !targets.includes(family.projection) ? /nothing to link/ : undefined;
}

const isOnLayers = new Set(mergedOnLayers);

describe.each(Object.entries(FAMILIES))('%s', (name, family) => {
  describe.each(adapterMethods.filter((m) => isOnLayers.has(m)))('$label', (method) => {
    test.each(Object.entries(choices(family)))('%s', async (chosen, choice) => {
      const id = `${name} ${method.id} ${chosen}`.replace(/\W+/g, '-');
      const file = fixture.config(id, {
        model: family.model,
        ...(family.data && { data: family.data }),
        adapter: {
          method: method.id,
          r: method.id.endsWith('vera') ? 8 : 2,
          lora_alpha: undefined,
          lora_dropout: undefined,
          ...choice,
        },
        training: {
          max_steps: 4,
          warmup_steps: 0,
          lr_scheduler_type: 'constant',
          save_steps: 100,
          eval_steps: undefined,
        },
      });
      const reason = refusal(method, choice, family);
      if (reason) {
        await expect((async () => prepareRun(file, readConfig(file)))()).rejects.toThrow(reason);
        return;
      }
      const prepared = await prepareRun(file, readConfig(file));
      const run = RunFolder.create(path.join(fixture.folder, 'runs', id), prepared.info);
      try {
        const shapes = [{ kind: 'train', batch: 1, length: 16, rows: 8, held: 1 }] as const;
        const { peakBytes } = await runMemory({ ...prepared, shapes, device: 'cpu', samples: 10 });
        expect(peakBytes).toBeGreaterThan(0);
        await train(run, prepared, { isResumed: false, signal: new AbortController().signal });
      } finally {
        prepared.close();
      }
      const records = run.activity();
      expect(new Set(Object.values(verdicts(records)))).toEqual(new Set(['green']));
      expect(Object.keys(verdicts(records))).toContain('merge-error');
      const [adapter, merged] = [run.file('adapter'), path.join(fixture.folder, 'merged', id)];
      const proof = await merge({ base: family.model, adapter, out: merged, dtype: 'keep' });
      expect(proof.maxAbsLogitDifference).toBeLessThan(1e-4);
      const back = await unmerge({ merged, adapter, out: `${merged}-back` });
      expect(back.maxAbsWeightDifference).toBeLessThan(1e-5);
    });
  });
});

test('only a large embedding or head is not compared with its merged weight', () => {
  const site = { path: '', weight: '', bias: null, layout: 'out-in', projection: '', inFeatures: 896 } as const;
  expect(isTooLargeToCompare({ ...site, layer: -1, outFeatures: 32_000 })).toBe(true);
  expect(isTooLargeToCompare({ ...site, layer: -1, outFeatures: 8_000 })).toBe(false);
  expect(isTooLargeToCompare({ ...site, layer: 3, outFeatures: 32_000 })).toBe(false);
});
