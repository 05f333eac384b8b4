/** @file Soft-capping: cap·tanh(u), which bends numbers into (−cap, cap) (Gemma 2 report, section 2). */
import type { Value } from '../../graph/graph';
import { scale, tanh } from '../../graph/ops';

/** `u`: the numbers over the cap, where there is one; without a cap they stay as they are. */
export const softCapped = (u: Value, cap: number | null): Value => (cap === null ? u : scale(tanh(u), cap));
