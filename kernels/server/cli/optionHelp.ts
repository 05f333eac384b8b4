/** @file What the options of the command line mean: one sentence each, the same wherever a command has the option. */
import type { Command } from './command';

const MEANINGS: Readonly<Record<string, string>> = {
  adapter: 'DIR  folder of the adapter',
  again: 'merges an adapter that is in the base already a second time',
  base: 'DIR  checkpoint folder of the base model',
  data: 'FILE  read in place of data.eval',
  device: 'NAME  auto (the default), cpu, webgpu, cuda, dml or coreml',
  dtype: 'NAME  type of the written weights: keep (the default: as they are stored), f32, f16 or bf16',
  energy: 'SHARE  how much of the squared norm of each update is kept, above 0 and up to 1',
  help: 'this text',
  json: 'records on standard output, one JSON object a line, and nothing else there',
  'max-new-tokens': 'N  tokens to write at most (the default: 128)',
  merged: 'DIR  the merged checkpoint',
  module: 'NAME  only this module',
  'no-measure': 'leaves out the short measurement, and with it the time',
  out: 'DIR  folder that is written; it must not exist or be empty',
  prompt: 'TEXT  what the model continues',
  queue: 'waits until the runs that are live now have ended',
  rank: 'R  rank of every module',
  raw: 'takes the prompt as plain text, without the chat template',
  run: 'DIR  folder of the run; otherwise a new one in the output folder of the configuration',
  sample: 'N  number of the sample, from 1',
  seed: 'N  start of the random numbers of --temperature',
  set: 'KEY=VALUE  a key of the configuration, such as training.max_steps=10; null takes the key away, so that its default holds; may be repeated',
  temperature: 'T  draws tokens at random; lower is closer to the likeliest',
  'top-p': 'P  draws from the likeliest tokens that together have this probability',
  unverified:
    'takes the adapter out though no record shows that it is in these weights, as where another program merged it',
  way: 'NAME  how an adapter is merged whose method has no exact merge: input, weight or least_squares (ResLoRA); otherwise as its configuration says',
};

/** The options of a command, a line each, with what they mean. */
export function optionList({ options, meanings }: Pick<Command, 'options' | 'meanings'>): string {
  const names = [...Object.keys(options), 'json', 'help'];
  const width = Math.max(...names.map((name) => name.length));
  return names
    .map((name) => `  --${name.padEnd(width)}  ${meanings?.[name] ?? MEANINGS[name] ?? ''}`.trimEnd())
    .join('\n');
}

/** Options of a command that have no words here. */
export const unexplained = ({ options }: Pick<Command, 'options'>): readonly string[] =>
  Object.keys(options).filter((name) => !(name in MEANINGS));
