/**
 * @file Methods that have no adapter: they train tensors of the base model themselves, from the checkpoint's values, in
 * float32. The merged weight is the trained tensor; the layers stay plain.
 */
import * as l10n from '@vscode/l10n';
import type { ConfigOf, Fields } from '../util/fields';
import type { AdapterMethod, BaseSelection } from './types';

export interface BaseTraining<F extends Fields> {
  readonly id: string;
  readonly label: string;
  /** With what it costs, which no key says. */
  readonly summary: string;
  readonly paper: string;
  readonly config: F;
  base(config: ConfigOf<F>): BaseSelection;
}

/** The method of which `training` says what is its own. */
export function defineBaseTraining<const F extends Fields>(training: BaseTraining<F>): AdapterMethod<F, never> {
  const { id, label, summary, paper, config } = training;
  return {
    id,
    label,
    summary,
    paper,
    config,
    // No PEFT type: PEFT refuses the folder and cannot take it for another adapter.
    peft: { peft_type: 'BASE_TENSORS', method: id },
    supports: () => ({ reason: l10n.t('{0} puts adapters on no layer', label) }),
    params: () => ({}),
    configOf: (_, own) => own,
    // What is replaced is known from the plan; no layer has a formula.
    mergedWeight: (weight) => weight,
    unmergedWeight: (weight) => weight,
    forward: ({ baseOutput }) => baseOutput(),
    // The figures of every run say whether each trained tensor gets a gradient, changes, and learns at its rate.
    activity: [],
    dropout: () => 0,
    selection: (own) => ({
      base: training.base(own),
      targetModules: [],
      excludeModules: null,
      layersToTransform: null,
      layersPattern: [],
      modulesToSave: [],
      bias: 'none',
    }),
  };
}
