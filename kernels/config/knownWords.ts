/**
 * @file Words of the field that are not written where people look for them: ReLoRA is a section, LoRA+ a key of the optimiser,
 * other programs' names of schedules. What each is written as here.
 */
import * as l10n from '@vscode/l10n';
import type { Fix } from '../protocol/errors';
import { removeFix, renameFix } from './fixes';
import type { ConfigurableMethod } from './schema';
import type { KeyPath } from './yamlSource';

interface KnownWord {
  /** The key at which the word is written as the value. */
  readonly at: string;
  /** In lower case, letters and digits only, `+` as `plus`. */
  readonly words: readonly string[];
  readonly name: string;
  /** What is written in its place; the keys with their sections. */
  readonly write: readonly (readonly [key: string, value: unknown])[];
  /** What is better said than by the keys alone; `{0}`: the keys. */
  readonly sentence?: (written: string) => string;
}

/** A number of steps to begin with. */
const EVERY = 200;
const method = (id: string): readonly [string, unknown] => ['adapter.method', id];
const start = (value: unknown): readonly [string, unknown] => ['adapter.init_lora_weights', value];

const KNOWN: readonly KnownWord[] = [
  {
    at: 'adapter.method',
    words: ['relora'],
    name: 'ReLoRA',
    write: [method('lora'), ['relora.every', EVERY]],
    sentence: (written) => l10n.t('ReLoRA is the section relora beside any method whose merge is exact: {0}', written),
  },
  {
    at: 'adapter.method',
    words: ['remora'],
    name: 'ReMoRA',
    write: [method('mora'), ['adapter.mora_type', 1], ['relora.every', EVERY]],
    sentence: (written) => l10n.t('ReMoRA is the section relora beside the method mora: {0}', written),
  },
  {
    at: 'adapter.method',
    words: ['rslora', 'rankstabilizedlora', 'rankstabilisedlora'],
    name: 'rsLoRA',
    write: [method('lora'), ['adapter.use_rslora', true]],
  },
  {
    at: 'adapter.method',
    words: ['loraplus'],
    name: 'LoRA+',
    write: [method('lora'), ['training.loraplus_lr_ratio', 4]],
    sentence: (written) => l10n.t('LoRA+ is a rule of the optimiser beside any method with factors: {0}', written),
  },
  { at: 'adapter.method', words: ['pissa'], name: 'PiSSA', write: [method('lora'), start('pissa')] },
  {
    at: 'adapter.method',
    words: ['full', 'fullfinetuning', 'fullfinetune', 'fullft', 'finetuning', 'finetune', 'fft', 'ft', 'sft'],
    name: 'full fine-tuning',
    write: [method('full')],
  },
  {
    at: 'adapter.method',
    words: ['lastk', 'lastklayers', 'lastlayer', 'lastlayers', 'lasttwolayers', 'last2layers', 'top2', 'fttop2'],
    name: 'fine-tuning of the last layers',
    write: [method('last_layers'), ['adapter.num_layers', 2]],
  },
  {
    at: 'adapter.method',
    words: ['biasonly', 'bias', 'biastuning'],
    name: 'BitFit',
    write: [method('bitfit')],
  },
  {
    at: 'adapter.method',
    words: ['asymmetriclora', 'asymmetrylora', 'loraasymmetry', 'lorafa'],
    name: 'LoRA with one frozen factor',
    write: [method('asylora')],
  },
  ...(['gaussian', 'orthogonal'] as const).map((value): KnownWord => {
    const words = value === 'gaussian' ? ['normal', 'gauss'] : ['orthonormal', 'ortho'];
    return { at: 'adapter.init_lora_weights', words, name: value, write: [start(value)] };
  }),
  {
    at: 'adapter.init_lora_weights',
    words: ['kaiming', 'kaiminguniform', 'default'],
    name: 'Kaiming uniform',
    write: [start(true)],
  },
  {
    at: 'training.lr_scheduler_type',
    words: ['cosinewithrestarts'],
    name: 'cosine_with_restarts',
    write: [
      ['training.lr_scheduler_type', 'cosine_restarts'],
      ['relora.every', EVERY],
    ],
    sentence: (written) => l10n.t('its restarts are here those of the section relora: {0}', written),
  },
  {
    at: 'training.lr_scheduler_type',
    words: ['constantwithwarmup'],
    name: 'constant_with_warmup',
    write: [
      ['training.lr_scheduler_type', 'constant'],
      ['training.warmup_steps', 10],
    ],
  },
];

/** Keys of other programs in the section `adapter`, and what they are here. */
const KEYS: readonly (Pick<KnownWord, 'words' | 'name'> &
  ({ readonly rename: string } | { readonly method: string }))[] = [
  { words: ['rank', 'lorar', 'lorarank'], name: 'rank', rename: 'r' },
  { words: ['usedora'], name: 'DoRA', method: 'dora' },
  { words: ['usemora'], name: 'MoRA', method: 'mora' },
];

