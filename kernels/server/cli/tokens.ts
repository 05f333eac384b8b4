/** @file `tokens`: one sample of a configuration as training reads it, token by token. */
import { readConfig } from '../../check/checkConfig';
import { SampleShelf } from '../../trainer/browseSamples';
import type { SampleSet, SampleToken } from '../../protocol/calls/tokens';
import { KernelError } from '../../protocol/errors';
import type { Command } from './command';
import { countOption, listOption, oneArgument, stringOption, table } from './command';

export const tokensCommand: Command = {
  name: 'tokens',
  usage: 'FILE.adapter.yaml [--sample N] [--data train|eval] [--set KEY=VALUE]…',
  summary:
    'Shows a sample as training reads it: its tokens, which of them carry loss or what its label is, where it is cut, what is odd.',
  meanings: { data: 'train or eval (the default: train)' },
  options: { sample: { type: 'string' }, data: { type: 'string' }, set: { type: 'string', multiple: true } },
  async run(context) {
    const { out, values, signal } = context;
    const config = readConfig(oneArgument(context, 'a configuration file'), listOption(values, 'set'));
    const number = countOption(values, 'sample', 1);
    const options = { signal, onProgress: (message: string) => out.progress(message) };
    const browser = await new SampleShelf().open(config, setOption(stringOption(values, 'data')), options);
    const sample = await browser.show(number);
    out.clearProgress();
    out.record(sample);
    const { counts, cut, warnings, label } = sample;
    out.line(`${sample.file}:${sample.line}: sample ${number} of ${browser.count}, ${sample.format}`);
    const before = cut ? ` (${counts.total} before the cut)` : '';
    const learnt = label === undefined ? `, ${counts.loss} carry loss` : '';
    out.line(`${counts.tokens} tokens${before}${learnt}, ${counts.special} special`);
    if (label !== undefined) out.line(`label: ${label}`);
    for (const { message } of warnings) out.note(`warning: ${message}`);
    out.line();
    // The label of a text is learnt from all of it: no single token carries loss.
    const lossOf = (cell: string): readonly string[] => (label === undefined ? [cell] : []);
    const rows = sample.tokens.map((t, i) => [
      ...[String(i + 1), String(t.id), ...lossOf(t.loss ? '|' : '')],
      ...[visible(t), kindOf(t)],
    ]);
    out.line(table([['token', 'id', ...lossOf('loss'), 'text', ''], ...rows]));
    if (cut) out.line(`cut here by max_length ${cut.at}`);
  },
};

function setOption(value = 'train'): SampleSet {
  if (value === 'train' || value === 'eval') return value;
  throw new KernelError('input/refused', `--data: found ${value}; expected train or eval`);
}

/** White space and control characters as signs that can be seen. */
function visible({ text, token, bytes }: SampleToken): string {
  if (bytes !== undefined) return bytes.split(' ').map(visibleByte).join('');
  if (text === '') return token;
  const sign = (c: string): string => String.fromCodePoint(c === '\x7f' ? 0x2421 : 0x2400 + (c.codePointAt(0) ?? 0));

  return text
    .replaceAll(' ', '·')
    .replaceAll('\n', '↵')
    .replaceAll('\t', '⇥')
    .replace(/[\x00-\x1f\x7f]/g, sign);
}

function visibleByte(hex: string): string {
  const byte = parseInt(hex, 16);
  return byte === 0x20 ? '·' : byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `<${hex}>`;
}

const kindOf = ({ special, role }: SampleToken): string => [special ? 'special' : '', role ?? ''].join(' ').trim();
