/**
 * @file `quantization_config` of a config.json: which quantised checkpoints are read, and whether the weights are what it says.
 * bitsandbytes' own files tell everything about each weight; the configuration only repeats it.
 */
import * as l10n from '@vscode/l10n';
import type { Checkpoint } from '../formats/checkpoint';
import type { FloatDtype } from '../formats/dtype';
import type { QuantizedWeight } from '../formats/quantizedWeight';
import type { Problem } from '../protocol/errors';

export const QUANTIZATION = 'quantization_config';

/** A field of it that is wrong, or is not known. */
export interface QuantizationBreach {
  /** Key path from the top of config.json. */
  readonly where: string;
  readonly value: unknown;
  readonly severity: Problem['severity'];
  readonly expected: string;
}

interface Scheme {
  readonly bits: 4 | 8;
  readonly quantType: 'nf4' | 'fp4';
  readonly isNested: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that say how to compute, or how to quantise what is not quantised yet. Here everything is computed in float32. */
const WITHOUT_EFFECT = new Set([
  ...['bnb_4bit_compute_dtype', 'bnb_4bit_quant_storage', 'llm_int8_threshold', 'llm_int8_skip_modules'],
  ...['llm_int8_enable_fp32_cpu_offload', 'modules_to_not_convert'],
]);
const FLAGS = ['load_in_4bit', 'load_in_8bit', 'bnb_4bit_use_double_quant', 'llm_int8_has_fp16_weight'];
const KNOWN = new Set([...WITHOUT_EFFECT, ...FLAGS, 'quant_method', 'bnb_4bit_quant_type']);
const QUANT_TYPES = ['nf4', 'fp4'];

/** Everything that is wrong with the field of this value; `undefined` and `null` say that nothing is quantised. */
export function quantizationBreaches(value: unknown): readonly QuantizationBreach[] {
  if (value === undefined || value === null) return [];
  if (!isObject(value)) {
    return [{ where: QUANTIZATION, value, severity: 'error', expected: l10n.t('expected an object') }];
  }
  const breaches: QuantizationBreach[] = [];
  const add = (key: string, expected: string, severity: Problem['severity'] = 'error'): void =>
    void breaches.push({ where: `${QUANTIZATION}.${key}`, value: value[key], severity, expected });
  if (!isBitsandbytes(value)) {
    const [where, found] =
      value.quant_method === undefined ? [QUANTIZATION, value] : [`${QUANTIZATION}.quant_method`, value.quant_method];
    const expected = l10n.t('expected bitsandbytes; give the checkpoint that was quantised, in F32, F16 or BF16');
    return [{ where, value: found, severity: 'error', expected }];
  }
  for (const key of FLAGS) {
    if (value[key] !== undefined && typeof value[key] !== 'boolean') add(key, l10n.t('expected true or false'));
  }
  if (value.load_in_4bit === value.load_in_8bit || (value.load_in_4bit !== true && value.load_in_8bit !== true)) {
    add('load_in_4bit', l10n.t('expected true for either load_in_4bit or load_in_8bit'));
  }
  if (value.bnb_4bit_quant_type !== undefined && !QUANT_TYPES.includes(value.bnb_4bit_quant_type as string)) {
    add('bnb_4bit_quant_type', l10n.t('expected one of {0}', QUANT_TYPES.join(', ')));
  }
  for (const key of Object.keys(value)) {
    if (KNOWN.has(key) || key.startsWith('_') || value[key] === null) continue;
    add(key, l10n.t('expected a field that does not change the computation'), 'warning');
  }
  return breaches;
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Old configurations name no method. */
const isBitsandbytes = (fields: Fields): boolean =>
  fields.quant_method === undefined
    ? 'load_in_4bit' in fields || 'load_in_8bit' in fields
    : fields.quant_method === 'bitsandbytes';

function schemeOf(value: unknown): Scheme | undefined {
  if (!isObject(value) || quantizationBreaches(value).some(({ severity }) => severity === 'error')) return undefined;
  return {
    bits: value.load_in_4bit === true ? 4 : 8,
    // The defaults of bitsandbytes.
    quantType: value.bnb_4bit_quant_type === 'nf4' ? 'nf4' : 'fp4',
    isNested: value.bnb_4bit_use_double_quant === true,
  };
}

/** What 8-bit weights of this model were before: what its configuration says it is in. */
export function floatDtypeOf({ dtype, torch_dtype: older }: Fields): FloatDtype {
  const named = dtype ?? older;
  return named === 'float16' ? 'F16' : named === 'bfloat16' ? 'BF16' : 'F32';
}

/** Where the configuration and the weights say different things. A configuration that is wrong itself is refused elsewhere. */
export function quantizationProblems({ config, tensors }: Checkpoint, file: string): readonly Problem[] {
  const value = config[QUANTIZATION];
  const scheme = schemeOf(value);
  const weights = [...tensors].flatMap(([name, { quantized }]) => (quantized ? [[name, quantized] as const] : []));
  const problem = (key: string, found: string, expected: string, severity: Problem['severity'] = 'error'): Problem => ({
    ...{ file, where: key === '' ? QUANTIZATION : `${QUANTIZATION}.${key}`, severity, found, expected },
  });
  const [first] = weights;
  if (value === undefined || value === null) {
    if (!first) return [];
    const found = l10n.t('is missing, but {0} tensors are quantised, {1} for one', weights.length, first[0]);
    return [problem('', found, l10n.t('expected what bitsandbytes quantised them with'))];
  }
  if (!scheme) return [];
  if (!first) {
    const found = l10n.t('says that weights are quantised, but none is');
    return [problem('', found, l10n.t('expected quantised weights, or no such field'))];
  }
  const odd = (isOdd: (weight: QuantizedWeight) => boolean): string | undefined =>
    weights.find(([, weight]) => isOdd(weight))?.[0];
  const [loads, bits] = [`load_in_${scheme.bits}bit`, scheme.bits];
  const wrongBits = odd(({ form }) => (form === 'int8') !== (bits === 8));
  if (wrongBits) {
    const expected = l10n.t('expected what {0} is: {1} bits', wrongBits, 12 - bits);
    return [problem(loads, l10n.t('is {0}', 'true'), expected)];
  }
  if (bits === 8) return [];
  const other = odd(({ form }) => form !== scheme.quantType);
  const unlike = odd((weight) => weight.form !== 'int8' && (weight.nested !== undefined) !== scheme.isNested);
  const has = (name: string): string => l10n.t('expected what {0} has; it has no effect here', name);
  return [
    ...(other
      ? [problem('bnb_4bit_quant_type', l10n.t('is {0}', scheme.quantType), has(other), 'warning' as const)]
      : []),
    ...(unlike
      ? [
          problem(
            'bnb_4bit_use_double_quant',
            l10n.t('is {0}', String(scheme.isNested)),
            has(unlike),
            'warning' as const,
          ),
        ]
      : []),
  ];
}
