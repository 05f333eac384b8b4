/**
 * @file The frame of decoders of the llama kind: the names of their tensors, the walk over their blocks, the head. A family
 * says what it reads from config.json and how one of its blocks is put together.
 */
import type { Value } from '../../graph/graph';
import { ConfigReader } from '../configReader';
import { embeddingSite } from '../outerSites';
import type { ModelArchitecture, TargetSite } from '../types';
import type { Projected } from './attention';
import type { DecoderConfig } from './decoderConfig';
import { selfAttention } from './selfAttention';

/** What a block is built with; names are those of the tensors below `model.layers.N`, without `.weight`. */
export interface Block {
  /** The linear layer of this name, with the adapter on it. */
  readonly project: (name: string, x: Value) => Value;
  /** The family's norm over the last axis. */
  readonly norm: (name: string, x: Value) => Value;
  /** → [tokens, heads·headDim]. */
  readonly attend: (projected: Projected) => Value;
}

/** A linear layer of a block. */
export interface BlockLinear {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly hasBias: boolean;
}

export interface DecoderFamily<C extends DecoderConfig> {
  /** `model_type` of config.json. */
  readonly id: string;
  readonly defaultTargetModules: readonly string[];
  read(read: ConfigReader): C;
  /** The linear layers of a block, in the order of the checkpoint. */
  linears(config: C): readonly BlockLinear[];
  /** The norms of a block, each with the length of its weight. */
  norms(config: C): Readonly<Record<string, number>>;
  /** `weight` as long as the last axis of `x`. */
  norm(x: Value, weight: Value, epsilon: number): Value;
  /** What becomes of the embedded tokens before the first block; as they are where this is left out. */
  embed?(x: Value, config: C): Value;
  /** The residual stream behind one block: [tokens, hidden] → [tokens, hidden]. */
  block(x: Value, block: Block, config: C): Value;
}

const EMBEDDING = 'model.embed_tokens.weight';
const TABLE = { path: 'model.embed_tokens', weight: EMBEDDING } as const;
const HEAD = 'lm_head.weight';

export function decoderFamily<C extends DecoderConfig>(family: DecoderFamily<C>): ModelArchitecture<C> {
  const sitesOf = (config: C, layer: number): readonly TargetSite[] =>
    family.linears(config).map(({ name, inFeatures, outFeatures, hasBias }) => {
      const path = `model.layers.${layer}.${name}`;
      const projection = name.slice(name.lastIndexOf('.') + 1);
      const bias = hasBias ? `${path}.bias` : null;
      return { path, projection, layer, inFeatures, outFeatures, weight: `${path}.weight`, bias, layout: 'out-in' };
    });
  return {
    id: family.id,
    defaultTargetModules: family.defaultTargetModules,

    parseConfig: (json, file) => {
      const read = new ConfigReader(json, file);
      const config = family.read(read);
      return { config, warnings: read.finish() };
    },

    tensors: (config) => {
      const shapes = new Map<string, readonly number[]>([
        [EMBEDDING, [config.vocabularySize, config.hiddenSize]],
        ['model.norm.weight', [config.hiddenSize]],
      ]);
      if (!config.isTied) shapes.set(HEAD, [config.vocabularySize, config.hiddenSize]);
      for (let layer = 0; layer < config.layers; layer++) {
        for (const [name, size] of Object.entries(family.norms(config))) {
          shapes.set(`model.layers.${layer}.${name}.weight`, [size]);
        }
        for (const site of sitesOf(config, layer)) {
          shapes.set(site.weight, [site.outFeatures, site.inFeatures]);
          if (site.bias) shapes.set(site.bias, [site.outFeatures]);
        }
      }
      return shapes;
    },

    sites: (config) => Array.from({ length: config.layers }, (_, layer) => sitesOf(config, layer)).flat(),

    embedding: () => TABLE,

    head: ({ isTied, logitSoftCap }) => ({
      kind: 'next-token',
      path: 'lm_head',
      weight: HEAD,
      tiedTo: isTied ? EMBEDDING : null,
      softCap: logitSoftCap,
    }),

    kept: ({ kvHeads, headDim, rules }) => ({
      kvHeads,
      headDim,
      windows: [...new Set(rules.map(({ window }) => window))],
    }),

    hidden: (config, inputs, weights, linear) => {
      const { graph, ids } = inputs;
      const attend = selfAttention(config, inputs, (layer) => ruleOf(config, layer));
      const norm = (name: string, x: Value): Value => family.norm(x, weights.get(`${name}.weight`), config.normEpsilon);
      let x = graph.scoped('embed', () => {
        const embedded = linear(embeddingSite(TABLE, config), ids); // [tokens, hidden]
        return family.embed?.(embedded, config) ?? embedded;
      });
      for (let layer = 0; layer < config.layers; layer++) {
        const on = new Map(sitesOf(config, layer).map((site) => [site.path, site]));
        x = graph.scoped(`layers.${layer}`, () =>
          family.block(
            x,
            {
              project: (name, v) => {
                const site = on.get(`model.layers.${layer}.${name}`);
                if (!site) throw new Error(`${family.id} has no linear layer ${name}`);
                return graph.scoped(site.projection, () => linear(site, v));
              },
              norm: (name, v) => norm(`model.layers.${layer}.${name}`, v),
              attend: (projected) => graph.scoped('attention', () => attend(layer, projected)),
            },
            config,
          ),
        );
      }
      return graph.scoped('norm', () => norm('model.norm', x));
    },
  };
}

function ruleOf({ rules }: DecoderConfig, layer: number): DecoderConfig['rules'][number] {
  const rule = rules[layer];
  if (!rule) throw new Error(`layer ${layer} has no rule of attention`);
  return rule;
}
