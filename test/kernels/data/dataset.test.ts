import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDataset, type DatasetOptions, type TokenDataset } from '../../../kernels/data/dataset';
import { KernelError } from '../../../kernels/protocol/errors';
import {
  CHATML,
  OTHER_PROMPT,
  REWRITES_HISTORY,
  smallTokenizer,
  WITH_START,
  type SmallTokenizerOptions,
} from './smallTokenizer';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'dataset-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}
const lines = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');

function optionsFor(files: readonly string[], change: Partial<DatasetOptions> & SmallTokenizerOptions = {}) {
  const { addsStart, template, eos, ...rest } = change;
  const tokenizer = smallTokenizer({
    ...(addsStart === undefined ? {} : { addsStart }),
    ...(template === undefined ? {} : { template }),
    ...(eos === undefined ? {} : { eos }),
  });
  const cacheDir = join(folder, 'cache');
  return { files, format: 'auto', lossOn: 'completion', maxLength: 1000, tokenizer, cacheDir, ...rest } as const;
}

/** Each sample as text, with what carries loss between ⟦ and ⟧. */
function marked({ length, read }: TokenDataset, change: SmallTokenizerOptions = {}): string[] {
  const tokenizer = smallTokenizer(change);
  return Array.from({ length }, (_, i) => {
    const { ids, lossMask } = read(i);
    const stretches: { readonly isLearnt: boolean; readonly ids: number[] }[] = [];
    ids.forEach((id, t) => {
      const isLearnt = lossMask[t] === 1;
      const last = stretches.at(-1);
      if (last?.isLearnt === isLearnt) last.ids.push(id);
      else stretches.push({ isLearnt, ids: [id] });
    });
    return stretches.map((s) => (s.isLearnt ? `⟦${tokenizer.decode(s.ids)}⟧` : tokenizer.decode(s.ids))).join('');
  });
}

async function samplesOf(rows: unknown[], change: Partial<DatasetOptions> & SmallTokenizerOptions = {}) {
  const data = await openDataset(optionsFor([fileOf('samples.jsonl', lines(...rows))], change));
  try {
    const rendered = await Promise.all(Array.from({ length: data.length }, (_, i) => data.render(i)));
    const asText = rendered.map((pieces) => pieces.map((p) => (p.carriesLoss ? `⟦${p.text}⟧` : p.text)).join(''));
    const texts = marked(data, change);
    // The view of a sample says the same as its tokens.
    if (data.truncated === 0) expect(asText.map((t) => t.replaceAll('⟧⟦', ''))).toEqual(texts);
    return { texts, skipped: data.skipped, truncated: data.truncated, format: data.format };
  } finally {
    data.close();
  }
}

async function problemsOf(
  content: string | Buffer,
  change: Partial<DatasetOptions> & SmallTokenizerOptions = {},
  name = 'bad.jsonl',
) {
  try {
    const data = await openDataset(optionsFor([fileOf(name, content)], change));
    data.close();
    return [];
  } catch (error) {
    if (!KernelError.is(error, 'input/refused')) throw error;
    return error.problems.map((p) => `${p.line ?? ''}: ${p.where ? `${p.where}: ` : ''}${p.found}; ${p.expected}`);
  }
}

describe('samples of plain text', () => {
  test('are learnt whole and end with the end token, once', async () => {
    const { texts, format } = await samplesOf([{ text: 'one' }, { text: 'two</s>' }]);
    expect(format).toBe('text');
    expect(texts).toEqual(['⟦one</s>⟧', '⟦two</s>⟧']);
  });

  test('begin with the start token where the tokenizer adds one, once', async () => {
    const { texts } = await samplesOf([{ text: 'one' }, { text: '<s>two' }], { addsStart: true });
    expect(texts).toEqual(['<s>⟦one</s>⟧', '⟦<s>two</s>⟧']);
  });

  test('need an end token', async () => {
    await expect(samplesOf([{ text: 'one' }], { eos: null })).rejects.toThrow(/names no end token/);
  });
});

