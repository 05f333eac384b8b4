/**
 * @file Encoders of the BERT kind: attention in both directions, layer norms behind each part, learned positions, and a head
 * that answers for a whole text from its first token. Families differ in names, in positions and in the head.
 */
import * as l10n from '@vscode/l10n';
import type { Value } from '../graph/graph';
import { add, gatherRows, layerNorm } from '../graph/ops';
import { activate, readActivation, type Activation } from './blocks/activations';
import { bidirectionalAttention } from './blocks/bidirectionalAttention';
import { ConfigReader } from './configReader';
import { embeddingSite } from './outerSites';
import type {
  CommonConfig,
  HeadTensor,
  ModelArchitecture,
  ParsedConfig,
  SequenceHead,
  SequenceTask,
  TargetSite,
} from './types';

export interface EncoderConfig extends CommonConfig {
  readonly innerSize: number;
  readonly heads: number;
  readonly normEpsilon: number;
  readonly activation: Activation;
  readonly maxPositions: number;
  readonly tokenTypes: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
  readonly padId: number;
  readonly task: SequenceTask;
}

/** What a family states. */
export interface EncoderFamily {
  readonly id: string;
  /** Before the names of all tensors but the head's. */
  readonly prefix: string;
  /** Classes of checkpoints that can be used, after the family's own name: those without another head than ours. */
  readonly classes: RegExp;
  /** Longest text, from the number of positions there are. */
  maxLength(maxPositions: number, padId: number): number;
  positions(config: EncoderConfig, ids: Int32Array, length: number): Int32Array;
  /** Linear maps of the head that an adapter can be put on. */
  headSites(config: EncoderConfig): readonly TargetSite[];
  head(config: EncoderConfig): Pick<SequenceHead, 'path' | 'modules' | 'logits'>;
  /** The class of a checkpoint with this head, in `architectures` of its config.json. */
  readonly headClass: string;
}

const HARMLESS = (
  'model_type torch_dtype dtype transformers_version use_cache return_dict output_attentions output_hidden_states ' +
  'name_or_path attn_implementation tie_word_embeddings tokenizer_class is_encoder_decoder torchscript finetuning_task ' +
  'gradient_checkpointing chunk_size_feed_forward task_specific_params pruned_heads output_past label2id directionality ' +
  'pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type'
).split(' ');

/** The deepest models have a few hundred. */
const MOST_LAYERS = 10_000;
/** Far beyond any head; each class is a row of it. */
const MOST_LABELS = 100_000;

