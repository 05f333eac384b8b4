/**
 * @file Finds the weights among the tensors of a checkpoint that bitsandbytes quantised, and checks every part of them.
 *
 *   4 bits   X.weight, X.weight.absmax, X.weight.quant_map, X.weight.quant_state.bitsandbytes__nf4 (or fp4): JSON as bytes, and
 *            X.weight.nested_absmax, X.weight.nested_quant_map where the absmax are quantised as well
 *   8 bits   X.weight, X.SCB, X.weight_format
 */
import * as l10n from '@vscode/l10n';
import { KernelError, type Problem } from '../protocol/errors';
import type { Dtype, FloatDtype } from './dtype';
import { bytesOf, elementCount, isFloatDtype } from './dtype';
import { LEVELS } from '../util/fourBitLevels';
import { collectProblems, decodeUtf8 } from './jsonFile';
import { breachesOf, count, exactly, finite, oneOf, type Rule } from './jsonRules';
import { jsonValue, parseJsonObject } from './jsonTree';
import type { FourBitWeight, NestedAbsmax, QuantizedWeight, ReadPart, StoredPart } from './quantizedWeight';
import { shapeText } from './safetensorsHeader';

export interface QuantizedTensors {
  /** By the name of the weight. */
  readonly weights: ReadonlyMap<string, QuantizedWeight>;
  /** Names of the tensors beside the weights that belong to them. */
  readonly parts: ReadonlySet<string>;
}

const STATE = '.quant_state.bitsandbytes__';
const FOUR_BIT_PART =
  /^(.+)\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.bitsandbytes__(?:nf4|fp4))$/;
const EIGHT_BIT_PART = /^(.+)\.(SCB|weight_format)$/;

/** The quant_state of a matrix has some 170 bytes. */
const MOST_STATE_BYTES = 10_000;
/** What bitsandbytes can read. */
const BLOCK_SIZES = [32, 64, 128, 256, 512, 1024, 2048, 4096];
const FLOAT_DTYPE: Readonly<Record<string, FloatDtype>> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' };

/** Levels were computed in several ways. */
const LEVEL_TOLERANCE = 1e-6;

/** Whether any tensor looks like a part of a quantised weight; by names alone. */
export const hasQuantized = (names: Iterable<string>): boolean =>
  [...names].some((name) => FOUR_BIT_PART.test(name) || EIGHT_BIT_PART.test(name));

/** Throws `format/invalid` with every part that is missing or does not fit. `eightBitDtype`: what 8-bit weights were before, which their files do not say. */
export function readQuantized(
  tensors: ReadonlyMap<string, StoredPart>,
  read: ReadPart,
  eightBitDtype: FloatDtype,
): QuantizedTensors {
  const weights = new Map<string, QuantizedWeight>();
  const parts = new Set<string>();
  const problems: Problem[] = [];
  const names = { four: new Set<string>(), eight: new Set<string>() };
  for (const name of tensors.keys()) {
    const [four, eight] = [FOUR_BIT_PART.exec(name)?.[1], EIGHT_BIT_PART.exec(name)?.[1]];
    if (four !== undefined) names.four.add(four);
    else if (eight !== undefined) names.eight.add(`${eight}.weight`);
    else continue;
    parts.add(name);
  }
  for (const [kind, all] of Object.entries(names)) {
    for (const name of all) {
      const reader = new PartReader(tensors, read, name);
      const weight = collectProblems(problems, () => {
        return kind === 'four' ? readFourBit(reader) : readEightBit(reader, eightBitDtype);
      });
      if (weight) weights.set(name, weight);
    }
  }
  if (problems.length > 0) throw KernelError.invalid(problems);
  return { weights, parts };
}

/** The parts of one weight; every member throws `format/invalid` with the name of the tensor. */
class PartReader {
  constructor(
    private readonly tensors: ReadonlyMap<string, StoredPart>,
    private readonly read: ReadPart,
    readonly weight: string,
  ) {}

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  part(name: string): StoredPart {
    const found = this.tensors.get(name);
    if (found) return found;
    const { file = '' } = [...this.tensors.values()].find((t) => t.name.startsWith(this.weight)) ?? {};
    const problem = { file, where: name, severity: 'error' as const, found: l10n.t('is missing') };
    throw KernelError.invalid([{ ...problem, expected: l10n.t('expected it beside {0}', this.weight) }]);
  }