describe('samples of prompt and completion', () => {
  const row = { prompt: 'Q: ', completion: 'A' };

  test('carry loss on completion and end token', async () => {
    const { texts, format } = await samplesOf([row, { prompt: '', completion: 'B</s>' }], { addsStart: true });
    expect(format).toBe('prompt-completion');
    expect(texts).toEqual(['<s>Q: ⟦A</s>⟧', '<s>⟦B</s>⟧']);
  });

  test('carry loss on everything when told', async () => {
    expect((await samplesOf([row], { lossOn: 'all' })).texts).toEqual(['⟦Q: A</s>⟧']);
  });

  test('are tokenised apart, so that no token reaches from prompt to completion', async () => {
    // ByteLevel would read " A" as one word of "Q: A".
    expect((await samplesOf([{ prompt: 'Q:', completion: ' A' }])).texts).toEqual(['Q:⟦ A</s>⟧']);
  });

  test('are cut on the right, and skipped and counted when nothing to learn is left', async () => {
    const { texts, skipped, truncated } = await samplesOf(
      [
        { prompt: 'abc', completion: 'defg' },
        { prompt: 'abcdef', completion: 'g' },
        { prompt: 'abcde', completion: 'f' },
        { prompt: '', completion: '' },
      ],
      { maxLength: 6 },
    );
    expect(texts).toEqual(['abc⟦def⟧', 'abcde⟦f⟧']);
    expect(truncated).toBe(3);
    expect(skipped).toEqual({
      'max_length leaves none of the tokens that carry loss': 1,
      'no token carries loss': 1,
    });
  });

  test('as lists of messages are rendered together and learnt from the completion on', async () => {
    const prompt = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
      { role: 'user', content: 'c' },
    ];
    const { texts } = await samplesOf([{ prompt, completion: [{ role: 'assistant', content: 'd' }] }], {
      template: WITH_START,
    });
    expect(texts).toEqual(['<s>[user]a</s>[assistant]b</s>[user]c</s>[assistant]⟦d</s>⟧']);
  });
});

describe('samples of instructions', () => {
  test('are a turn of the user and one of the assistant with a chat template', async () => {
    const rows = [
      { instruction: 'Add', input: '1 1', output: '2' },
      { instruction: 'Hi', input: '', output: 'Ho' },
    ];
    const { texts, format } = await samplesOf(rows, { template: WITH_START, addsStart: true });
    expect(format).toBe('instruction');
    expect(texts).toEqual(['<s>[user]Add\n\n1 1</s>[assistant]⟦2</s>⟧', '<s>[user]Hi</s>[assistant]⟦Ho</s>⟧']);
  });

  test("are Alpaca's text without one", async () => {
    const { texts } = await samplesOf([
      { instruction: 'Hi', output: 'Ho' },
      { instruction: 'Add', input: '1', output: '2' },
    ]);
    expect(texts[0]).toBe(
      'Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n' +
        '### Instruction:\nHi\n\n### Response:⟦Ho</s>⟧',
    );
    expect(texts[1]).toContain('provides further context. Write a response');
    expect(texts[1]).toContain('### Instruction:\nAdd\n\n### Input:\n1\n\n### Response:⟦2</s>⟧');
  });
});