export function encoderFamily(family: EncoderFamily): ModelArchitecture<EncoderConfig> {
  const { id, prefix } = family;
  const words = { path: `${prefix}embeddings.word_embeddings`, weight: `${prefix}embeddings.word_embeddings.weight` };
  return {
    id,
    defaultTargetModules: ['query', 'value'],

    // Checkpoints of the bare model have no prefix; those converted from TensorFlow call the two tensors of a norm so.
    canonicalName: (stored) =>
      stored
        .replace(/^(?=(embeddings|encoder|pooler)\.)/, prefix)
        .replace(/LayerNorm\.gamma$/, 'LayerNorm.weight')
        .replace(/LayerNorm\.beta$/, 'LayerNorm.bias'),

    // The head of pretraining, and position numbers as older versions of transformers stored them.
    unread: /^(lm_head|cls)\.|embeddings\.position_ids$/,

    parseConfig: (json, file) => parseConfig(family, json, file),

    tensors: (config) => {
      const { hiddenSize: hidden, layers } = config;
      const shapes = new Map<string, readonly number[]>([
        [words.weight, [config.vocabularySize, hidden]],
        [`${prefix}embeddings.position_embeddings.weight`, [config.maxPositions, hidden]],
        [`${prefix}embeddings.token_type_embeddings.weight`, [config.tokenTypes, hidden]],
      ]);
      const norm = (path: string): void => {
        shapes.set(`${path}.weight`, [hidden]);
        shapes.set(`${path}.bias`, [hidden]);
      };
      norm(`${prefix}embeddings.LayerNorm`);
      for (let layer = 0; layer < layers; layer++) {
        for (const { weight, bias, inFeatures, outFeatures } of layerSites(prefix, config, layer)) {
          shapes.set(weight, [outFeatures, inFeatures]);
          if (bias) shapes.set(bias, [outFeatures]);
        }
        norm(`${prefix}encoder.layer.${layer}.attention.output.LayerNorm`);
        norm(`${prefix}encoder.layer.${layer}.output.LayerNorm`);
      }
      for (const { name, shape } of [...family.head(config).modules.values()].flat()) shapes.set(name, shape);
      return shapes;
    },

    sites: (config) => [
      ...Array.from({ length: config.layers }, (_, layer) => layerSites(prefix, config, layer)).flat(),
      ...family.headSites(config),
    ],

    embedding: () => words,

    head: (config) => ({
      kind: 'sequence',
      task: config.task,
      ...family.head(config),
      config: { architectures: [family.headClass], ...taskFields(config.task) },
    }),

    encoder: {
      positions: (config, ids, length) => family.positions(config, ids, length),
      tokenTypes: ({ tokenTypes }) => tokenTypes,
      withTask: (config, task) => ({ ...config, task }),
    },

    hidden: (config, { graph, ids, batch, length, positions, tokenTypes, paddingBias }, weights, linear) => {
      if (!positions || !paddingBias) throw new Error(`${id} needs positions and a padding mask`);
      const { normEpsilon, heads, hiddenSize } = config;
      const norm = (x: Value, name: string): Value =>
        layerNorm(x, weights.get(`${name}.weight`), weights.get(`${name}.bias`), normEpsilon);
      const shape = { batch, length, heads, headDim: hiddenSize / heads };
      let x = graph.scoped('embed', () => {
        const table = (name: string): Value => weights.get(`${prefix}embeddings.${name}_embeddings.weight`);
        const types = tokenTypes ?? graph.constant(new Int32Array(batch * length), [batch * length]);
        const embedded = add(linear(embeddingSite(words, config), ids), gatherRows(table('token_type'), types));
        return norm(add(embedded, gatherRows(table('position'), positions)), `${prefix}embeddings.LayerNorm`);
      });
      for (let layer = 0; layer < config.layers; layer++) {
        graph.scoped(`layers.${layer}`, () => {
          const block = `${prefix}encoder.layer.${layer}`;
          const on = new Map(layerSites(prefix, config, layer).map((s) => [s.path, s]));
          const project = (name: string, v: Value): Value => {
            const site = on.get(`${block}.${name}`);
            if (!site) throw new Error(`${id} has no projection ${name}`);
            return graph.scoped(name, () => linear(site, v));
          };
          const [q, k, v] = ['query', 'key', 'value'].map((name) => project(`attention.self.${name}`, x));
          if (!q || !k || !v) throw new Error(`${id} lacks a projection`);
          const attended = graph.scoped('attention', () => bidirectionalAttention({ q, k, v }, shape, paddingBias));
          x = norm(add(project('attention.output.dense', attended), x), `${block}.attention.output.LayerNorm`);
          const inner = activate(project('intermediate.dense', x), config.activation);
          x = norm(add(project('output.dense', inner), x), `${block}.output.LayerNorm`);
        });
      }
      return x;
    },
  };
}

function parseConfig(
  family: EncoderFamily,
  json: Readonly<Record<string, unknown>>,
  file: string,
): ParsedConfig<EncoderConfig> {
  const read = new ConfigReader(json, file);
  const hiddenSize = read.count('hidden_size');
  const heads = read.count('num_attention_heads');
  if (hiddenSize % heads > 0)
    read.refuse('hidden_size', hiddenSize, l10n.t('expected a multiple of num_attention_heads, {0}', heads));
  const vocabularySize = read.count('vocab_size');
  const maxPositions = read.count('max_position_embeddings');
  const padId = read.tokenId('pad_token_id', family.id === 'bert' ? 0 : 1);
  const maxLength = family.maxLength(maxPositions, padId);
  if (maxLength < 1)
    read.refuse('max_position_embeddings', maxPositions, l10n.t('expected more than pad_token_id + 1, {0}', padId + 1));
  read.only(
    'position_embedding_type',
    ['absolute'],
    l10n.t('expected absolute, the only positions supported in this family'),
  );
  read.only(
    'is_decoder',
    [false],
    l10n.t('expected false; attention in one direction is not supported in this family'),
  );
  read.only('add_cross_attention', [false], l10n.t('expected false; this is an encoder alone'));
  read.quantization();
  for (const key of ['hidden_dropout_prob', 'attention_probs_dropout_prob', 'classifier_dropout']) {
    read.unusual(key, [0, 0.1], l10n.t('dropout inside the base model is not used here'));
  }
  const config: EncoderConfig = {
    hiddenSize,
    heads,
    vocabularySize,
    maxPositions,
    maxLength,
    padId,
    layers: read.count('num_hidden_layers', undefined, MOST_LAYERS),
    innerSize: read.count('intermediate_size'),
    tokenTypes: read.count('type_vocab_size', 2),
    normEpsilon: read.positive('layer_norm_eps', 1e-12),
    activation: readActivation(read, 'hidden_act', 'gelu'),
    initializerRange: read.positive('initializer_range', 0.02),
    task: readTask(read),
  };
  read.specialTokens(vocabularySize);
  read.classNames(family.classes, 'error');
  read.ownCode();
  read.harmless(HARMLESS);
  return { config, warnings: read.finish() };
}

