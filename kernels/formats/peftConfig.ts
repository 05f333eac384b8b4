/**
 * @file `adapter_config.json` of PEFT's LoRA and VeRA, and of trained base tensors: the fields we know, typed and checked; every other key survives a rewrite with
 * its spelling. What would change the adapter's result and is not known here is refused, not ignored.
 */
import * as l10n from '@vscode/l10n';
import { formatProblem, KernelError, type Problem } from '../protocol/errors';
import {
  describeJson,
  jsonNode,
  jsonValue,
  parseJsonObject,
  printJson,
  type JsonNode,
  type JsonObjectNode,
} from './jsonTree';

/** The layout written here is that of this version; PEFT only warns when it is newer than itself. */
const PEFT_VERSION = '0.21.0';

/** How a value is read (`undefined`: it is something else) and what was expected. */
interface Kind<T> {
  readonly expected: string;
  read(node: JsonNode): T | undefined;
}

const text: Kind<string> = { expected: l10n.t('a string'), read: (n) => (n.kind === 'string' ? n.value : undefined) };
const flag: Kind<boolean> = {
  expected: l10n.t('true or false'),
  read: (n) => (n.kind === 'boolean' ? n.value : undefined),
};
const number: Kind<number> = {
  expected: l10n.t('a finite number'),
  read: (n) => (n.kind === 'number' && Number.isFinite(Number(n.text)) ? Number(n.text) : undefined),
};
const share: Kind<number> = {
  expected: l10n.t('a number from 0 to 1'),
  read: (n) => [number.read(n)].find((value) => value !== undefined && value >= 0 && value <= 1),
};
const count: Kind<number> = {
  expected: l10n.t('a whole number from 1'),
  read: (n) => wholeNumber(n, 1),
};
const index: Kind<number> = { expected: l10n.t('a whole number from 0'), read: (n) => wholeNumber(n, 0) };
function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  return { expected: words.join(l10n.t(' or ')), read: (n) => words.find((w) => n.kind === 'string' && n.value === w) };
}

function wholeNumber(node: JsonNode, least: number): number | undefined {
  const value = node.kind === 'number' ? Number(node.text) : NaN;
  return Number.isSafeInteger(value) && value >= least ? value : undefined;
}

function either<A, B>(a: Kind<A>, b: Kind<B>): Kind<A | B> {
  return { expected: l10n.t('{0} or {1}', a.expected, b.expected), read: (n) => a.read(n) ?? b.read(n) };
}

function list<T>(item: Kind<T>): Kind<readonly T[]> {
  const read = (n: JsonNode): readonly T[] | undefined => {
    if (n.kind !== 'array') return undefined;
    const values = n.items.map((i) => item.read(i)).filter((v) => v !== undefined);
    return values.length === n.items.length ? values : undefined;
  };
  return { expected: l10n.t('a list: each {0}', item.expected), read };
}

function byName<T>(item: Kind<T>): Kind<Readonly<Record<string, T>>> {
  const read = (n: JsonNode): Readonly<Record<string, T>> | undefined => {
    if (n.kind === 'null') return {};
    if (n.kind !== 'object') return undefined;
    const entries = [...n.members].map(([key, value]) => [key, item.read(value)] as const);
    return entries.every(([, value]) => value !== undefined)
      ? (Object.fromEntries(entries) as Readonly<Record<string, T>>)
      : undefined;
  };
  return { expected: l10n.t('an object: each {0}', item.expected), read };
}

/** `null` is a value here, so it needs a wrapping of its own to differ from "something else". */
function orNull<T>(kind: Kind<T>): Kind<T | null> {
  return { expected: l10n.t('{0} or null', kind.expected), read: (n) => (n.kind === 'null' ? null : kind.read(n)) };
}

const field = <T>(kind: Kind<T>, missing: NoInfer<T>): { readonly kind: Kind<T>; readonly missing: T } => ({
  kind,
  missing,
});

/** What PEFT takes when a file does not have the field, as older files may not. */
const FIELDS = {
  alpha_pattern: field(byName(number), {}),
  base_model_name_or_path: field(orNull(text), null),
  bias: field(oneOf('none', 'all', 'lora_only', 'vera_only'), 'none'),
  exclude_modules: field(orNull(either(text, list(text))), null),
  fan_in_fan_out: field(flag, false),
  inference_mode: field(flag, false),
  init_lora_weights: field(either(flag, text), true),
  layers_pattern: field(orNull(either(text, list(text))), null),
  layers_to_transform: field(orNull(either(index, list(index))), null),
  lora_alpha: field(number, 8),
  lora_bias: field(flag, false),
  lora_dropout: field(share, 0),
  modules_to_save: field(orNull(list(text)), null),
  peft_type: field(oneOf('LORA', 'VERA', 'BASE_TENSORS'), 'LORA'),
  peft_version: field(orNull(text), null),
  r: field(count, 8),
  rank_pattern: field(byName(count), {}),
  revision: field(orNull(text), null),
  target_modules: field(orNull(either(text, list(text))), null),
  task_type: field(orNull(text), null),
  use_dora: field(flag, false),
  use_rslora: field(flag, false),
};