describe('samples of messages', () => {
  const messages = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'user', content: 'c' },
    { role: 'assistant', content: 'd' },
  ];

  test('carry loss on each answer up to and including its last end of turn', async () => {
    const { texts, format } = await samplesOf([{ messages }], { template: CHATML, eos: '<|im_end|>' });
    expect(format).toBe('messages');
    const turn = (role: string, content: string) => `<|im_start|>${role}\n${content}`;
    expect(texts).toEqual([
      `${turn('user', 'a<|im_end|>\n')}${turn('assistant', '⟦b<|im_end|>⟧\n')}` +
        `${turn('user', 'c<|im_end|>\n')}${turn('assistant', '⟦d<|im_end|>⟧\n')}`,
    ]);
  });

  test('end a turn with a special token that is not the end token of the base model', async () => {
    const { texts } = await samplesOf([{ messages: messages.slice(0, 2) }], { template: CHATML });
    expect(texts[0]).toMatch(/⟦b<\|im_end\|>⟧\n$/);
  });

  test('are learnt to their end when the template marks no end of turn', async () => {
    const template = "{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}";
    const withPrompt = `${template}{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}`;
    const { texts } = await samplesOf([{ messages: messages.slice(0, 2) }], { template: withPrompt });
    expect(texts).toEqual(['user: a\nassistant: ⟦b\n⟧']);
  });

  test('carry loss on everything when told, turns behind the last answer included', async () => {
    const { texts } = await samplesOf([{ messages: messages.slice(0, 3) }], { template: WITH_START, lossOn: 'all' });
    // The start token has no token before it from which it could be predicted.
    expect(texts).toEqual(['⟦<s>[user]a</s>[assistant]b</s>[user]c</s>⟧']);
  });

  test('without an answer are skipped and counted', async () => {
    const { skipped } = await samplesOf([{ messages: messages.slice(0, 1) }], { template: WITH_START });
    expect(skipped).toEqual({ 'no token carries loss': 1 });
  });

  test('are refused with a template that cannot be trained on turn by turn, once for all', async () => {
    const rows = lines({ messages: messages.slice(0, 2) }, { messages }, { messages });
    expect(await problemsOf(rows, { template: REWRITES_HISTORY })).toEqual([
      '2: messages.3: the chat template changes earlier turns when later ones follow, so it cannot be trained on turn by turn; ' +
        'expected a template that only appends, or samples with prompt and completion as text',
    ]);
    expect(await problemsOf(rows, { template: OTHER_PROMPT })).toEqual([
      expect.stringMatching(/^1: messages.1: the chat template does not begin the turn with its generation prompt/),
    ]);
    expect(await problemsOf(rows)).toEqual([
      expect.stringMatching(/^1: messages: the checkpoint has no chat template/),
    ]);
  });

  test('are refused when their content is not text: it would be learnt as whatever it prints as', async () => {
    const parts = [{ type: 'text', text: 'a' }];
    const rows = lines(
      { messages: [{ role: 'user', content: parts }, messages[1]] },
      { messages: [messages[0], { role: 'assistant' }] },
    );
    expect(await problemsOf(rows, { template: WITH_START })).toEqual([
      '1: messages.0.content: found a list; expected text',
      '2: messages.1.content: found nothing; expected text',
    ]);
  });

  test('are refused with what the template says about them', async () => {
    const template =
      "{% if messages[0].role != 'user' %}{{ raise_exception('user first') }}{% endif %}{{ messages[0].content }}";
    const rows = lines({ messages: [{ role: 'assistant', content: 'x' }] });
    expect(await problemsOf(rows, { template })).toEqual([
      '1: the chat template refuses the messages: user first; expected other messages',
    ]);
  });
});

describe('rows that are not samples', () => {
  test('are all named with their line', async () => {
    const content = '\uFEFF{"text": "ok"}\n\n{"text": 5}\n{"text"\n[1]\n{"other": "x"}\n  \n{"text": "last"}';
    expect(await problemsOf(content, { format: 'text' })).toEqual([
      '3: text: found number 5; expected text',
      expect.stringMatching(/^4: not valid JSON: .*; expected one JSON object on each line$/),
      '5: found a list; expected an object with keys',
      '6: text: found nothing; expected text',
    ]);
    const latin = Buffer.from('{"text": "a"}\n{"text": "caf\xe9"}\n', 'latin1');
    expect(await problemsOf(latin, { format: 'text' })).toEqual([
      '2: found bytes that are not UTF-8 text; expected one JSON object on each line',
    ]);
  });

  test('are named by the key that is wrong', async () => {
    const rows = lines(
      { prompt: 'a' },
      { prompt: [], completion: 'x' },
      { prompt: 5, completion: 'x' },
      { prompt: [], completion: [{ content: 'x' }] },
    );
    expect(await problemsOf(rows, { format: 'prompt-completion', template: CHATML })).toEqual([
      '1: completion: found nothing; expected text, as the prompt',
      '2: completion: found text; expected a list of messages, as the prompt',
      '3: prompt: found number 5; expected text or a list of messages',
      '4: prompt and completion.0: found a message without role; expected an object with role and content',
    ]);
    expect(await problemsOf(lines({ instruction: 'a', output: 1 }), { format: 'instruction' })).toEqual([
      '1: output: found number 1; expected text',
    ]);
    expect(
      await problemsOf(lines({ messages: [] }, { messages: 'x' }), { format: 'messages', template: CHATML }),
    ).toEqual([
      '1: messages: found an empty list; expected at least one message',
      '2: messages: found text; expected a list of messages',
    ]);
  });

  test('with the same mistake are listed a few times, and then counted', async () => {
    const rows = lines(...Array.from({ length: 80 }, () => ({ text: 1 })));
    const problems = await problemsOf(rows, { format: 'text' });
    expect(problems).toHaveLength(5);
    expect(problems[4]).toBe('5: text: found number 1: the same on 76 more lines (5–80); expected text');
  });
});

