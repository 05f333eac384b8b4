/** @file A base model in one line. */
import * as l10n from '@vscode/l10n';
import { weightDtypes } from '../models/baseModel';
import type { ModelHeader } from '../models/modelHeader';

/** `llama, 135 M parameters in 30 blocks, F16; reads up to 8192 tokens`. */
export function modelSentence(model: ModelHeader): string {
  const { architecture, config, parameterCount } = model;
  const dtypes = [...weightDtypes(model)].map((dtype) => dtype.toUpperCase()).join(', ');
  const size =
    parameterCount >= 1e9
      ? ([1e9, ' G'] as const)
      : parameterCount >= 1e6
        ? ([1e6, ' M'] as const)
        : ([1e3, ' k'] as const);
  const parameters = `${Number((parameterCount / size[0]).toPrecision(3))}${size[1]}`;
  return l10n.t(
    '{0}, {1} parameters in {2} blocks, {3}; reads up to {4} tokens',
    architecture.id,
    parameters,
    config.layers,
    dtypes,
    config.maxLength,
  );
}
