/**
 * @file What shows that a method is really active: figures measured during a run, each with the rule it must meet. A method states
 * its own in its file (`AdapterMethod.activity`); the trainer measures what they are computed from and never looks at the configured
 * intention where the effect itself can be measured.
 */
import type { Value } from '../graph/graph';
import type { TargetSite } from '../models/types';
import type { ActivityUnit } from '../protocol/types';
import type { LayerContext, PreviousWeights } from './types';

/** A layer as it stands in a graph of the forward pass, for scalars that show what the method does there. */
export interface BuiltLayer<P extends string = string, O extends string = never> extends LayerContext<P, O> {
  /** The layer's output, as it goes on into the model: [tokens, out]. */
  readonly output: Value;
  /** The output that the method makes of an altered layer: what is taken away shows in the difference. */
  readonly forwardWith: (change: Partial<LayerContext<P, O>>) => Value;
  readonly before: PreviousWeights<P, O>;
}

/** Something for each tensor of a layer: `P` are always there, `O` only in some configurations. */
export type ByParam<P extends string, O extends string, T> = Readonly<Record<P, T>> & Readonly<Partial<Record<O, T>>>;

/** One adapted layer at a step, with its adapter tensors as they are and as they were when the run began. */
export interface ActivityLayer<
  C = Readonly<Record<string, unknown>>,
  P extends string = string,
  O extends string = never,
> {
  readonly site: TargetSite;
  /** The method's configuration for this layer. */
  readonly config: C;
  readonly now: ByParam<P, O, Float32Array>;
  readonly start: ByParam<P, O, Float32Array>;
  /** Of the delta weight, descending; undefined where the method gives none or they are too costly. */
  readonly singularValues: ArrayLike<number> | undefined;
  /** What `AdapterMethod.probes` gave in a forward pass over a few tokens; null for a layer that was not probed. */
  readonly probes: Readonly<Record<string, number>> | null;
  /** The same projection `back` blocks before, if it is linked. */
  readonly previous: (back: number) => ActivityLayer<C, P, O> | null;
}

export interface ActivityContext<
  C = Readonly<Record<string, unknown>>,
  P extends string = string,
  O extends string = never,
> {
  readonly step: number;
  /** Updates so far with a learning rate above 0: nothing can have moved before. */
  readonly updates: number;
  readonly config: C;
  readonly layers: readonly ActivityLayer<C, P, O>[];
  /** Tensors that all layers share, by their short names. */
  readonly shared: Readonly<Record<string, { readonly now: Float32Array; readonly start: Float32Array }>>;
}

/** What was found, against the rule. */
export interface Measurement {
  /** Null: there is nothing to measure. */
  readonly value: number | null;
  /** Whether the rule is met; null: that cannot be known yet. */
  readonly isMet: boolean | null;
  /** Module or tensor of the value, where it is the least or the most of many. */
  readonly where?: string;
  /** What stands in the places `{0}`, `{1}` … of the rule. */
  readonly ruleValues?: readonly (string | number)[];
}

/** A figure of a context of type `X`. Its texts are English; `npm run l10n -- extract` finds them in the methods. */
export interface Figure<X> {
  /** Unique among the figures of a run; it stays the same between versions, since files keep it. */
  readonly id: string;
  readonly label: string;
  readonly unit: ActivityUnit;
  /** Completes "the rule is: …"; `{0}` … are places for `Measurement.ruleValues`. */
  readonly rule: string;
  /** Absent: always. */
  applies?(context: X): boolean;
  measure(context: X): Measurement;
}

/** A figure of a method with configuration `C`, parameters `P` and, in some configurations, `O`. */
export type MethodFigure<
  C = Readonly<Record<string, unknown>>,
  P extends string = string,
  O extends string = never,
> = Figure<ActivityContext<C, P, O>>;

/**
 * Updates after which every trained tensor must have moved: with one factor at zero the other one gets its first gradient at
 * the second, and a third gives room for a gradient that happens to be zero.
 */
export const SETTLED_UPDATES = 3;

export const isSettled = ({ updates }: Pick<ActivityContext, 'updates'>): boolean => updates >= SETTLED_UPDATES;
