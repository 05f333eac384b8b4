/** @file Every known silent failure, put into a method or its optimiser on purpose: the activity of the run is red and names it. */
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { lowRankForward, scalingOf } from '../../../../kernels/adapters/lowRank';
import { column, rowNorm } from '../../../../kernels/adapters/rowNorms';
import type { AnyAdapterMethod, LayerContext, ParamSpec } from '../../../../kernels/adapters/types';
import type { TargetSite } from '../../../../kernels/models/types';
import { add, concat, div, gemm, mul, reshape, scale, slice, sumAll } from '../../../../kernels/graph/ops';
import type { Value } from '../../../../kernels/graph/graph';
import { optimiserGroups } from '../../../../kernels/trainer/optimiserGroups';
import * as optimiserReset from '../../../../kernels/trainer/optimiserReset';
import { Restarts } from '../../../../kernels/trainer/restarts';
import * as schedule from '../../../../kernels/trainer/schedule';
import type { Tamper } from '../../../support/activeRun';
import { biasedModels } from '../../../support/biasedModels';
import { activityOf, verdicts, withMethod } from '../../../support/activeRun';
import { trainingFixture } from '../../../support/trainingFixture';

const fixture = trainingFixture();
const biased = biasedModels();
process.env['ADAPTER_STUDIO_CACHE'] = path.join(fixture.folder, 'cache');

type Config = Parameters<typeof scalingOf>[0];

interface Fault {
  readonly adapter: Readonly<Record<string, unknown>>;
  readonly training?: Readonly<Record<string, unknown>>;
  readonly tamper: Tamper;
  /** Figures that must be red. */
  readonly red: readonly string[];
}

/** The method with other properties of some of its tensors. */
const withParams = (change: Readonly<Record<string, Partial<ParamSpec>>>): Tamper =>
  withMethod((method) => ({
    params: (site: TargetSite, config: never) => {
      const specs = Object.entries(method.params(site, config) as Readonly<Record<string, ParamSpec>>);
      return Object.fromEntries(specs.map(([name, spec]) => [name, { ...spec, ...change[name] }]));
    },
  }));

type Forward = AnyAdapterMethod['forward'];

/** The method with another forward pass. */
const withForward = (forward: (original: Forward) => Forward): Tamper =>
  withMethod((method) => ({ forward: forward(method.forward.bind(method)) }));

const asLora: Forward = ({ x, params, baseOutput }: LayerContext, config: Config) =>
  lowRankForward(baseOutput(), x, params['lora_A']!, params['lora_B']!, scalingOf(config));

/** Tensors are in the graph, but have no effect: their gradient is there and 0. */
const withoutEffect = (output: Value, ...values: readonly (Value | undefined)[]): Value =>
  values.reduce<Value>((sum, v) => (v ? add(sum, scale(sumAll(v), 0)) : sum), output);

/** No tensor gets the rate that it should have, but another multiple of it. */
const withRates =
  (ratio: (key: string) => number): Tamper =>
  (prepared) => {
    const tensors = prepared.plan.trained;
    return { ...prepared, groups: tensors.map((t) => ({ name: t.key, ratio: ratio(t.key), tensors: [t] })) };
  };

