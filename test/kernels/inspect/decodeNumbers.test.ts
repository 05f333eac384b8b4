/** @file Stored bytes as numbers: the 8-bit floating types by the tables of their specifications. */
import { expect, test } from 'vitest';
import { decodeNumbers } from '../../../kernels/inspect/decodeNumbers';
import type { Dtype } from '../../../kernels/formats/dtype';

// Zero, one, the smallest and the largest number, a negative one, and the pattern that is no number.
test.each<[Dtype, readonly number[], readonly number[]]>([
  ['F8_E4M3', [0x00, 0x38, 0x01, 0x7e, 0xb8, 0x7f], [0, 1, 2 ** -9, 448, -1, NaN]],
  ['F8_E5M2', [0x00, 0x3c, 0x01, 0x7b, 0xbc, 0x7d, 0x7c], [0, 1, 2 ** -16, 57344, -1, NaN, Infinity]],
  ['F8_E4M3FNUZ', [0x00, 0x40, 0x01, 0x7f, 0xc0, 0x80], [0, 1, 2 ** -10, 240, -1, NaN]],
  ['F8_E5M2FNUZ', [0x00, 0x40, 0x01, 0x7f, 0xc0, 0x80], [0, 1, 2 ** -17, 57344, -1, NaN]],
  ['F8_E8M0', [0x00, 0x7f, 0x80, 0xfe, 0xff], [2 ** -127, 1, 2, 2 ** 127, NaN]],
])('%s', (dtype, bytes, expected) => {
  expect([...Array.from(decodeNumbers(dtype, Uint8Array.from(bytes)) ?? [])]).toEqual(expected);
});

test.each<Dtype>(['F4', 'F6_E2M3', 'F6_E3M2', 'C64'])('%s is no list of plain numbers', (dtype) => {
  expect(decodeNumbers(dtype, new Uint8Array(8))).toBeNull();
});
