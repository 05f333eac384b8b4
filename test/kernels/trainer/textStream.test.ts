/** @file Text that is told as its tokens come: whatever the bytes are, the pieces put together are the whole text. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CheckpointTokenizer } from '../../../kernels/formats/tokenizer';
import { TextStream } from '../../../kernels/trainer/textWriter';
import { tinyTokenizerFiles } from '../../support/tinyTokenizer';

/** Each byte is a token whose id it is. */
const tokenizer = new CheckpointTokenizer(
  JSON.parse(tinyTokenizerFiles()['tokenizer.json']!) as Record<string, unknown>,
  {},
  '',
);

/** The pieces, one list for each token and one for the end. */
function pieces(ids: readonly number[]): string[][] {
  const said: string[][] = [];
  const stream = new TextStream(tokenizer, (text) => said.at(-1)?.push(text));
  for (const id of ids) {
    said.push([]);
    stream.add(id);
  }
  said.push([]);
  stream.end();
  return said;
}

const bytesOf = (text: string): number[] => [...Buffer.from(text, 'utf8')];

it('any bytes, characters or not, are told as they stand in the end', () => {
  const character = fc.constantFrom('a', 'é', '划', '😀', '\ufffd').map(bytesOf);
  const part = fc.oneof(character, fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 3 }));
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const ids = parts.flat();
      expect(pieces(ids).flat().join('')).toBe(tokenizer.decode(ids));
    }),
  );
});

it('a character is told with its last byte, and bytes that become none do not hold up what follows', () => {
  expect(pieces(bytesOf('a😀b'))).toEqual([['a'], [], [], [], ['😀'], ['b'], []]);
  const odd = pieces([0xff, 0xff, 0xff, 0xff, 0xff, ...bytesOf('划!')]);
  expect(odd.slice(0, 5).flat()).toEqual(['\ufffd', '\ufffd']);
  expect(odd.flat().join('')).toBe('\ufffd\ufffd\ufffd\ufffd\ufffd划!');
});