const FAULTS: Readonly<Record<string, Fault>> = {
  'LoRA whose factors both start at zero': {
    adapter: { method: 'lora', r: 3 },
    tamper: withParams({ lora_A: { init: { kind: 'zeros' } } }),
    red: ['a-moved', 'b-moved', 'delta-norm', 'trained-changed', 'trained-gradient'],
  },
  'LoRA whose scaling is left out': {
    adapter: { method: 'lora', r: 3 },
    tamper: withForward(
      () =>
        ({ x, params, baseOutput }: LayerContext) =>
          lowRankForward(baseOutput(), x, params['lora_A']!, params['lora_B']!, 1),
    ),
    red: ['scaling', 'merge-error'],
  },
  'rsLoRA that scales as LoRA': {
    adapter: { method: 'lora', r: 3, use_rslora: true },
    tamper: withForward(
      (original) => (layer: LayerContext, config: Config) => original(layer, { ...config, use_rslora: false }),
    ),
    red: ['scaling', 'merge-error'],
  },
  'LoRA whose branch has no effect': {
    adapter: { method: 'lora', r: 3 },
    tamper: withForward(
      () =>
        ({ params, baseOutput }: LayerContext) =>
          withoutEffect(baseOutput(), ...Object.values(params)),
    ),
    red: ['b-moved', 'delta-norm', 'trained-gradient'],
  },
  'LoRA with one tensor that the optimiser leaves out': {
    adapter: { method: 'lora', r: 3 },
    tamper: withRates((key) => (key === 'model.layers.1.self_attn.v_proj.lora_A' ? 0 : 1)),
    red: ['a-moved', 'trained-changed', 'effective-rate'],
  },
  'LoRA+ whose ratio reaches no parameter': {
    adapter: { method: 'lora', r: 3 },
    training: { loraplus_lr_ratio: 8 },
    tamper: (prepared) => ({ ...prepared, groups: optimiserGroups(prepared.plan, {}) }),
    red: ['loraplus-update-ratio', 'loraplus-rate-b', 'effective-rate'],
  },
  'LoRA+ whose ratio reaches both factors': {
    adapter: { method: 'lora', r: 3 },
    training: { loraplus_lr_ratio: 8 },
    tamper: withRates(() => 8),
    red: ['loraplus-update-ratio', 'loraplus-rate-a', 'effective-rate'],
  },
  'DoRA whose magnitude does not train': {
    adapter: { method: 'dora', r: 3 },
    tamper: withParams({ lora_magnitude_vector: { trainable: false } }),
    red: ['magnitude-drift'],
  },
  'DoRA that trains as LoRA': {
    adapter: { method: 'dora', r: 3 },
    tamper: withForward(
      () => (layer: LayerContext, config: Config) =>
        withoutEffect(asLora(layer, config), layer.params['lora_magnitude_vector']),
    ),
    red: ['magnitude-drift', 'trained-gradient', 'trained-changed'],
  },
  'DoRA whose magnitude is moved by decay alone': {
    adapter: { method: 'dora', r: 3, decay_magnitude: true },
    tamper: withForward(
      () => (layer: LayerContext, config: Config) =>
        withoutEffect(asLora(layer, config), layer.params['lora_magnitude_vector']),
    ),
    red: ['trained-gradient', 'merge-error'],
  },
  'DoRA whose direction is left as it is': {
    adapter: { method: 'dora', r: 3 },
    tamper: withForward(() => ({ x, params, baseWeight }: LayerContext) => {
      const { lora_A: a, lora_B: b, lora_magnitude_vector: m } = params;
      return withoutEffect(mul(gemm(x, baseWeight(), { transB: true }), div(m!, rowNorm(baseWeight()))), a, b);
    }),
    red: ['direction-turn', 'b-moved', 'trained-gradient'],
  },
  'DoRA whose rows are divided by the norms of the base': {
    adapter: { method: 'dora', r: 3 },
    training: { learning_rate: 0.05 },
    tamper: withForward(() => ({ x, params, baseWeight }: LayerContext, config: Config) => {
      const { lora_A: a, lora_B: b, lora_magnitude_vector: m } = params;
      const v = add(gemm(b!, a!, { alpha: scalingOf(config) }), baseWeight());
      return gemm(x, mul(v, column(div(m!, rowNorm(baseWeight())))), { transB: true });
    }),
    red: ['merge-error'],
  },
  'MoRA whose update has only the rank of LoRA': {
    adapter: { method: 'mora', r: 2 },
    tamper: withForward((original) => (layer: LayerContext, config: { readonly r: number }) => {
      const m = layer.params['lora_A']!;
      const [size = 0] = m.type.shape;
      const rest = scale(slice(m, 0, config.r, size), 0);
      return original({ ...layer, params: { lora_A: concat([slice(m, 0, 0, config.r), rest], 0) } }, config);
    }),
    red: ['matrix-rank'],
  },
  'MoRA whose matrix stays at zero': {
    adapter: { method: 'mora', r: 3 },
    tamper: withForward(
      () =>
        ({ params, baseOutput }: LayerContext) =>
          withoutEffect(baseOutput(), params['lora_A']),
    ),
    red: ['matrix-norm', 'delta-rank', 'trained-gradient'],
  },
  'AsyLoRA whose frozen factor trains': {
    adapter: { method: 'asylora', r: 3 },
    tamper: withParams({ lora_A: { trainable: true } }),
    red: ['frozen-change', 'frozen-orthonormal'],
  },
  'AsyLoRA whose frozen factor has no right angles': {
    adapter: { method: 'asylora', r: 3 },
    tamper: withParams({ lora_A: { init: { kind: 'kaimingUniform' } } }),
    red: ['frozen-orthonormal'],
  },
  ...Object.fromEntries(
    ['is', 'bs', 'ms'].map((variant): [string, Fault] => [
      `ResLoRA ${variant} without its shortcuts`,
      {
        adapter: { method: 'reslora', r: 3, variant },
        tamper: withForward(
          (original) => (layer: LayerContext, config: Config) => original({ ...layer, previous: () => null }, config),
        ),
        red: ['shortcut-share'],
      },
    ]),
  ),
  'ResLoRA whose norms are not measured': {
    adapter: { method: 'reslora', r: 3, variant: 'is' },
    tamper: withMethod((method) => ({
      measures: (layer: LayerContext, config: Config) => {
        const one = div(sumAll(layer.x), sumAll(layer.x));
        const names = Object.keys(method.measures?.(layer, config) ?? {});
        return Object.fromEntries(names.map((name) => [name, reshape(one, [])]));
      },
    })),
    red: ['norms-measured', 'alpha-least', 'alpha-most'],
  },
  'VeRA whose outer vector stays at zero': {
    adapter: { method: 'vera', r: 8 },
    tamper: withParams({ vera_lambda_b: { trainable: false } }),
    red: ['lambda-b-norm', 'delta-norm', 'trained-gradient'],
  },
  'VeRA whose vectors both start at zero': {
    adapter: { method: 'vera', r: 8 },
    tamper: withParams({ vera_lambda_d: { init: { kind: 'zeros' } } }),
    red: ['lambda-b-norm', 'lambda-d-norm', 'delta-norm', 'trained-gradient'],
  },
  'VeRA whose projections train': {
    adapter: { method: 'vera', r: 8 },
    tamper: withMethod((method) => ({
      shared: (sites: readonly TargetSite[], config: Config) => {
        const specs = Object.entries(method.shared?.(sites, config) ?? {});
        return Object.fromEntries(specs.map(([name, spec]) => [name, { ...spec, trainable: true }]));
      },
    })),
    red: ['shared-change'],
  },
  'DVoRA whose magnitude does not train': {
    adapter: { method: 'dvora', r: 8 },
    tamper: withParams({ lora_magnitude_vector: { trainable: false } }),
    red: ['magnitude-drift'],
  },
};

