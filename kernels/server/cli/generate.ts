/** @file `generate`: text of a base model or an adapter, through the checkpoint's chat template when it has one. */
import path from 'node:path';
import { KernelError } from '../../protocol/errors';
import { physicalCores } from '../../runtime/devices';
import type { Device } from '../../runtime/types';
import type { Sampling } from '../../trainer/generate';
import { TextWriter } from '../../trainer/textWriter';
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

    const writer = await TextWriter.open({
      base,
      ...(adapterDir !== undefined && { adapter: path.resolve(adapterDir) }),
      device: named,
      threads: physicalCores(),
    });
    try {
      const isChat = writer.hasChatTemplate && values['raw'] !== true;
      const written = await writer.write(
        isChat ? { kind: 'chat', user: prompt } : { kind: 'text', text: prompt },
        { maxNewTokens, ...(sampling && { sampling }) },
        { signal, onText: (text) => out.text(text) },
      );
      out.line();
      const { text, tokens, promptTokens, stopped } = written;
      out.record({ text, tokens, prompt_tokens: promptTokens, stopped });
    } finally {
      await writer.dispose();
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
