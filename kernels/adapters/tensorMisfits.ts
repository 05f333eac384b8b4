/**
 * @file Whether the tensors of an adapter are those of the method and ranks that its configuration declares, as far as this
 * can be told without the base model: from the names, and from the two factors of a layer where it has two.
 */
import * as l10n from '@vscode/l10n';
import type { PeftTensor } from '../formats/peft';
import type { TargetSite } from '../models/types';
import type { Problem } from '../protocol/errors';
import type { AnyAdapterMethod } from './types';

type Config = Readonly<Record<string, unknown>>;
type ModuleTensors = ReadonlyMap<string, PeftTensor>;

/** `file`: that of the tensors. */
export function tensorMisfits(
  file: string,
  method: AnyAdapterMethod,
  config: Config,
  modules: ReadonlyMap<string, ModuleTensors>,
): readonly Problem[] {
  // What all layers share stands among the modules.
  if (method.shared) return [];
  return [...modules].flatMap(([module, tensors]) => {
    return [...misfitsOf(file, method, config, module, tensors)];
  });
}

function* misfitsOf(
  file: string,
  method: AnyAdapterMethod,
  config: Config,
  module: string,
  tensors: ModuleTensors,
): Generator<Problem> {
  const problem = (where: string, found: string, expected: string): Problem => ({
    file,
    where,
    severity: 'error',
    found,
    expected,
  });
  const copies = method.copies as Readonly<Record<string, string>> | undefined;
  const [a, b] = [tensors.get('lora_A'), tensors.get('lora_B')];
  const sizes = a && b && !copies ? ([a.shape[1] ?? 1, b.shape[0] ?? 1] as const) : undefined;
  const site = siteOf(module, ...(sizes ?? [1, 1]));
  const own: Config = method.configOf(site, config) as Config;
  const params = method.params(site, own);
  const rank = a?.shape[0];
  if (sizes && typeof own['r'] === 'number' && rank !== own['r']) {
    yield problem(
      module,
      l10n.t('has rank {0}', String(rank)),
      l10n.t('expected {0}, as adapter_config.json says', own['r']),
    );
    return;
  }
  for (const [name, { shape }] of Object.entries(params)) {
    const found = tensors.get(name);
    if (!found)
      yield problem(
        l10n.t('{0} of {1}', name, module),
        l10n.t('is missing'),
        l10n.t('expected it, as {0} has it', method.label),
      );
    else if (sizes && found.shape.join() !== shape.join()) {
      yield problem(
        found.key ?? module,
        l10n.t('is [{0}]', found.shape.join(', ')),
        l10n.t('expected [{0}]', shape.join(', ')),
      );
    }
  }
  for (const [name, { key = module }] of tensors) {
    if (name in params || (copies && name in copies)) continue;
    const expected = l10n.t(
      'expected the tensors of {0}, which adapter_config.json declares: {1}',
      method.label,
      Object.keys(params).join(', '),
    );
    yield problem(key, l10n.t('a {0}', name), expected);
  }
}

function siteOf(path: string, inFeatures: number, outFeatures: number): TargetSite {
  const projection = path.slice(path.lastIndexOf('.') + 1);
  const layer = Number(/(?:^|\.)(\d+)\./.exec(path)?.[1] ?? 0);
  return { path, inFeatures, outFeatures, weight: `${path}.weight`, bias: null, layout: 'out-in', layer, projection };
}