  /** With so many elements of that type; one dimension is as good as two. */
  sized(name: string, dtype: Dtype, elements: number): StoredPart {
    const part = this.part(name);
    if (part.dtype === dtype && elementCount(part.shape) === elements) return part;
    throw this.wrong(
      part,
      l10n.t('is {0} {1}', part.dtype, shapeText(part.shape)),
      l10n.t('expected {0} [{1}], for {2}', dtype, elements, this.weight),
    );
  }

  floats(part: StoredPart, elements: number): Float32Array {
    const values = new Float32Array(elements);
    this.read(part, 0, bytesOf(values));
    return values;
  }

  bytes(part: StoredPart): Uint8Array {
    return this.read(part, 0, new Uint8Array(part.byteLength));
  }

  wrong({ file, name: where }: StoredPart, found: string, expected: string): KernelError {
    return KernelError.invalid([{ file, where, severity: 'error', found, expected }]);
  }
}

interface QuantState {
  readonly blocksize: number;
  readonly dtype: string;
  readonly shape: readonly [number, number];
  readonly nested_blocksize?: number;
  readonly nested_offset?: number;
}

function readFourBit(reader: PartReader): FourBitWeight {
  const { weight } = reader;
  const forms = (['nf4', 'fp4'] as const).filter((form) => reader.has(weight + STATE + form));
  const [form = 'nf4', other] = forms;
  const statePart = reader.part(weight + STATE + form);
  if (other) {
    const found = l10n.t('{0} has a quant_state of {1} as well', weight, other);
    throw reader.wrong(statePart, found, l10n.t('expected one'));
  }
  const isNested = ['nested_absmax', 'nested_quant_map'].some((part) => reader.has(`${weight}.${part}`));
  const state = readState(reader, statePart, form, isNested);
  const elements = elementCount(state.shape) ?? 0;
  const blocks = Math.ceil(elements / state.blocksize);
  const codes = reader.part(weight);
  // quant_storage may call the same bytes another type.
  const bytes = Math.ceil(elements / 2);
  if (codes.byteLength !== bytes) {
    const found = l10n.t('is {0} {1}: {2} bytes', codes.dtype, shapeText(codes.shape), codes.byteLength);
    const expected = l10n.t('expected {0} bytes, half of {1} as its quant_state says', bytes, shapeText(state.shape));
    throw reader.wrong(codes, found, expected);
  }
  const absmax = reader.sized(`${weight}.absmax`, isNested ? 'U8' : 'F32', blocks);
  const levels = reader.sized(`${weight}.quant_map`, 'F32', 16);
  const values = reader.floats(levels, 16);
  const wrongLevel = values.findIndex((v, i) => !(Math.abs(v - (LEVELS[form][i] ?? NaN)) <= LEVEL_TOLERANCE));
  if (wrongLevel >= 0) {
    const found = l10n.t('holds {0} at {1}', values[wrongLevel] ?? NaN, wrongLevel);
    const expected = l10n.t('expected {0}, the value of that code in {1}', LEVELS[form][wrongLevel] ?? NaN, form);
    throw reader.wrong(levels, found, expected);
  }
  const from = FLOAT_DTYPE[state.dtype] ?? 'F32';
  const own = { form, shape: state.shape, isTransposed: false, from, codes, levels, absmax };
  const nested = isNested ? readNested(reader, state, blocks) : undefined;
  return { ...own, blockSize: state.blocksize, ...(nested && { nested }) };
}

function readNested(reader: PartReader, state: QuantState, blocks: number): NestedAbsmax {
  const { nested_blocksize: blockSize = 0, nested_offset: offset = NaN } = state;
  const absmax = reader.sized(`${reader.weight}.nested_absmax`, 'F32', Math.ceil(blocks / blockSize));
  return { levels: reader.sized(`${reader.weight}.nested_quant_map`, 'F32', 256), blockSize, absmax, offset };
}

