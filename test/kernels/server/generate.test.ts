/** @file Models that write for the editor: text as it comes, stops between two tokens, base and adapter at once, refusals. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveAdapter } from '../../../kernels/adapters/adapterFile';
import { planAdapter } from '../../../kernels/adapters/plan';
import { adapterMethod } from '../../../kernels/adapters/registry';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { KernelError } from '../../../kernels/protocol/errors';
import type { Progress } from '../../../kernels/protocol/kernelApi';
import { generateHandlers } from '../../../kernels/server/handlers/generate';
import { Parameters } from '../../../kernels/trainer/parameters';
import type { Fields } from '../../../kernels/util/fields';
import { withDefaults } from '../../../kernels/util/fields';
import { randomValues, temporaryFolder, writeTinyModel } from '../../support/tinyModel';
import { TINY_VOCABULARY, tinyTokenizerFiles } from '../../support/tinyTokenizer';

const folder = temporaryFolder();
const base = writeTinyModel({
  config: { vocab_size: TINY_VOCABULARY, max_position_embeddings: 96, eos_token_id: 256 },
  files: tinyTokenizerFiles(),
});
const write = generateHandlers['generate/write'];
const prompt = { kind: 'chat', user: 'hi' } as const;

/** A random adapter that changes what the base says. */
function writeAdapter(): string {
  const model = openBaseModel(base);
  const method = adapterMethod('lora')!;
  const plan = planAdapter(method, withDefaults(method.config as Fields, { r: 4 }), model);
  const parameters = new Parameters(plan).initialise(model, 3);
  plan.trained.forEach((t, i) => parameters.set(t.key, randomValues(t.shape, 10 + i)));
  const dir = path.join(folder, 'adapter');
  saveAdapter(dir, plan, parameters, { baseModelPath: base });
  model.checkpoint.close();
  return dir;
}

interface Heard {
  readonly context: { signal: AbortSignal; progress: (p: Progress) => void };
  readonly stop: AbortController;
  text(): string;
}

function listen(onText: (all: string, stop: AbortController) => void = () => undefined): Heard {
  const stop = new AbortController();
  let all = '';
  const progress = ({ text = '' }: Progress): void => {
    if (text === '') return;
    all += text;
    onText(all, stop);
  };
  return { context: { signal: stop.signal, progress }, stop, text: () => all };
}

describe('a model that writes', () => {
  it('tells its text as it comes, and all of it at the end', async () => {
    const heard = listen();
    const written = await write({ base, prompt, maxNewTokens: 12 }, heard.context);
    expect(heard.text()).toBe(written.text);
    expect(written).toMatchObject({ tokens: 12, promptTokens: 'user: hi\nassistant: '.length, stopped: 'length' });
  });

  it('says the same beside another one that writes at the same time, and something else with an adapter', async () => {
    const adapter = writeAdapter();
    const alone = await write({ base, prompt, maxNewTokens: 10 }, listen().context);
    const requests = {
      base: { base, prompt, maxNewTokens: 10 },
      adapter: { base, adapter, prompt, maxNewTokens: 10, isBesideRun: true },
    };
    const { text } = await write(requests.adapter, listen().context);
    const order: string[] = [];
    const [first, second] = await Promise.all([
      write(requests.base, listen(() => order.push('base')).context),
      write(requests.adapter, listen(() => order.push('adapter')).context),
    ]);
    expect(first.text).toBe(alone.text);
    expect(second.text).toBe(text);
    expect(second.text).not.toBe(alone.text);
    // Side by side: neither waits until the other is done.
    expect(order.indexOf('adapter')).toBeLessThan(order.lastIndexOf('base'));
    expect(order.indexOf('base')).toBeLessThan(order.lastIndexOf('adapter'));
  });

  it('stops between two tokens', async () => {
    let pieces = 0;
    const heard = listen((_, stop) => {
      if (++pieces === 3) stop.abort();
    });
    const stopped = write({ base, prompt: { kind: 'text', text: 'abc' }, maxNewTokens: 60 }, heard.context);
    await expect(stopped).rejects.toSatisfy((error) => KernelError.is(error, 'cancelled'));
    expect(pieces).toBe(3);
  });

  it('draws the same text with the same seed', async () => {
    const sampling = { temperature: 1.5, topP: 0.95, seed: 4 };
    const draw = (seed: number) =>
      write({ base, prompt, maxNewTokens: 16, sampling: { ...sampling, seed } }, listen().context);
    const { text } = await draw(4);
    expect((await draw(4)).text).toBe(text);
    expect((await draw(5)).text).not.toBe(text);
  });

  it('says what it is, and refuses a chat where it has no template', async () => {
    const { 'tokenizer_config.json': config = '{}', ...files } = tinyTokenizerFiles();
    const { chat_template: _, ...names } = JSON.parse(config) as Record<string, unknown>;
    const plain = writeTinyModel({
      config: { vocab_size: TINY_VOCABULARY },
      files: { ...files, 'tokenizer_config.json': JSON.stringify(names) },
    });
    const { context } = listen();
    expect(await generateHandlers['generate/about']({ base }, context)).toEqual({
      hasChatTemplate: true,
      maxLength: 96,
    });
    expect(await generateHandlers['generate/about']({ base: plain }, context)).toMatchObject({
      hasChatTemplate: false,
    });
    await expect(write({ base: plain, prompt, maxNewTokens: 2 }, context)).rejects.toThrow('has no chat template');
    await expect(write({ base: '/nowhere', prompt, maxNewTokens: 2 }, context)).rejects.toSatisfy((e) =>
      KernelError.is(e),
    );
  });
});
