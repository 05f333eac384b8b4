/** @file Which activations config.json may name. */
import * as l10n from '@vscode/l10n';
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