const above0: Rule = {
  isValid: (value) => count.isValid(value) && value !== 0,
  expected: () => l10n.t('expected a whole number of at least {0}', 1),
};
const blockSize: Rule = {
  isValid: (value) => BLOCK_SIZES.includes(value as number),
  expected: () => l10n.t('expected one of {0}', BLOCK_SIZES.join(', ')),
};
const matrixShape: Rule = {
  isValid: (value) =>
    Array.isArray(value) && value.length === 2 && value.every(above0.isValid) && elementCount(value) !== undefined,
  expected: () => l10n.t('expected the two sizes of a matrix'),
};

function readState(reader: PartReader, part: StoredPart, form: 'nf4' | 'fp4', isNested: boolean): QuantState {
  const { file, name: where } = part;
  const isBytes = part.dtype === 'U8' && part.byteLength <= MOST_STATE_BYTES;
  const text = isBytes ? decodeUtf8(reader.bytes(part)) : undefined;
  if (text === undefined) {
    const found = l10n.t('is {0} {1}', part.dtype, shapeText(part.shape));
    throw reader.wrong(part, found, l10n.t('expected a JSON object in UTF-8, as U8'));
  }
  const problems: Problem[] = [];
  const node = collectProblems(problems, () => parseJsonObject(text, file));
  if (node) {
    const rules = {
      quant_type: exactly(form),
      blocksize: blockSize,
      dtype: oneOf(Object.keys(FLOAT_DTYPE)),
      shape: matrixShape,
      ...(isNested && { nested_blocksize: above0, nested_offset: finite, nested_dtype: exactly('float32') }),
    };
    problems.push(...breachesOf(node, rules, { file }));
    const known = [...Object.keys(rules), 'nested_blocksize', 'nested_offset', 'nested_dtype'];
    for (const key of [...node.members.keys()].filter((k) => !known.includes(k))) {
      const found = l10n.t('is not known');
      problems.push({ file, where: key, severity: 'error', found, expected: l10n.t('expected {0}', known.join(', ')) });
    }
    if (!isNested && node.members.has('nested_offset')) {
      const found = l10n.t('there is no {0}', `${reader.weight}.nested_absmax`);
      const expected = l10n.t('expected it, or no such field');
      problems.push({ file, where: 'nested_offset', severity: 'error', found, expected });
    }
  }
  if (!node || problems.length > 0) {
    // Line and column are those of the text inside the tensor.
    throw KernelError.invalid(
      problems.map(({ where: key, found, expected, severity }) => {
        return { file, where: key === undefined ? where : `${where}: ${key}`, severity, found, expected };
      }),
    );
  }
  return jsonValue(node) as QuantState; // what the rules say
}

function readEightBit(reader: PartReader, from: FloatDtype): QuantizedWeight {
  const { weight } = reader;
  const module = weight.slice(0, -'.weight'.length);
  const codes = reader.part(weight);
  const [rows, width] = codes.shape;
  if (codes.dtype !== 'I8' || codes.shape.length !== 2 || !rows || !width) {
    const found = l10n.t('is {0} {1}', codes.dtype, shapeText(codes.shape));
    // Parts may stay behind when such a weight is written again in a floating type.
    const expected = isFloatDtype(codes.dtype)
      ? l10n.t('expected I8, as {0} beside it says', `${module}.SCB`)
      : l10n.t('expected I8 [out, in]');
    throw reader.wrong(codes, found, expected);
  }
  const rowMax = reader.sized(`${module}.SCB`, 'F32', rows);
  const formatName = `${module}.weight_format`;
  if (reader.has(formatName)) {
    const format = reader.sized(formatName, 'U8', 1);
    const value = reader.bytes(format)[0] ?? 0;
    if (value !== 0) {
      const expected = l10n.t(
        'expected 0, rows one after the other; save the model again with a bitsandbytes of today',
      );
      throw reader.wrong(format, l10n.t('is {0}', value), expected);
    }
  }
  return { form: 'int8', shape: [rows, width], isTransposed: false, from, codes, rowMax };
}
