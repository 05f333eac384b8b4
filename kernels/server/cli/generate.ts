/** @file `generate`: text of a base model or an adapter, through the checkpoint's chat template when it has one. */
import path from 'node:path';
import { loadAdapter } from '../../adapters/adapterFile';
import { promptTokens } from '../../data/promptTokens';
import type { CheckpointTokenizer } from '../../formats/tokenizer';
import { loadTokenizer } from '../../formats/tokenizer';
import { openBaseModel, weightDtypes } from '../../models/baseModel';
import { KernelError } from '../../protocol/errors';
import { chooseDevice, physicalCores } from '../../runtime/devices';
import type { Device } from '../../runtime/types';
import type { Sampling } from '../../trainer/generate';
import { generate } from '../../trainer/generate';
import { ModelRunner } from '../../trainer/runner';
import type { Command, OptionValues } from './command';
import { countOption, noArguments, numberOption, requiredOption, stringOption } from './command';

const DEVICES: readonly (Device | 'auto')[] = ['auto', 'cpu', 'webgpu', 'cuda', 'dml', 'coreml'];
const DEFAULT_NEW_TOKENS = 128;

export const generateCommand: Command = {
  name: 'generate',
  usage:
    '--base DIR [--adapter DIR] --prompt TEXT [--max-new-tokens N] [--raw] [--temperature T [--top-p P] [--seed N]] [--device D]',
  summary:
    'Continues a text, greedily unless --temperature is given. The prompt is a user turn when the checkpoint has a chat ' +
    'template; with --raw it is plain text.',
  options: {
    base: { type: 'string' },
    adapter: { type: 'string' },
    prompt: { type: 'string' },
    'max-new-tokens': { type: 'string' },
    raw: { type: 'boolean' },
    temperature: { type: 'string' },
    'top-p': { type: 'string' },
    seed: { type: 'string' },
    device: { type: 'string' },
  },
  async run({ args, values, out, signal }) {
    noArguments({ args });
    const base = path.resolve(requiredOption(values, 'base'));
    const prompt = requiredOption(values, 'prompt');
    const maxNewTokens = countOption(values, 'max-new-tokens', DEFAULT_NEW_TOKENS);
    const sampling = samplingOf(values);
    const wanted = stringOption(values, 'device') ?? 'auto';
    const named = DEVICES.find((d) => d === wanted);
    if (!named) {
      throw new KernelError('input/refused', `--device: found ${wanted}; expected one of ${DEVICES.join(', ')}`);
    }
    const adapterDir = stringOption(values, 'adapter');

    const model = openBaseModel(base);
    let runner: ModelRunner | undefined;
    try {
      const tokenizer = loadTokenizer(base);
      const promptIds = promptTokens(prompt, tokenizer, { isRaw: values['raw'] === true });
      const adapter = adapterDir === undefined ? null : loadAdapter(path.resolve(adapterDir), model);
      const { device } = await chooseDevice(named, weightDtypes(model));
      runner = new ModelRunner(model, adapter?.plan ?? null, adapter?.parameters ?? null, {
        device,
        threads: physicalCores(),
      });
      const stream = new TextStream(tokenizer, (text) => out.text(text));
      const ids = await generate(runner, promptIds, {
        maxNewTokens,
        stopIds: tokenizer.stopIds,
        ...(sampling && { sampling }),
        signal,
        onToken: (id) => stream.add(id),
      });
      stream.end();
      out.line();
      const isFull = ids.length === maxNewTokens || promptIds.length + ids.length === model.config.maxLength;
      out.record({
        text: textOf(tokenizer, ids),
        tokens: ids.length,
        prompt_tokens: promptIds.length,
        stopped: isFull ? 'length' : 'end',
      });
    } finally {
      await runner?.dispose();
      model.checkpoint.close();
    }
  },
};

function samplingOf(values: OptionValues): Sampling | undefined {
  const temperature = numberOption(values, 'temperature', 'a number above 0', (t) => t > 0);
  const topP = numberOption(values, 'top-p', 'a number above 0 and at most 1', (p) => p > 0 && p <= 1);
  const seed = numberOption(values, 'seed', 'a whole number of at least 0', (s) => Number.isSafeInteger(s) && s >= 0);
  if (temperature === undefined) {
    const idle = topP !== undefined ? 'top-p' : seed !== undefined ? 'seed' : undefined;
    if (idle === undefined) return undefined;
    throw new KernelError('input/refused', `--${idle} has no effect without --temperature; give both or none`);
  }
  return { temperature, topP: topP ?? 1, seed: seed ?? 0 };
}

const textOf = (tokenizer: CheckpointTokenizer, ids: readonly number[]): string =>
  tokenizer.decode(ids, { skipSpecialTokens: true });

/** Text as tokens come: a character may need several tokens, so an unfinished one waits. */
class TextStream {
  private readonly ids: number[] = [];
  private shown = '';

  constructor(
    private readonly tokenizer: CheckpointTokenizer,
    private readonly write: (text: string) => void,
  ) {}

  add(id: number): void {
    this.ids.push(id);
    const text = textOf(this.tokenizer, this.ids);
    if (!text.endsWith('\ufffd')) this.show(text);
  }

  end(): void {
    this.show(textOf(this.tokenizer, this.ids));
  }

  private show(text: string): void {
    this.write(text.slice(this.shown.length));
    this.shown = text;
  }
}
