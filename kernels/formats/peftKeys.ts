/**
 * @file Names of tensors in PEFT's LoRA files ↔ (module, parameter). Writes the layout of PEFT 0.21; reads older ones too:
 * without the `base_model.model.` prefix, with the adapter's name left inside, magnitudes ending in `.weight`, and
 * `weight_m_wdecomp.weight` of the DoRA authors' files.
 */

/** `lora_B.bias`: the bias that `lora_bias` adds to the second factor. */
export const LORA_PARAMETERS = [
  'lora_A',
  'lora_B',
  'lora_B.bias',
  'lora_magnitude_vector',
  'lora_embedding_A',
  'lora_embedding_B',
  'vera_lambda_b',
  'vera_lambda_d',
  'vera_A',
  'vera_B',
  'reslora_f_x',
  'reslora_f_ax',
  'reslora_dot',
  'reslora_square',
] as const;

export type LoraParameter = (typeof LORA_PARAMETERS)[number];

const EMBEDDING_NAMES: ReadonlyMap<LoraParameter, LoraParameter> = new Map([
  ['lora_A', 'lora_embedding_A'],
  ['lora_B', 'lora_embedding_B'],
]);

/** What files call a tensor of an embedding that is named as that of a linear layer elsewhere. */
export const embeddingName = (parameter: LoraParameter): LoraParameter => EMBEDDING_NAMES.get(parameter) ?? parameter;

/** The way back. */
export const linearName = (parameter: LoraParameter): LoraParameter =>
  [...EMBEDDING_NAMES].find(([, name]) => name === parameter)?.[0] ?? parameter;

export type PeftKey =
  /** A tensor of the adapter. `adapterName` when the file still has it in the key. */
  | {
      readonly kind: 'parameter';
      readonly module: string;
      readonly parameter: LoraParameter;
      readonly adapterName?: string;
    }
  /** A tensor of the base model that was trained in full; `name` as in the checkpoint. */
  | { readonly kind: 'checkpoint'; readonly name: string }
  /** Part of an adapter by its name, but of none known here. */
  | { readonly kind: 'unknown' };

const PREFIX = 'base_model.model.';
const LORA =
  /^(.+)\.(lora_A|lora_B|lora_magnitude_vector|lora_embedding_A|lora_embedding_B|vera_lambda_b|vera_lambda_d|reslora_f_x|reslora_f_ax|reslora_dot|reslora_square)(?:\.([^.]+))??(?:\.(weight|bias))?$/;

/** Which ending each parameter may have; the first is the one written. */
const ENDINGS: Readonly<Record<LoraParameter, readonly string[]>> = {
  lora_A: ['.weight'],
  lora_B: ['.weight'],
  'lora_B.bias': ['.bias'],
  lora_magnitude_vector: ['', '.weight'],
  lora_embedding_A: [''],
  lora_embedding_B: [''],
  vera_lambda_b: [''],
  vera_lambda_d: [''],
  vera_A: [''],
  vera_B: [''],
  reslora_f_x: [''],
  reslora_f_ax: [''],
  reslora_dot: [''],
  reslora_square: [''],
};

/** Tensors that all layers of an adapter share: PEFT keeps them at its outermost module. */
const SHARED = /^base_model\.(vera_A|vera_B)(?:\.([^.]+))?$/;
/** What is given as the module of those. */
export const SHARED_MODULE = 'shared';

/** Reads one name. `adapterName` is the name to remove from the keys of modules that were saved whole. */
export function parsePeftKey(key: string, adapterName = 'default'): PeftKey {
  const shared = SHARED.exec(key);
  if (shared) {
    const [, parameter, adapter] = shared;
    const own = { kind: 'parameter', module: SHARED_MODULE, parameter: parameter as LoraParameter } as const;
    return adapter === undefined ? own : { ...own, adapterName: adapter };
  }
  const path = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
  const dora = /^(.+)\.weight_m_wdecomp\.weight$/.exec(path);
  if (dora?.[1]) return { kind: 'parameter', module: dora[1], parameter: 'lora_magnitude_vector' };
  const lora = LORA.exec(path);
  if (lora) return parameterKey(lora);
  if (/(^|\.)(lora|vera|reslora)_/.test(path)) return { kind: 'unknown' };
  const whole = path.replace('.base_layer.', '.').replace(`.modules_to_save.${adapterName}.`, '.');
  return { kind: 'checkpoint', name: whole.replace('.modules_to_save.', '.') };
}

function parameterKey([, module = '', base = '', adapterName, leaf]: RegExpExecArray): PeftKey {
  const parameter = LORA_PARAMETERS.find((p) => p === (leaf === 'bias' ? `${base}.bias` : base));
  if (!parameter || !ENDINGS[parameter].includes(leaf === undefined ? '' : `.${leaf}`)) return { kind: 'unknown' };
  return { kind: 'parameter', module, parameter, ...(adapterName === undefined ? {} : { adapterName }) };
}

/** The name PEFT 0.21 writes. */
export function peftParameterKey(module: string, parameter: LoraParameter): string {
  if (module === SHARED_MODULE) return `base_model.${parameter}`;
  return `${PREFIX}${module}.${parameter.replace('.bias', '')}${ENDINGS[parameter][0] ?? ''}`;
}

/** The name PEFT 0.21 writes for a tensor of the base model: inside an adapted module it belongs to the wrapped layer. */
export function peftCheckpointKey(name: string, adaptedModules: { has(module: string): boolean }): string {
  const dot = name.lastIndexOf('.');
  const module = name.slice(0, Math.max(dot, 0));
  return `${PREFIX}${adaptedModules.has(module) ? `${module}.base_layer${name.slice(dot)}` : name}`;
}
