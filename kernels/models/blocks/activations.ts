/** @file Which activations config.json may name, and what they compute. */
import * as l10n from '@vscode/l10n';
import type { Value } from '../../graph/graph';
import { geluTanh, mul, normalCdf, relu } from '../../graph/ops';
import type { ConfigReader } from '../configReader';

export const onlySilu = (read: ConfigReader): void =>
  read.only('hidden_act', ['silu', 'swish'], l10n.t('expected silu, the only activation supported in this family'));

/**
 * The approximation of gelu by tanh, under either of its two keys. `older` are further names that configurations of the
 * family have for it.
 */
export function onlyTanhGelu(read: ConfigReader, older: readonly string[] = []): void {
  const why = l10n.t('expected gelu_pytorch_tanh, the only activation supported in this family');
  read.only('hidden_act', ['gelu_pytorch_tanh', ...older], why);
  read.only('hidden_activation', ['gelu_pytorch_tanh'], why);
}

export type Activation = 'gelu' | 'geluTanh' | 'relu';

/** Approximations of GELU by tanh under their several names, and the exact function. */
const NAMES: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_new: 'geluTanh',
  gelu_pytorch_tanh: 'geluTanh',
  gelu_fast: 'geluTanh',
  relu: 'relu',
};

/** The activation that `key` names; another one is a problem. */
export function readActivation(read: ConfigReader, key: string, fallback: string): Activation {
  const name = read.raw(key) ?? fallback;
  const known = typeof name === 'string' ? NAMES[name] : undefined;
  if (!known) read.refuse(key, name, l10n.t('expected one of {0}', Object.keys(NAMES).join(', ')));
  return known ?? 'gelu';
}

export function activate(x: Value, activation: Activation): Value {
  switch (activation) {
    case 'gelu':
      return mul(x, normalCdf(x));
    case 'geluTanh':
      return geluTanh(x);
    case 'relu':
      return relu(x);
  }
}