/** Fields that PEFT does not have: of methods that only we have, and the names of the labels that a head answers with. */
const EXTENSIONS = {
  id2label: field(orNull(byName(text)), null),
  asylora: field(orNull(byName(text)), null),
  /** The cycle of an adapter that began anew: 2 after the first restart. Its folder holds what was merged before. */
  relora: field(orNull(byName(number)), null),
  reslora: field(orNull(byName(either(text, number))), null),
  mora_rounding: field(orNull(oneOf('nearest', 'floor')), null),
  mora_type: field(orNull(either(index, oneOf('truncate', 'decouple'))), null),
  use_mora: field(orNull(flag), null),
};

/** Fields of VeRA alone. */
const VERA_FIELDS = {
  d_initial: field(number, 0.1),
  init_weights: field(flag, true),
  projection_prng_key: field(index, 0),
  save_projection: field(flag, true),
  vera_dropout: field(share, 0),
};

/**
 * Fields of folders without an adapter, which hold trained tensors of the base model under the checkpoint's names. Their type
 * is none of PEFT's, so that PEFT refuses them.
 */
const BASE_FIELDS = {
  method: field(orNull(text), null),
  num_layers: field(orNull(count), null),
  train_head: field(orNull(flag), null),
};

const ALL_FIELDS = { ...FIELDS, ...EXTENSIONS, ...VERA_FIELDS, ...BASE_FIELDS };
type FieldName = keyof typeof ALL_FIELDS;
type PeftType = (typeof FIELDS)['peft_type']['missing'];
const FIELD_NAMES = Object.keys(ALL_FIELDS) as readonly FieldName[];

/** The fields that a file of each type has. */
const NAMES_OF: Readonly<Record<PeftType, readonly FieldName[]>> = {
  LORA: FIELD_NAMES.filter((name) => !(name in VERA_FIELDS || name in BASE_FIELDS)),
  VERA: [
    'base_model_name_or_path',
    'bias',
    'fan_in_fan_out',
    // Ours, of a head for whole texts.
    'id2label',
    'inference_mode',
    'layers_pattern',
    'layers_to_transform',
    'modules_to_save',
    'peft_type',
    'peft_version',
    'r',
    'revision',
    'target_modules',
    'task_type',
    // Ours, for DVoRA.
    'use_dora',
    ...(Object.keys(VERA_FIELDS) as (keyof typeof VERA_FIELDS)[]),
  ],
  BASE_TENSORS: [
    'base_model_name_or_path',
    'id2label',
    'inference_mode',
    'peft_type',
    'revision',
    'task_type',
    ...(Object.keys(BASE_FIELDS) as (keyof typeof BASE_FIELDS)[]),
  ],
};

/** Python writes these with a fraction also when they are whole. */
const FLOATS: readonly FieldName[] = ['lora_dropout', 'vera_dropout', 'd_initial'];

/** Field names and meanings are PEFT's; those that are not of the adapter's type have PEFT's defaults. */
export type PeftLoraConfig = { readonly [K in FieldName]: (typeof ALL_FIELDS)[K]['missing'] };

/** Keys of PEFT and its forks that make the same tensors mean something else, unless null, false or empty. */
const OTHER_MEANINGS: readonly string[] = [
  'alora_invocation_tokens',
  'arrow_config',
  'enable_lora',
  'ensure_weight_tying',
  'kasa_config',
  'layer_replication',
  'monteclora_config',
  'target_parameters',
  'trainable_token_indices',
  'use_bdlora',
  'use_qalora',
];

/** Keys that say how an adapter was made or is loaded, not what it computes. */
const WITHOUT_EFFECT: readonly string[] = [
  'auto_mapping',
  'corda_config',
  'eva_config',
  'loftq_config',
  'lora_ga_config',
  'megatron_config',
  'megatron_core',
  'qalora_group_size',
  'runtime_config',
  'velora_config',
];

/**
 * The type of an adapter that follows on cycles that were merged before it (ReLoRA), and where its configuration stands then:
 * one level down. Alone its tensors are not what was trained, so no program may take the folder for a LoRA: PEFT refuses the
 * type, and those that do not look at it find none of the keys they need.
 */
