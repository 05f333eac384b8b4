/** @file The bundled sample as it lies in media/sample: tokenizer, base model and adapter files. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { adapterMethods } from '../../kernels/adapters/registry';
import { loadConfig } from '../../kernels/config/loadConfig';
import { loadTokenizer } from '../../kernels/formats/tokenizer';
import { openBaseModel } from '../../kernels/models/baseModel';
import { trainMerges } from '../tools/sample/bpe';
import { documents, take } from '../tools/sample/corpus';
import { heldOutLoss } from '../tools/sample/pretrain';
import { RECIPE } from '../tools/sample/recipe';
import { heldOutBatches, packedBatches } from '../tools/sample/sequences';
import { trainTokenizer } from '../tools/sample/tokenizerFiles';

const SAMPLE = path.resolve(__dirname, '../../media/sample');
const BASE = path.join(SAMPLE, 'base');
const readJson = (name: string): unknown => JSON.parse(readFileSync(path.join(BASE, name), 'utf8'));

describe('training of the vocabulary', () => {
  it('merges the most frequent pair first, and the first in order among equals', () => {
    expect(trainMerges(['abab abab cd cd'], 4)).toEqual([
      ['a', 'b'],
      ['ab', 'ab'],
      ['c', 'd'],
      ['Ġ', 'cd'],
    ]);
  });

  it('merges neither across words nor digits, nor pairs that occur once', () => {
    expect(trainMerges(['12 12 xy'], 10)).toEqual([]);
  });
});

describe('the tokenizer of the sample', () => {
  const tokenizer = loadTokenizer(BASE);

  it('is the one that the script learns', () => {
    const texts = take(documents(RECIPE.seeds.text), RECIPE.tokenizerDocuments);
    expect(readJson('tokenizer.json')).toEqual(trainTokenizer(texts, RECIPE.vocabularySize));
  });

  // Ids of tokenizers 0.23.3 for the same tokenizer.json.
  it.each([
    ['The capital of France is Paris.', [274, 321, 266, 1384, 270, 2670, 17]],
    ['12 plus 7 makes 19.', [20, 21, 357, 224, 26, 676, 224, 20, 28, 17]],
    ['<|user|>\nWhat is a horse?<|end|>\n<|assistant|>\n', [1, 202, 58, 75, 339, 270, 262, 1816, 34, 0, 202, 2, 202]],
    [
      "Zoë's café – 中文 🙂\n\tend",
      [
        61, 82, 131, 108, 10, 86, 271, 68, 73, 131, 106, 224, 162, 226, 245, 224, 164, 120, 259, 166, 248, 233, 224,
        176, 257, 251, 228, 202, 201, 2525,
      ],
    ],
    ['  two  spaces ', [224, 712, 224, 1305, 372, 285, 224]],
  ])('encodes %j as the reference library does', (text, ids) => {
    expect(tokenizer.encode(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  });
});

describe('the base of the sample', () => {
  it('has the held-out loss that training.json states', async () => {
    const model = openBaseModel(BASE);
    const loss = await heldOutLoss(model, heldOutBatches(loadTokenizer(BASE)));
    expect(readJson('training.json')).toMatchObject({
      parameters: model.parameterCount,
      held_out: { loss: expect.closeTo(loss, 3) },
    });
    model.checkpoint.close();
  });

  it('was trained on sequences whose labels are their next tokens', () => {
    const [first, second] = packedBatches(loadTokenizer(BASE), 1, { count: 2, batch: 2, length: 8 });
    expect(first?.labels.subarray(0, 15)).toEqual(first?.inputIds.subarray(1));
    expect(first?.labels[15]).toBe(second?.inputIds[0]);
  });
});

describe('the sample workspace', () => {
  const files = readdirSync(SAMPLE, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());

  it('has adapter files without a problem', () => {
    const adapters = files.filter((f) => f.name.endsWith('.adapter.yaml')).map((f) => path.join(SAMPLE, f.name));
    expect(adapters).toHaveLength(2);
    for (const file of adapters) expect(loadConfig(file, { methods: adapterMethods }).problems).toEqual([]);
  });

  it('is smaller than 20 MB', () => {
    const bytes = files.reduce((sum, f) => sum + statSync(path.join(f.parentPath, f.name)).size, 0);
    expect(bytes).toBeLessThan(20e6);
  });
});