/** Keys of other programs (Transformers, PEFT, TRL, Axolotl, Unsloth), in any section, and the key with another name that they are here. */
const RENAMED: readonly (readonly [key: string, words: readonly string[]])[] = [
  ['model', ['basemodel', 'basemodelnameorpath', 'modelname', 'modelnameorpath', 'modelpath']],
  ['output', ['outputdir']],
  ['data.train', ['dataset', 'datasets', 'datasetpath', 'trainfile', 'traindata', 'traindataset']],
  ['data.eval', ['evalfile', 'evaldataset', 'validationfile', 'testdatasets']],
  ['data.eval_fraction', ['valsetsize', 'testsize']],
  [
    'data.max_length',
    ['maxseqlength', 'maxseqlen', 'modelmaxlength', 'sequencelen', 'sequencelength', 'cutofflen', 'blocksize'],
  ],
  ['adapter.lora_dropout', ['dropout']],
  ['adapter.target_modules', ['loratargetmodules', 'loratargetlinear']],
  ['training.per_device_train_batch_size', ['microbatchsize', 'trainbatchsize']],
  ['training.num_train_epochs', ['epochs', 'numepochs']],
  ['training.max_grad_norm', ['gradientclipping', 'gradclip']],
  ['training.lr_scheduler_type', ['lrscheduler', 'scheduler']],
];

/** Keys of other programs that have no counterpart, and why. */
const ABSENT: readonly { readonly words: readonly string[]; readonly why: () => string }[] = [
  {
    words: ['tasktype', 'pefttype', 'inferencemode'],
    why: () => l10n.t('the task follows from the model and its data, the rest from adapter.method; remove this key'),
  },
  {
    words: ['packing', 'samplepacking', 'padtosequencelen'],
    why: () => l10n.t('samples are not packed here; training.group_by_length keeps the padding small'),
  },
  {
    words: ['fp16', 'bf16', 'tf32', 'float16', 'bfloat16', 'torchdtype', 'dtype'],
    why: () => l10n.t('it is computed in float32, over weights in whatever type the checkpoint has; remove this key'),
  },
  {
    words: ['loadin4bit', 'loadin8bit', 'quantizationconfig'],
    why: () => l10n.t('weights are read as the checkpoint has them; give the checkpoint that is meant as model'),
  },
  {
    words: ['gradientcheckpointing', 'usegradientcheckpointing', 'flashattention', 'deepspeed', 'fsdp'],
    why: () => l10n.t('there is no such switch here; remove this key'),
  },
  { words: ['optim', 'optimizer'], why: () => l10n.t('the optimiser is always AdamW; remove this key') },
  {
    words: ['loggingsteps', 'loggingdir', 'reportto', 'wandbproject', 'pushtohub'],
    why: () => l10n.t('every step is recorded in the folder of the run, and nothing is sent anywhere; remove this key'),
  },
];

/** What a word is written as here. */
export interface WordPlace {
  readonly sentence: string;
  readonly fixes: readonly Fix[];
}

/** The place of a value that its key does not take; undefined for a word that is not known. */
export function placeOfValue(
  path: KeyPath,
  value: unknown,
  methods: readonly ConfigurableMethod[],
): WordPlace | undefined {
  if (typeof value !== 'string') return undefined;
  const [at, word] = [path.join('.'), plain(value)];
  const isThere = ({ write }: KnownWord): boolean =>
    write.every(([key, id]) => key !== 'adapter.method' || methods.some((m) => m.id === id));
  const known = KNOWN.find((entry) => entry.at === at && entry.words.includes(word) && isThere(entry));
  return known && { sentence: sentenceOf(known), fixes: [fixOf(known)] };
}

/** The same for a key that its section does not have. */
export function placeOfKey(path: KeyPath, methods: readonly ConfigurableMethod[]): WordPlace | undefined {
  const [section, key] = path;
  const known =
    section === 'adapter' && path.length === 2 && typeof key === 'string'
      ? KEYS.find(({ words }) => words.includes(plain(key)))
      : undefined;
  if (!known) return placeOfForeignKey(path);
  if ('rename' in known) {
    const sentence = l10n.t('the {0} is written as {1}', known.name, known.rename);
    return { sentence, fixes: [renameFix(path, known.rename), removeFix(path)] };
  }
  const { id } = methods.find((m) => m.id === known.method) ?? {};
  if (id === undefined) return undefined;
  const title = l10n.t('Write {0}', `method: ${id}`);
  const edits = [{ kind: 'remove', path } as const, { kind: 'set', path: ['adapter', 'method'], value: id } as const];
  return {
    sentence: l10n.t('{0} is written as {1}', known.name, `adapter.method: ${id}`),
    fixes: [{ title, edits }, removeFix(path)],
  };
}

function placeOfForeignKey(path: KeyPath): WordPlace | undefined {
  const key = path.at(-1);
  if (typeof key !== 'string') return undefined;
  const word = plain(key);
  const absent = ABSENT.find(({ words }) => words.includes(word));
  if (absent) return { sentence: absent.why(), fixes: [removeFix(path)] };
  const [name] = RENAMED.find(([, words]) => words.includes(word)) ?? [];
  if (name === undefined) return undefined;
  return { sentence: l10n.t('it is written as {0}', name), fixes: [removeFix(path)] };
}

const plain = (word: string): string =>
  word
    .toLowerCase()
    .replaceAll('+', 'plus')
    .replace(/[^a-z0-9]/g, '');

function sentenceOf({ name, write, sentence }: KnownWord): string {
  const written = linesOf(write);
  return sentence?.(written) ?? l10n.t('{0} is written as {1}', name, written);
}

const linesOf = (write: KnownWord['write']): string =>
  write.map(([key, value]) => `${key}: ${String(value)}`).join(', ');

const fixOf = ({ write }: KnownWord): Fix => ({
  title: l10n.t('Write {0}', linesOf(write)),
  edits: write.map(([key, value]) => ({ kind: 'set', path: key.split('.'), value })),
});
