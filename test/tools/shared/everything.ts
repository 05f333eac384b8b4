/** @file Full training as a plan: no layer is adapted, every tensor of the base model is trained. */
import { defineAdapter } from '../../../kernels/adapters/types';

export const everything = defineAdapter({
  id: 'everything',
  label: 'All weights',
  summary: 'All weights.',
  paper: 'none',
  config: {},
  peft: {},
  supports: () => true,
  params: () => ({}),
  configOf: (_, config) => config,
  mergedWeight: null,
  unmergedWeight: null,
  forward: ({ baseOutput }) => baseOutput(),
  activity: [],
  dropout: () => 0,
  selection: () => ({
    everything: true,
    targetModules: [],
    excludeModules: null,
    layersToTransform: null,
    layersPattern: [],
    modulesToSave: [],
    bias: 'none',
  }),
});
