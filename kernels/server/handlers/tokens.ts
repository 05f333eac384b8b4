/** @file Answers about the samples of a configuration as tokens. */
import { adapterMethods } from '../../adapters/registry';
import { loadConfig, type ResolvedConfig } from '../../config/loadConfig';
import type { SampleSource, TokensCalls } from '../../protocol/calls/tokens';
import { KernelError } from '../../protocol/errors';
import { SampleShelf, setsOf } from '../../trainer/browseSamples';
import type { HandlersOf } from '../serve';

const shelf = new SampleShelf();

export const tokensHandlers: HandlersOf<TokensCalls> = {
  'tokens/show': async ({ source, goal }, { signal, progress }) => {
    const config = read(source);
    const options = { signal, onProgress: reportTo(progress) };
    const browser = await shelf.open(config, source.set, options);
    const number = await browser.find(goal, options);
    const sample = number === null ? null : await browser.show(number);
    return { sample, count: browser.count, sets: setsOf(config) };
  },
  'tokens/lengths': async ({ source }, { signal, progress }) => {
    const options = { signal, onProgress: reportTo(progress) };
    return (await shelf.open(read(source), source.set, options)).lengths(options);
  },
};

function read({ config: file, text }: SampleSource): ResolvedConfig {
  const { config, problems } = loadConfig(file, { methods: adapterMethods, ...(text !== undefined && { text }) });
  if (!config) throw KernelError.refused(problems.filter((p) => p.severity === 'error'));
  return config;
}

type Report = (p: { message: string; fraction?: number }) => void;

const reportTo =
  (progress: Report) =>
  (message: string, fraction?: number): void =>
    progress({ message, ...(fraction !== undefined && { fraction }) });