const LATER_CYCLE = { type: 'RELORA', key: 'adapter' } as const;
/** What stays on the top level, where the base model of any adapter is looked for. */
const BASE_KEY = 'base_model_name_or_path';

/** Initialisations that also change the base weights: their adapters fit no untouched base model. */
const CHANGES_BASE = /^(pissa|olora|corda|lora_ga|loftq)/i;
/** Initialisations that only choose where the factors start. */
const KEEPS_BASE = /^(gaussian|eva|orthogonal|mica)$/i;

/** A configuration for a new adapter: PEFT's defaults, marked as trained. */
export function newPeftLoraConfig(fields: Partial<PeftLoraConfig>): PeftLoraConfig {
  const defaults = Object.fromEntries(FIELD_NAMES.map((name) => [name, ALL_FIELDS[name].missing]));
  return { ...defaults, inference_mode: true, peft_version: PEFT_VERSION, ...fields } as PeftLoraConfig;
}

/**
 * Reads the text of an `adapter_config.json`. Throws `format/invalid` with all fields of the wrong type, and
 * `adapter/unsupported` with everything that makes this something else than a LoRA of the kinds known here.
 */
export function parsePeftConfig(
  source: string,
  file: string,
): {
  readonly config: PeftLoraConfig;
  readonly raw: Readonly<Record<string, unknown>>;
  /** What `printPeftConfig` takes as `preserved`. */
  readonly text: string;
  readonly warnings: readonly Problem[];
} {
  const whole = parseJsonObject(source, file);
  const node = ofLaterCycle(whole, file) ?? whole;
  const type = typeOf(node.members.get('peft_type'), file);
  const problems: Problem[] = [];
  const names = NAMES_OF[type];
  const values = FIELD_NAMES.map((where) => {
    const { kind, missing } = ALL_FIELDS[where];
    const member = names.includes(where) ? node.members.get(where) : undefined;
    if (!member) return [where, missing] as const;
    const value = kind.read(member);
    if (value !== undefined) return [where, value] as const;
    const expected = l10n.t('expected {0}', kind.expected);
    problems.push({ file, where, severity: 'error', found: describeJson(member), expected });
    return [where, missing] as const;
  });
  if (node.members.get('use_mora')?.kind === 'boolean' && !node.members.has('mora_type')) {
    const expected = l10n.t('expected the operator beside use_mora, such as 1 or 6');
    problems.push({ file, where: 'mora_type', severity: 'error', found: l10n.t('is missing'), expected });
  }
  if (problems.length > 0) throw KernelError.invalid(problems);
  const config = Object.fromEntries(values) as PeftLoraConfig;
  const raw = jsonValue(node) as Readonly<Record<string, unknown>>;
  refuseOtherMeanings(config, node.members, file);
  const text = node === whole ? source : printJson(node);
  return { config, raw, text, warnings: unknownKeys(node.members, names, file) };
}

/** The configuration inside that of a later cycle, with its cycle; undefined for any other. */
function ofLaterCycle(whole: JsonObjectNode, file: string): JsonObjectNode | undefined {
  const { members } = whole;
  const type = members.get('peft_type');
  const cycles = members.get('relora');
  const isLater = type?.kind === 'string' && type.value === LATER_CYCLE.type;
  const problems: Problem[] = [];
  const add = (where: string, expected: string): void => {
    const node = members.get(where);
    problems.push({
      file,
      where,
      severity: 'error',
      found: node ? describeJson(node) : l10n.t('is missing'),
      expected,
    });
  };
  if (!isLater) {
    if (!cycles || isOff(cycles)) return undefined;
    add('peft_type', l10n.t('expected {0}, as there is a key relora', LATER_CYCLE.type));
    throw KernelError.invalid(problems);
  }
  const inner = members.get(LATER_CYCLE.key);
  const cycle = cycles?.kind === 'object' ? cycles.members.get('cycle') : undefined;
  if (!cycle || wholeNumber(cycle, 2) === undefined) {
    add('relora', l10n.t('expected an object with the cycle, a whole number from 2'));
  }
  if (inner?.kind !== 'object') add(LATER_CYCLE.key, l10n.t('expected the configuration of the adapter'));
  if (problems.length > 0 || inner?.kind !== 'object' || !cycles) throw KernelError.invalid(problems);
  const base = members.get(BASE_KEY);
  const flat = new Map([...inner.members, ...(base ? [[BASE_KEY, base] as const] : []), ['relora', cycles]]);
  return { kind: 'object', members: flat };
}

