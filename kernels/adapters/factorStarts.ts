/**
 * @file How the factors of a low-rank update start, by PEFT's key `init_lora_weights`. In each of them the fresh adapter
 * changes nothing: one factor is zero, or B·A is (orthogonal), or the base gives up what the factors hold (pissa.ts).
 */
import * as l10n from '@vscode/l10n';
import type { TargetSite } from '../models/types';
import { choice } from '../util/fields';
import type { Init, Refusal } from './types';

export const factorStartField = choice(
  [true, 'gaussian', 'orthogonal', 'pissa', 'pissa_niter_4', 'pissa_niter_16', 'b-random'],
  {
    default: true,
    isTrainingOnly: true,
    label: 'Start of the factors',
    help: 'How A and B start. In each way the fresh adapter changes nothing.',
    meanings: {
      true: 'A Kaiming-uniform, B zero: the start of nearly all published adapters.',
      gaussian: 'A normal with deviation 1/r, B zero.',
      orthogonal: 'A and B random in subspaces at right angles, so that their product is zero. The rank must be even.',
      pissa: 'A and B hold the largest singular values of the base weight; the rest of it stays frozen.',
      pissa_niter_4: 'The same by four rounds of a faster, approximate decomposition.',
      pissa_niter_16: 'The same by sixteen rounds.',
      'b-random': 'A zero, B Kaiming-uniform: the start for which LoRA+ with a ratio of 16 was found.',
    },
  },
);

/** Rounds of the fast method, 0: the exact decomposition; undefined for a start that is not PiSSA's. */
export function principalRounds(start: unknown): number | undefined {
  const found = typeof start === 'string' ? /^pissa(?:_niter_(\d+))?$/.exec(start) : null;
  return found ? Number(found[1] ?? 0) : undefined;
}

/** PEFT starts the factors of an embedding in its own way, whatever `init_lora_weights` says: A zero, B normal. */
const EMBEDDING_STARTS = { A: { kind: 'zeros' }, B: { kind: 'normal', std: 1 } } as const;

/** Adapters made elsewhere may name starts that are not offered here: what they train from is in their files. */
export function factorStarts(
  start: unknown,
  { kind }: Pick<TargetSite, 'kind'>,
  r: number,
  scaling: number,
): { readonly A: Init; readonly B: Init } {
  if (kind === 'embedding') return EMBEDDING_STARTS;
  const rounds = principalRounds(start);
  if (rounds !== undefined) {
    const principal = (factor: 'A' | 'B'): Init => ({ kind: 'principal', factor, scaling, rounds });
    return { A: principal('A'), B: principal('B') };
  }
  switch (start) {
    case 'gaussian':
      return { A: { kind: 'normal', std: 1 / r }, B: { kind: 'zeros' } };
    case 'orthogonal':
      return { A: { kind: 'annihilating', factor: 'A' }, B: { kind: 'annihilating', factor: 'B' } };
    case 'b-random':
      return { A: { kind: 'zeros' }, B: { kind: 'kaimingUniform' } };
    default:
      return { A: { kind: 'kaimingUniform' }, B: { kind: 'zeros' } };
  }
}

/** Why factors of this rank cannot start so, if they cannot. */
export function startRefusal(
  start: unknown,
  { kind, inFeatures, outFeatures }: Pick<TargetSite, 'kind' | 'inFeatures' | 'outFeatures'>,
  r: number,
): Refusal | undefined {
  if (kind === 'embedding') {
    if (principalRounds(start) === undefined) return undefined;
    return { reason: l10n.t('PiSSA takes its start out of linear layers; leave the embedding out of target_modules') };
  }
  if (start === 'orthogonal' && r % 2 === 1) {
    return { key: 'r', reason: l10n.t('an orthogonal start halves the rank, and {0} is odd; choose an even r', r) };
  }
  const most = Math.min(inFeatures, outFeatures);
  if (principalRounds(start) !== undefined && r > most) {
    return {
      key: 'r',
      limit: most,
      reason: l10n.t('its base weight has {0} singular values; choose r ≤ {0}, or another init_lora_weights', most),
    };
  }
  return undefined;
}

/**
 * What PEFT can be told of the start: it refuses values that are not its own, and would take PiSSA's out of the base once more.
 * With a bias on B it takes no other than `true`.
 */
export const storedStart = <S>(start: S, hasBias = false): S | true =>
  hasBias || start === 'b-random' || principalRounds(start) !== undefined ? true : start;