describe('the format', () => {
  test('is refused when it cannot be told', async () => {
    expect(await problemsOf(lines({ text: 'a', messages: [] }))).toEqual([
      '1: found keys that fit the formats text and messages; write data.format to say which one is meant',
    ]);
    expect(await problemsOf(lines({ question: 'a', answer: 'b' }))).toEqual([
      '1: found the keys "question", "answer"; expected text, or prompt and completion, or instruction and output, or messages',
    ]);
    expect(await problemsOf(lines({ text: 'a' }, { prompt: 'a', completion: 'b' }))).toEqual([
      '2: found a sample of format prompt-completion among samples of format text; expected one format in all files',
    ]);
    expect(await problemsOf('\n\n')).toEqual([': found no samples; expected at least one']);
  });

  test('of text with a label is refused for a model that writes text, unless the format says text', async () => {
    const rows = [{ text: 'good', label: 'yes' }];
    expect(await problemsOf(lines(...rows))).toEqual([
      expect.stringMatching(
        /^1: label: found a label beside the text, .*encoder \(bert, roberta\).*"completion"; or data.format: text/,
      ),
    ]);
    expect(await problemsOf(lines({ sentence: 'good', label: 1 }))).toEqual([
      expect.stringMatching(/^1: found the keys "sentence", "label"; expected an encoder/),
    ]);
    const data = await openDataset({ ...optionsFor([fileOf('labelled.jsonl', lines(...rows))]), format: 'text' });
    expect(data.length).toBe(1);
    data.close();
  });

  test('is told by the other rows when one fits several', async () => {
    expect((await samplesOf([{ text: 'a', prompt: 'b', completion: 'c' }, { text: 'd' }])).format).toBe('text');
  });
});

describe('files', () => {
  test('of JSON are a list of objects, wherever their lines break', async () => {
    const list = '\n[ {"text": "a, [b] \\"{c"},\n\n {"text":\n "d"} , {"text": "é"}\n]\n';
    const data = await openDataset(optionsFor([fileOf('list.json', list)]));
    expect(marked(data)).toEqual(['⟦a, [b] "{c</s>⟧', '⟦d</s>⟧', '⟦é</s>⟧']);
    expect([0, 1, 2].map((i) => data.read(i).source.line)).toEqual([2, 4, 5]);
    expect(await data.render(1)).toEqual([
      { text: 'd', carriesLoss: true },
      { text: '</s>', carriesLoss: true },
    ]);
    data.close();
  });

  test('of JSON with one object on each line are read as such', async () => {
    const data = await openDataset(optionsFor([fileOf('lines.json', lines({ text: 'a' }, { text: 'b' }))]));
    expect(data.length).toBe(2);
    data.close();
  });

  test('of JSON that are broken say where', async () => {
    const broken = (text: string) => problemsOf(text, { format: 'text' }, 'broken.json');
    expect(await broken('[{"text": "a"}\n,,{"text": "b"}]')).toEqual([
      '2: found a comma without an item; expected a list of JSON objects',
    ]);
    expect(await broken('[{"text": "a"},\n]')).toEqual([
      '2: found a comma without an item; expected a list of JSON objects',
    ]);
    expect(await broken('[{"text": "a"}')).toEqual([
      '1: the file ends before the list is closed; expected a list of JSON objects',
    ]);
    expect(await broken('[{"text": "a"}]\n[1]')).toEqual([
      '2: found more text after the list; expected a list of JSON objects',
    ]);
    expect(await broken('[{"text": "a"} {"text": "b"}]')).toEqual([expect.stringMatching(/^1: not valid JSON/)]);
    expect(await broken('[]')).toEqual([': found no samples; expected at least one']);
  });

  test('of Parquet are read row group by row group', async () => {
    const folderOf = (name: string) => join(__dirname, 'parquet', name);
    const chats = await openDataset(optionsFor([folderOf('messages-snappy.parquet')], { template: WITH_START }));
    expect(chats.format).toBe('messages');
    expect(marked(chats)[4]).toBe('<s>[user]What is 4?</s>[assistant]⟦Number 4.</s>⟧');
    expect(chats.read(4).source.line).toBe(5);
    expect((await chats.render(3)).map((p) => p.text)).toEqual(['<s>[user]What is 3?</s>[assistant]', 'Number 3.</s>']);
    chats.close();
    const pairs = await openDataset(optionsFor([folderOf('pairs-gzip.parquet')]));
    expect(marked(pairs)).toHaveLength(5);
    expect(marked(pairs)[3]).toBe('3 + 1 =⟦ 4</s>⟧');
    pairs.close();
    await expect(openDataset(optionsFor([folderOf('pairs-lz4.parquet')]))).rejects.toThrow(/compressed with LZ4/);
    await expect(openDataset(optionsFor([fileOf('x.parquet', 'no')]))).rejects.toThrow(/cannot be read as Parquet/);
  });

  test('of several kinds make one set, in their order', async () => {
    const a = fileOf('a.jsonl', lines({ text: 'a' }));
    const b = fileOf('b.json', '[{"text": "b"}]');
    const data = await openDataset(optionsFor([b, a]));
    expect(marked(data)).toEqual(['⟦b</s>⟧', '⟦a</s>⟧']);
    expect([data.read(0).source, data.read(1).source]).toEqual([
      { file: b, line: 1 },
      { file: a, line: 1 },
    ]);
    data.close();
  });

  test('larger than a chunk keep every row and its line', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => ({ prompt: `${i} ${'é'.repeat(i % 90)}`, completion: `${i}` }));
    for (const [name, content] of [
      ['large.jsonl', lines(...rows)],
      ['large.json', JSON.stringify(rows)],
    ] as const) {
      const fractions: number[] = [];
      const options = optionsFor([fileOf(name, content)], { maxLength: 4000 });
      const data = await openDataset({ ...options, onProgress: (fraction) => fractions.push(fraction) });
      expect(data.length).toBe(3000);
      expect(data.read(2999).source.line).toBe(name === 'large.json' ? 1 : 3000);
      expect(marked(data)[2345]).toBe(`${rows[2345]?.prompt}⟦2345</s>⟧`);
      expect((await data.render(2345))[0]?.text).toBe(rows[2345]?.prompt);
      expect(data.supervisedCounts[2345]).toBe(5);
      expect(data.tokenLengths.reduce((a, b) => a + b, 0)).toBe(
        rows.reduce((sum, r) => sum + Buffer.byteLength(r.prompt + r.completion) + 1, 0),
      );
      expect(fractions.length).toBeGreaterThan(1);
      expect(fractions.at(-1)).toBe(1);
      data.close();
    }
  });
});

