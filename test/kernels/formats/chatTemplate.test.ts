import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ChatTemplate, readChatTemplate } from '../../../kernels/formats/chatTemplate';
import { KernelError } from '../../../kernels/protocol/errors';

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: ' Hello ' },
];
const names = { bos_token: '<s>', eos_token: '</s>' };
const render = (source: string, options = {}) => new ChatTemplate(source, names).render(messages, options);

const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

describe('a chat template', () => {
  test('renders the turns, and on demand what stands before an answer', () => {
    const turns =
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n Hello <|im_end|>\n';
    expect(render(CHATML)).toBe(turns);
    expect(render(CHATML, { addGenerationPrompt: true })).toBe(`${turns}<|im_start|>assistant\n`);
  });

  test('knows the special tokens, filters, ranges and tools', () => {
    expect(render('{{ bos_token }}{{ messages[2].content | trim }}{{ eos_token }}')).toBe('<s>Hello</s>');
    expect(render('{% for i in range(1, 6, 2) %}{{ i }}{% endfor %}{{ tools is none }}')).toBe('135true');
    expect(render('{{ tools | tojson }}', { tools: [{ name: 'f' }] })).toBe('[{"name": "f"}]');
  });

  test('drops the marks of what the assistant generates and keeps what is between them', () => {
    const source = '{% for m in messages %}{% generation %}{{ m.role }}{% endgeneration %} {% endfor %}';
    expect(render(source)).toBe('system user assistant ');
  });

  test('sees the day it is given, in English', () => {
    const now = new Date('2024-07-26T23:30:00Z');
    expect(render("{{ strftime_now('%d %b %Y, %A %B %H:%M %%') }}", { now })).toBe('26 Jul 2024, Friday July 23:30 %');
    expect(new ChatTemplate("{{ strftime_now('%Y') }}").usesDate).toBe(true);
    expect(new ChatTemplate(CHATML).usesDate).toBe(false);
  });

  test('is refused with its own words, or because it cannot be read', () => {
    const refusal = (source: string) => {
      try {
        return render(source);
      } catch (error) {
        return KernelError.is(error) ? `${error.code}: ${error.message}` : 'other';
      }
    };
    expect(refusal("{{ raise_exception('Only user and assistant') }}")).toBe(
      'input/refused: the chat template refuses the messages: Only user and assistant',
    );
    expect(refusal('{% if %}')).toMatch(
      /^format\/invalid: chat_template: the chat template cannot be read: .*; expected a template in Jinja/,
    );
    expect(refusal('{{ messages.foo.bar.baz() }}')).toMatch(/^input\/refused: the chat template fails: /);
  });
});

describe('the template of a checkpoint', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'template-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is that of tokenizer_config.json, the one named default of several', () => {
    expect(readChatTemplate(folder, {}, names)).toBeUndefined();
    expect(readChatTemplate(folder, { chat_template: 'one' }, names)?.source).toBe('one');
    const several = [
      { name: 'tool_use', template: 'a' },
      { name: 'default', template: 'b' },
    ];
    expect(readChatTemplate(folder, { chat_template: several }, names)?.source).toBe('b');
    expect(readChatTemplate(folder, { chat_template: { default: 'c' } }, names)?.source).toBe('c');
    expect(() => readChatTemplate(folder, { chat_template: several.slice(0, 1) }, names)).toThrow(
      /chat_template has tool_use; expected one named default/,
    );
  });

  test('is chat_template.jinja when there is such a file', () => {
    writeFileSync(join(folder, 'chat_template.jinja'), 'from a file');
    expect(readChatTemplate(folder, { chat_template: 'one' }, names)?.source).toBe('from a file');
  });
});
