/**
 * @file Rotary settings in config.json: `rope_theta` and `rope_scaling`, or both inside `rope_parameters` as newer checkpoints
 * have it, where layers with a window can have settings of their own.
 */
import * as l10n from '@vscode/l10n';
import type { ConfigReader } from '../configReader';
import type { RopeConfig, RopeScaling } from './rope';

type Fields = Readonly<Record<string, unknown>>;

const DEFAULT_THETA = 10_000;

/** One setting for all layers. */
export function readRope(read: ConfigReader): RopeConfig {
  const theta = read.positive('rope_theta', DEFAULT_THETA);
  const [key, fields] = ropeObject(read);
  refuseTwoMeanings(read, key, fields);
  return parsed(read, key, fields, theta);
}

/** `rope_parameters.full_attention` and `.sliding_attention`, or the older fields, of which only the full layers are scaled. */
export function readRopeOfEach(
  read: ConfigReader,
  thetas: { readonly full: number; readonly sliding: number },
): { readonly full: RopeConfig; readonly sliding: RopeConfig } {
  const full = read.positive('rope_theta', thetas.full);
  const sliding = read.positive('rope_local_base_freq', thetas.sliding);
  const [key, fields] = ropeObject(read);
  const own = (name: string): Fields | undefined => (isObject(fields[name]) ? fields[name] : undefined);
  const [ofFull, ofSliding] = [own('full_attention'), own('sliding_attention')];
  if (key === 'rope_parameters' && (ofFull ?? ofSliding)) {
    refuseTwoMeanings(read, `${key}.full_attention`, ofFull ?? {});
    return {
      full: parsed(read, `${key}.full_attention`, ofFull ?? {}, full),
      sliding: parsed(read, `${key}.sliding_attention`, ofSliding ?? {}, sliding),
    };
  }
  refuseTwoMeanings(read, key, fields);
  return { full: parsed(read, key, fields, full), sliding: { theta: sliding, scaling: { type: 'default' } } };
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function ropeObject(read: ConfigReader): readonly [string, Fields] {
  const [key, raw] = (['rope_parameters', 'rope_scaling'] as const)
    .map((k) => [k, read.raw(k)] as const)
    .find(([, v]) => v !== undefined && v !== null) ?? ['rope_scaling', {}];
  if (isObject(raw)) return [key, raw];
  read.refuse(key, raw, l10n.t('expected an object'));
  return [key, {}];
}

function parsed(read: ConfigReader, key: string, fields: Fields, theta: number): RopeConfig {
  const numberOf = (name: string): number => {
    const value = fields[name];
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    read.refuse(`${key}.${name}`, value, l10n.t('expected a number above 0'));
    return 1;
  };
  if ((fields.partial_rotary_factor ?? 1) !== 1) {
    const expected = l10n.t('expected 1; partly rotated heads are not supported');
    read.refuse(`${key}.partial_rotary_factor`, fields.partial_rotary_factor, expected);
  }
  const type = fields.rope_type ?? fields.type ?? 'default';
  let scaling: RopeScaling = { type: 'default' };
  if (type === 'linear') scaling = { type, factor: numberOf('factor') };
  else if (type === 'llama3') {
    scaling = {
      type,
      factor: numberOf('factor'),
      lowFreqFactor: numberOf('low_freq_factor'),
      highFreqFactor: numberOf('high_freq_factor'),
      originalMaxPositions: numberOf('original_max_position_embeddings'),
    };
    // Equal ones would divide by zero; the wrong way round, short and long wave lengths change places.
    if (scaling.lowFreqFactor >= scaling.highFreqFactor) {
      read.refuse(`${key}.low_freq_factor`, fields.low_freq_factor, l10n.t('expected a number below high_freq_factor'));
    }
  } else if (type !== 'default') {
    read.refuse(`${key}.rope_type`, type, l10n.t('expected default, linear or llama3'));
  }
  return { theta: fields.rope_theta === undefined ? theta : numberOf('rope_theta'), scaling };
}

/** Fields of older and newer checkpoints that say the same thing; where they differ it is not known which one holds. */
function refuseTwoMeanings(read: ConfigReader, key: string, fields: Fields): void {
  const differ = (a: unknown, b: unknown): boolean =>
    (a ?? null) !== null && (b ?? null) !== null && JSON.stringify(a) !== JSON.stringify(b);
  if (differ(fields.rope_type, fields.type)) {
    read.refuse(
      `${key}.type`,
      fields.type,
      l10n.t('expected {0}, as rope_type says', JSON.stringify(fields.rope_type)),
    );
  }
  if (differ(fields.rope_theta, read.raw('rope_theta'))) {
    const expected = l10n.t('expected {0}, as {1} says', JSON.stringify(fields.rope_theta), key);
    read.refuse('rope_theta', read.raw('rope_theta'), expected);
  }
  if (differ(read.raw('rope_parameters'), read.raw('rope_scaling'))) {
    read.refuse(
      'rope_scaling',
      read.raw('rope_scaling'),
      l10n.t('expected what rope_parameters says, or only one of the two'),
    );
  }
}
