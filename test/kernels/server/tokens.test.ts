/** @file Tokens on the command line and for the editor: the same sample, with text that is not saved, and refusals. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SampleTokens } from '../../../kernels/protocol/calls/tokens';
import { tokensHandlers } from '../../../kernels/server/handlers/tokens';
import { useEngine } from '../../support/engine';
import { trainingFixture, TRAIN_SAMPLES } from '../../support/trainingFixture';

const engine = useEngine();
const fixture = trainingFixture();
const context = { signal: new AbortController().signal, progress: () => undefined };
const show = tokensHandlers['tokens/show'];
const lengths = tokensHandlers['tokens/lengths'];

describe('tokens on the command line', () => {
  it('are those of the editor, as one object', async () => {
    const file = fixture.config('cli');
    const { status, records } = await engine.run('tokens', file, '--sample', '3', '--json');
    expect(status).toBe(0);
    const [sample] = records() as readonly unknown[] as readonly SampleTokens[];
    const goal = { to: 'number', number: 3 } as const;
    expect((await show({ source: { config: file, set: 'train' }, goal }, context)).sample).toEqual(sample);
    expect(sample).toMatchObject({
      sample: 3,
      file: fixture.trainFile,
      line: 3,
      format: 'prompt-completion',
      cut: null,
    });
    const row = JSON.parse(readFileSync(fixture.trainFile, 'utf8').split('\n')[2] ?? '') as Record<string, string>;
    expect(sample?.tokens.map((t) => t.text).join('')).toBe(`${row['prompt']}${row['completion']}<|end|>`);
    expect(sample?.tokens.filter((t) => t.loss)).toHaveLength((row['completion']?.length ?? 0) + 1);
  });

  it('are a table for people, of the evaluation data and with another length when asked', async () => {
    const file = fixture.config('table');
    const options = ['--data', 'eval', '--sample', '2', '--set', 'data.max_length=4'];
    const { status, stdout, stderr } = await engine.run('tokens', file, ...options);
    expect(status).toBe(0);
    expect(stdout).toContain(`${fixture.evalFile}:2: sample 2 of 6, prompt-completion`);
    expect(stdout).toMatch(/4 tokens \(\d+ before the cut\), 0 carry loss/);
    expect(stdout).toContain('cut here by max_length 4');
    expect(stderr).toContain('warning: max_length leaves none of the tokens that carry loss');
  });

  it.each([
    [['--sample', '99'], 'there is no sample 99; expected a number from 1 to 41'],
    [['--data', 'test'], '--data: found test; expected train or eval'],
    [['--data', 'eval', '--set', 'data.eval=null'], ''],
  ])('are refused: %j', async (options, message) => {
    const { status, stderr } = await engine.run('tokens', fixture.config('refused'), ...options);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('tokens for the editor', () => {
  it('are those of the text that is not saved, and of a data file that changed meanwhile', async () => {
    const file = fixture.config('edited');
    const source = { config: file, set: 'train', text: readFileSync(file, 'utf8') } as const;
    const shorter = { ...source, text: source.text.replace('max_length: 64', 'max_length: 5') };
    const goal = { to: 'longest' } as const;
    const whole = await show({ source, goal }, context);
    expect(whole).toMatchObject({ count: TRAIN_SAMPLES, sets: ['train', 'eval'], sample: { cut: null } });
    expect((await show({ source: shorter, goal }, context)).sample?.cut).toMatchObject({ at: 5 });
    expect(await lengths({ source: shorter }, context)).toMatchObject({ samples: TRAIN_SAMPLES, maxLength: 5 });
    const rows = readFileSync(fixture.trainFile, 'utf8');
    writeFileSync(fixture.trainFile, `${rows}{"prompt":"new","completion":"row"}\n`);
    const last = await show({ source, goal: { to: 'number', number: TRAIN_SAMPLES + 1 } }, context);
    expect(last.sample?.text).toBe('newrow<|end|>');
    writeFileSync(fixture.trainFile, rows);
  });

  it('cannot be had of a configuration with mistakes, which are named', async () => {
    const file = fixture.config('mistaken', { data: { max_length: -1 } });
    const goal = { to: 'number', number: 1 } as const;
    await expect(show({ source: { config: file, set: 'train' }, goal }, context)).rejects.toThrow('data.max_length');
  });
});