const RELORA = {
  adapter: { method: 'lora', r: 2, lora_alpha: undefined, lora_dropout: undefined },
  training: { max_steps: 12, lr_scheduler_type: 'cosine_restarts', warmup_steps: 1 },
  relora: { every: 4, restart_warmup_steps: 1 },
};

afterEach(() => vi.restoreAllMocks());

/** Breaks something that a run calls, and returns the verdicts of a run with restarts. */
async function restarted(name: string): Promise<Readonly<Record<string, string>>> {
  return verdicts(await activityOf(fixture, name, RELORA));
}

test('ReLoRA that resets 0.00 % of the optimiser', async () => {
  vi.spyOn(optimiserReset, 'resetMoments').mockImplementation(() => undefined);
  expect(await restarted('relora-no-reset')).toMatchObject({ 'restart-reset': 'red', 'restart-count': 'green' });
});

test('ReLoRA that resets half of the optimiser', async () => {
  vi.spyOn(optimiserReset, 'resetMoments').mockImplementation(({ firstMoment }) => void firstMoment.fill(0));
  expect(await restarted('relora-half-reset')).toMatchObject({ 'restart-reset': 'red' });
});

test('ReLoRA that never restarts', async () => {
  vi.spyOn(Restarts.prototype, 'isDue').mockReturnValue(false);
  expect(await restarted('relora-never')).toMatchObject({ 'restart-count': 'red' });
});

test('ReLoRA whose learning rate goes on as if nothing had happened', async () => {
  vi.spyOn(schedule, 'scheduleFactor').mockReturnValue(0.5);
  expect(await restarted('relora-rate')).toMatchObject({ 'restart-rate': 'red' });
});

test.each([
  ['full', 'llama'],
  ['last_layers', 'llama'],
  ['bitfit', 'llama'],
  ['bitfit', 'gpt2'],
] as const)('%s of %s that moves nothing', async (method, family) => {
  const adapter = { method, r: undefined, lora_alpha: undefined, lora_dropout: undefined };
  const found = verdicts(
    await activityOf(
      fixture,
      `${method}-${family}-still`,
      { adapter, model: biased[family] },
      withRates(() => 0),
    ),
  );
  expect(found).toMatchObject({ 'trained-changed': 'red', 'effective-rate': 'red', 'base-unchanged': 'green' });
});

test.each(Object.entries(FAULTS))('%s', async (name, { adapter, training, tamper, red }) => {
  const clean = { lora_alpha: undefined, lora_dropout: undefined, ...adapter };
  const changes = { adapter: clean, ...(training && { training }) };
  const records = await activityOf(fixture, name.replace(/\W+/g, '-'), changes, tamper);
  const found = verdicts(records);
  expect(Object.keys(found).filter((id) => found[id] === 'red')).toEqual(expect.arrayContaining([...red]));
  expect(records.at(-1)?.verdict).toBe('red');
});

test('a tensor that the loss does not depend on at all is no run', async () => {
  const changes = { adapter: { method: 'dora', r: 3, lora_alpha: undefined, lora_dropout: undefined } };
  const run = activityOf(
    fixture,
    'cut-off',
    changes,
    withForward(() => asLora),
  );
  await expect(run).rejects.toThrow('lora_magnitude_vector; nothing would be trained');
});