/** What the head of the checkpoint answers, or would answer: as in transformers, two classes when nothing is said. */
function readTask(read: ConfigReader): SequenceTask {
  const names = labelNames(read);
  const count = read.count('num_labels', names?.length ?? 2, MOST_LABELS);
  if (names && count !== names.length) {
    read.refuse('num_labels', count, l10n.t('expected {0}, the number of labels in id2label', names.length));
  }
  const labels = names ?? Array.from({ length: count }, (_, i) => `${PLACEHOLDER}${i}`);
  const type = read.raw('problem_type') ?? null;
  const isNumber = type === 'regression' || (type === null && count === 1);
  if (type === 'multi_label_classification') {
    read.refuse(
      'problem_type',
      type,
      l10n.t('expected single_label_classification or regression; several labels at once are not supported'),
    );
  } else if (type !== null && type !== 'single_label_classification' && type !== 'regression') {
    read.refuse('problem_type', type, l10n.t('expected single_label_classification or regression'));
  } else if (isNumber && count > 1) {
    read.refuse('problem_type', type, l10n.t('expected one label for a regression, not {0}', count));
  } else if (!isNumber && count === 1) {
    read.refuse('problem_type', type, l10n.t('expected two labels or more for a classification, or regression'));
  }
  return isNumber ? { kind: 'regression' } : { kind: 'classification', labels };
}

/** The names that transformers makes up where nobody gave any. */
const PLACEHOLDER = 'LABEL_';

/** Whether these are names that nobody gave. */
export const arePlaceholders = (labels: readonly string[]): boolean =>
  labels.every((label, i) => label === `${PLACEHOLDER}${i}`);

/** The names of `id2label` in the order of their ids; undefined without any. */
function labelNames(read: ConfigReader): readonly string[] | undefined {
  const value = read.raw('id2label');
  if (value === undefined || value === null) return undefined;
  const entries = typeof value === 'object' ? Object.entries(value as Readonly<Record<string, unknown>>) : [];
  const sorted = entries.sort(([a], [b]) => Number(a) - Number(b));
  const isComplete = sorted.every(([id, name], i) => id === String(i) && typeof name === 'string');
  if (isComplete && sorted.length > 0) return sorted.map(([, name]) => String(name));
  read.refuse('id2label', value, l10n.t('expected an object with a name for each id from 0'));
  return undefined;
}

function taskFields(task: SequenceTask): Readonly<Record<string, unknown>> {
  const labels = task.kind === 'regression' ? [`${PLACEHOLDER}0`] : task.labels;
  return {
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
    problem_type: task.kind === 'regression' ? 'regression' : 'single_label_classification',
  };
}

/** Columns of what a head answers. */
export const answersOf = ({ task }: EncoderConfig): number => (task.kind === 'regression' ? 1 : task.labels.length);

/** Weight and bias of a linear module of a head, started as transformers does. */
export function linearTensors(
  module: string,
  inFeatures: number,
  outFeatures: number,
  { initializerRange }: EncoderConfig,
): readonly HeadTensor[] {
  return [
    { name: `${module}.weight`, shape: [outFeatures, inFeatures], start: { kind: 'normal', std: initializerRange } },
    { name: `${module}.bias`, shape: [outFeatures], start: { kind: 'zeros' } },
  ];
}

/** A linear layer as a place for an adapter. */
export function linearSite(path: string, layer: number, inFeatures: number, outFeatures: number): TargetSite {
  const projection = path.slice(path.lastIndexOf('.') + 1);
  const tensors = { weight: `${path}.weight`, bias: `${path}.bias` };
  return { path, projection, layer, inFeatures, outFeatures, ...tensors, layout: 'out-in' };
}

function layerSites(prefix: string, config: EncoderConfig, layer: number): readonly TargetSite[] {
  const { hiddenSize: hidden, innerSize: inner } = config;
  const site = (name: string, inFeatures: number, outFeatures: number): TargetSite =>
    linearSite(`${prefix}encoder.layer.${layer}.${name}`, layer, inFeatures, outFeatures);
  return [
    site('attention.self.query', hidden, hidden),
    site('attention.self.key', hidden, hidden),
    site('attention.self.value', hidden, hidden),
    site('attention.output.dense', hidden, hidden),
    site('intermediate.dense', hidden, inner),
    site('output.dense', inner, hidden),
  ];
}
