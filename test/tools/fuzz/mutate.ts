/** @file Small damage to a text in bytes, of the kinds that parsers stumble over. The same random numbers give the same damage. */
import type { Random } from '../../../kernels/util/random';

const MOST_BYTES = 32 * 1024;
const MEANINGFUL = Buffer.from('{}[],:"\\ \n\t0123456789-+.eE/_tfnu\u0000\u001f', 'latin1');

/** Numbers at the borders of what readers count with. */
const NUMBERS = [
  '-1',
  '-0',
  '0',
  '1',
  '1.0',
  '0.5',
  '1e3',
  '1e999',
  '-1e999',
  '00',
  '0x10',
  '2147483647',
  '2147483648',
  '4294967296',
  '9007199254740991',
  '9007199254740992',
  '9223372036854775807',
  '18446744073709551615',
  '18446744073709551616',
  '1'.repeat(400),
  'NaN',
  'Infinity',
  'null',
  'true',
  '"7"',
  '[]',
  '{}',
];

const TEXTS = [
  '""',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '"__metadata__"',
  '"dtype"',
  '"shape"',
  '"data_offsets"',
  '"F32"',
  '"F4"',
  '"F8_E4M3"',
  '"bf16"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\ufeff"',
  '"\u202e"',
  '"../../etc/passwd"',
  '"(a+)+$"',
  `"${'x'.repeat(5000)}"`,
  'null',
  '1',
  '{}',
  '[[]]',
];

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const at = (bytes: Buffer, random: Random): number => random.below(bytes.length + 1);

const range = (bytes: Buffer, random: Random, most: number): readonly [number, number] => {
  const start = at(bytes, random);
  return [start, Math.min(bytes.length, start + random.below(most) + 1)];
};

const spliced = (bytes: Buffer, from: number, to: number, put: Buffer | string): Buffer =>
  Buffer.concat([bytes.subarray(0, from), typeof put === 'string' ? Buffer.from(put) : put, bytes.subarray(to)]);

/** Puts one of `others` in place of a token of the text that `pattern` matches. */
function replaceToken(pattern: RegExp, others: readonly string[]): Mutation {
  return (bytes, random) => {
    const tokens = [...bytes.toString('latin1').matchAll(pattern)];
    const token = tokens[random.below(Math.max(1, tokens.length))];
    const other = others[random.below(others.length)] ?? '';
    if (!token) return bytes;
    return spliced(bytes, token.index, token.index + token[0].length, other);
  };
}

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[random.below(copy.length)] = random.below(256);
    return copy;
  },
  (bytes, random) => {
    const copy = Buffer.from(bytes);
    const place = random.below(Math.max(1, copy.length));
    if (copy.length > 0) copy[place] = (copy[place] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  (bytes, random) => {
    const place = at(bytes, random);
    const letter = MEANINGFUL[random.below(MEANINGFUL.length)] ?? 0;
    return spliced(bytes, place, place, Buffer.of(letter));
  },
  (bytes, random) => spliced(bytes, ...range(bytes, random, 12), ''),
  (bytes, random) => spliced(bytes, ...range(bytes, random, 200), ''),
  (bytes, random) => bytes.subarray(0, at(bytes, random)),
  (bytes, random) => {
    const [from, to] = range(bytes, random, 120);
    const place = at(bytes, random);
    return spliced(bytes, place, place, Buffer.from(bytes.subarray(from, to)));
  },
  replaceToken(/-?\d[\d.eE+-]*/g, NUMBERS),
  replaceToken(/-?\d[\d.eE+-]*/g, NUMBERS),
  replaceToken(/"[^"]*"/g, TEXTS),
  (bytes, random) => {
    const place = at(bytes, random);
    const bracket = '[{'[random.below(2)] ?? '[';
    return spliced(bytes, place, place, bracket.repeat(1 << random.below(13)));
  },
  (bytes, random) => {
    const place = at(bytes, random);
    return spliced(bytes, place, place, '0,'.repeat(1 << random.below(12)));
  },
];

/** One to four mutations of a text. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated = bytes;
  for (let left = 1 + random.below(4); left > 0; left--) {
    mutated = MUTATIONS[random.below(MUTATIONS.length)]?.(mutated, random) ?? mutated;
  }
  return mutated.subarray(0, MOST_BYTES);
}
