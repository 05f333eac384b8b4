/** @file The text and the questions that the bundled sample is made of. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { documents, take } from '../tools/sample/corpus';
import { createDice } from '../tools/sample/dice';
import { questionFiles } from '../tools/sample/questions';
import { RELATIONS, sentence } from '../tools/sample/relations';

const SAMPLE = path.resolve(__dirname, '../../media/sample');
const firstDocuments = (seed: number, count: number): string[] => [...take(documents(seed), count)];

describe('the corpus', () => {
  it('is the same for the same seed, on every machine', () => {
    const digest = createHash('sha256').update(firstDocuments(1, 2000).join('\n\n')).digest('hex');
    expect(digest.slice(0, 16)).toBe('8c437e4896bfcdc3');
  });

  it('has other documents for another seed', () => {
    expect(firstDocuments(1, 20)).not.toEqual(firstDocuments(2, 20));
  });

  it('states every fact and asks no question of the fine-tuning task', () => {
    const said = new Set(firstDocuments(1, 40_000).flatMap((text) => text.split(/(?<=[.?]) |\n/)));
    for (const relation of RELATIONS) {
      for (const fact of relation.facts) {
        const isSaid = (template: string) => said.has(sentence(template, fact));
        expect(relation.statements.some(isSaid), `${relation.id} of ${fact.subject}`).toBe(true);
        expect(relation.asked?.questions.some(isSaid) ?? false, `${relation.id} of ${fact.subject}`).toBe(false);
      }
    }
  });
});

describe('relations', () => {
  it('fill subject and object into a template and begin with a capital letter', () => {
    expect(sentence('{s} has {o}.', { subject: 'iron', object: 'Fe' })).toBe('Iron has Fe.');
  });

  it('give every subject one object, so that a question has one answer', () => {
    for (const { id, facts } of RELATIONS) {
      expect(new Set(facts.map((f) => f.subject)).size, id).toBe(facts.length);
      expect(
        facts.every((f) => f.subject !== '' && f.object !== ''),
        id,
      ).toBe(true);
    }
  });
});

describe('the questions', () => {
  const files = questionFiles();

  it('of the evaluation ask for facts that the training does not ask for', () => {
    const answers = (samples: typeof files.train) => samples.map((s) => s.messages[1].content);
    const trained = new Set(answers(files.train));
    expect(answers(files.eval).filter((answer) => trained.has(answer))).toEqual([]);
    expect(files.eval).toHaveLength(96);
  });

  it.each(['train', 'eval'] as const)('in %s.jsonl are those that the script writes', (name) => {
    const lines = readFileSync(path.join(SAMPLE, `${name}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(files[name]);
  });
});

describe('dice', () => {
  it('shuffle without losing or repeating an element', () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = createDice(5).shuffled(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.sort((a, b) => a - b)).toEqual(items);
  });

  it('refuse to pick from nothing', () => {
    expect(() => createDice(1).pick([])).toThrow(RangeError);
  });
});