function asLaterCycle(inner: ReadonlyMap<string, JsonNode>): ReadonlyMap<string, JsonNode> {
  const members = new Map(inner);
  const [base, cycles] = [members.get(BASE_KEY), members.get('relora')];
  members.delete(BASE_KEY);
  members.delete('relora');
  return new Map<string, JsonNode>([
    [LATER_CYCLE.key, { kind: 'object', members }],
    ...(base ? [[BASE_KEY, base] as const] : []),
    ['peft_type', jsonNode(LATER_CYCLE.type)],
    ...(cycles ? [['relora', cycles] as const] : []),
  ]);
}

/**
 * The text to write. Keys that are not ours come from `preserved`, the text of an earlier configuration; fields whose value
 * did not change keep that text's spelling. Keys are sorted, as PEFT writes them.
 */
export function printPeftConfig(config: PeftLoraConfig, preserved?: string): string {
  const members = new Map(preserved === undefined ? [] : parseJsonObject(preserved, 'adapter_config.json').members);
  for (const name of NAMES_OF[config.peft_type]) {
    const before = members.get(name);
    const value = config[name];
    if (!before && (name in EXTENSIONS || name in BASE_FIELDS) && value === null) continue;
    if (!before && config.peft_type === 'VERA' && name === 'use_dora' && value === false) continue;
    if (before && JSON.stringify(jsonValue(before)) === JSON.stringify(value)) continue;
    members.set(name, FLOATS.includes(name) ? floatNode(Number(value)) : jsonNode(value));
  }
  if (config.relora === null) members.delete('relora');
  const sorted = new Map([...members].sort(([a], [b]) => (a < b ? -1 : 1)));
  return printJson({ kind: 'object', members: config.relora === null ? sorted : asLaterCycle(sorted) });
}

/** Python writes whole floats with a fraction. */
function floatNode(value: number): JsonNode {
  return { kind: 'number', text: Number.isInteger(value) ? value.toFixed(1) : String(value) };
}

function typeOf(node: JsonNode | undefined, file: string): PeftType {
  const type = node && ALL_FIELDS.peft_type.kind.read(node);
  if (type) return type;
  const found = node ? l10n.t('an adapter of {0}', describeJson(node)) : l10n.t('it is missing');
  throw unsupported([
    {
      file,
      where: 'peft_type',
      severity: 'error',
      found,
      expected: l10n.t('expected {0}', ALL_FIELDS.peft_type.kind.expected),
    },
  ]);
}

function refuseOtherMeanings(config: PeftLoraConfig, members: ReadonlyMap<string, JsonNode>, file: string): void {
  const problems: Problem[] = [];
  for (const where of OTHER_MEANINGS) {
    const node = members.get(where);
    if (!node || isOff(node)) continue;
    const expected = l10n.t('expected an adapter without it; its tensors would be misread');
    problems.push({ file, where, severity: 'error', found: describeJson(node), expected });
  }
  const init = config.init_lora_weights;
  if (typeof init === 'string' && CHANGES_BASE.test(init)) {
    const expected = l10n.t(
      "expected an adapter for the untouched base model; save it again with PEFT's path_initial_model_for_weight_conversion",
    );
    const found = l10n.t('{0}, which also changes the base weights', init);
    problems.push({ file, where: 'init_lora_weights', severity: 'error', found, expected });
  } else if (typeof init === 'string' && !KEEPS_BASE.test(init)) {
    const expected = l10n.t(
      'expected true, false, gaussian, eva, orthogonal or mica; others may change the base weights',
    );
    const found = describeJson({ kind: 'string', value: init });
    problems.push({ file, where: 'init_lora_weights', severity: 'error', found, expected });
  }
  if (problems.length > 0) throw unsupported(problems);
}

function unknownKeys(members: ReadonlyMap<string, JsonNode>, names: readonly string[], file: string): Problem[] {
  const known: ReadonlySet<string> = new Set([...names, ...OTHER_MEANINGS, ...WITHOUT_EFFECT]);
  return [...members]
    .filter(([key, node]) => !known.has(key) && !isOff(node))
    .map(([where, node]) => ({
      file,
      where,
      severity: 'warning' as const,
      found: describeJson(node),
      expected: l10n.t('this field is not known here; it is kept and has no effect'),
    }));
}

/** Null, false and empty: the ways in which PEFT writes "not used". */
function isOff(node: JsonNode): boolean {
  switch (node.kind) {
    case 'null':
      return true;
    case 'boolean':
      return !node.value;
    case 'array':
      return node.items.length === 0;
    case 'object':
      return node.members.size === 0;
    default:
      return false;
  }
}

function unsupported(problems: readonly Problem[]): KernelError {
  return new KernelError('adapter/unsupported', problems.map(formatProblem).join('\n'), { problems });
}
