/**
 * @file The linear maps outside the blocks that an adapter can be put on where a configuration names them: the embedding, which is one
 * of one-hot rows (its table [vocabulary, hidden] is stored [in, out]), and the head.
 */
import type { CommonConfig, ModelArchitecture, NextTokenHead, TargetSite } from './types';

type Outer<C extends CommonConfig> = Pick<ModelArchitecture<C>, 'embedding' | 'head'>;

export function outerSites<C extends CommonConfig>(architecture: Outer<C>, config: C): readonly TargetSite[] {
  const embedding = architecture.embedding?.(config);
  const head = architecture.head(config);
  return [
    ...(embedding ? [embeddingSite(embedding, config)] : []),
    ...(head.kind === 'next-token' ? [headSite(head, config)] : []),
  ];
}

export function embeddingSite(
  { path, weight }: { readonly path: string; readonly weight: string },
  { vocabularySize, hiddenSize }: CommonConfig,
): TargetSite {
  const projection = path.slice(path.lastIndexOf('.') + 1);
  const sizes = { inFeatures: vocabularySize, outFeatures: hiddenSize } as const;
  return { kind: 'embedding', path, projection, layer: -1, ...sizes, weight, bias: null, layout: 'in-out' };
}

/** A tied head reads the embedding's table; an adapter on it is its own. */
function headSite({ path, weight, tiedTo }: NextTokenHead, { vocabularySize, hiddenSize }: CommonConfig): TargetSite {
  const sizes = { inFeatures: hiddenSize, outFeatures: vocabularySize } as const;
  const tensors = { weight: tiedTo ?? weight, bias: null } as const;
  return { kind: 'head', path, projection: path, layer: -1, ...sizes, ...tensors, layout: 'out-in' };
}