describe('the tokens on disk', () => {
  test('are found again, and made anew when anything they depend on changes', async () => {
    const cacheDir = join(folder, 'own-cache');
    const file = fileOf('cached.jsonl', lines({ prompt: 'a', completion: 'b' }));
    const open = async (change: Partial<DatasetOptions> & SmallTokenizerOptions = {}) => {
      let wasRead = false;
      const options = { ...optionsFor([file], change), cacheDir, onProgress: () => (wasRead = true) };
      const data = await openDataset(options);
      data.close();
      return { digest: data.digest, wasRead };
    };
    const first = await open();
    expect(first.wasRead).toBe(true);
    expect(await open()).toEqual({ ...first, wasRead: false });
    for (const change of [
      { maxLength: 99 },
      { lossOn: 'all' },
      { addsStart: true },
      { format: 'prompt-completion' },
    ] as const) {
      const other = await open(change);
      expect(other.wasRead).toBe(true);
      expect(other.digest).not.toBe(first.digest);
    }
    writeFileSync(file, lines({ prompt: 'a', completion: 'c' }));
    expect((await open()).digest).not.toBe(first.digest);
    const kept = join(cacheDir, `${(await open()).digest}.tokens`);
    truncateSync(kept, 10);
    expect((await open()).wasRead).toBe(true);
  });

  test('depend on the day only when the template asks for it', async () => {
    const rows = [
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: 'b' },
        ],
      },
    ];
    const file = fileOf('dated.jsonl', lines(...rows));
    const digest = async (template: string, day: string) => {
      const data = await openDataset(optionsFor([file], { template, now: new Date(day) }));
      data.close();
      return data.digest;
    };
    const dated = `{{ strftime_now('%d %b %Y') }}${CHATML}`;
    expect(await digest(dated, '2024-01-01')).not.toBe(await digest(dated, '2024-01-02'));
    expect(await digest(CHATML, '2024-01-01')).toBe(await digest(CHATML, '2024-01-02'));
  });

  test('are not left behind half written when reading is cancelled', async () => {
    const cacheDir = join(folder, 'cancelled');
    const file = fileOf('cancel.jsonl', lines(...Array.from({ length: 20_000 }, (_, i) => ({ text: `sample ${i}` }))));
    const controller = new AbortController();
    const onProgress = () => controller.abort();
    const opening = openDataset({ ...optionsFor([file]), cacheDir, signal: controller.signal, onProgress });
    await expect(opening).rejects.toSatisfy((e) => KernelError.is(e, 'cancelled'));
    expect(readdirSync(cacheDir)).toEqual([]);
  });
});
