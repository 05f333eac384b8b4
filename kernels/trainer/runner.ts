/**
 * @file Runs the graphs of one model and plan: compiles a session for each batch shape when it is first met, keeps the
 * latest ones, feeds batches and parameters, and hands back losses, gradients and logits.
 */
import type { DecodeShape } from './decodeGraph';
import { buildDecodeGraph, buildPrefillGraph } from './decodeGraph';
import { dropoutMasks } from './dropoutMasks';
import type { BatchShape, GraphKind } from './stepGraph';
import { buildGraph, fedTensors, gradientName, measureName } from './stepGraph';
import type { TensorValues } from '../adapters/adapterFile';
import type { AdapterPlan } from '../adapters/plan';
import { hoistFrozen } from '../graph/hoistFrozen';
import { encodeOnnx } from '../graph/onnx/encode';
import type { Program } from '../graph/program';
import { programOf } from '../graph/program';
import type { BaseModel } from '../models/baseModel';
import { weightBytes } from '../models/baseModel';
import type { KeptSpec } from '../models/types';
import { answerWidth } from '../models/types';
import { KernelError } from '../protocol/errors';
import { ortRuntime } from '../runtime/ort';
import type { Device, Feeds, HostTensor, Session } from '../runtime/types';

export interface RunnerOptions {
  readonly device: Device;
  readonly threads: number;
  readonly profilePrefix?: string;
}

/** Token ids [batch·length] padded on the right, and the positions that are asked: those whose next token carries loss, or the first of each text. */
export interface MicroBatch {
  readonly batch: number;
  readonly length: number;
  readonly inputIds: Int32Array;
  readonly rows: Int32Array;
  /** Ids of tokens or of classes; numbers for a regression. */
  readonly labels: Int32Array | Float32Array;
  /** Kinds of the tokens [batch·length], where a text has two parts; default: all 0. */
  readonly tokenTypes?: Int32Array;
  /** f32[batch·length] added to the scores: a large negative number at padding; of a decoder only on the left. */
  readonly paddingBias?: Float32Array;
}

export interface StepInput {
  readonly batch: MicroBatch;
  /** Weight of each supervised token: 1 / their number in the whole optimiser step. */
  readonly rowWeight: number;
  /** Seed of the dropout masks of this micro-batch. */
  readonly dropoutSeed: number;
}

/** Numbers kept of one position in each layer: `2 · kvHeads · headDim`. */
export interface KeptShape extends KeptSpec {
  readonly layers: number;
}

export interface Decoded {
  /** [rows, vocabulary] */
  readonly logits: Float32Array;
  /** [2·layers, rows, kvHeads, positions, headDim]: keys and values of each layer by turns. */
  readonly kept: Float32Array;
}

export class ModelRunner {
  private readonly sessions = new Map<string, Promise<Compiled>>();
  /** Values that depend on frozen weights alone, computed when the first graph needs them. */
  private readonly frozen = new Map<string, HostTensor>();

  constructor(
    readonly model: BaseModel,
    readonly plan: AdapterPlan | null,
    private readonly parameters: TensorValues | null,
    private readonly options: RunnerOptions,
  ) {}

  /**
   * Σ weight · nll, and its gradient added into `gradient` (the layout of `Parameters.trained`). `onMeasure` gets what the
   * method measures, by the key of its tensor.
   */
  async step(
    input: StepInput,
    gradient: Float32Array,
    onMeasure?: (key: string, value: number) => void,
  ): Promise<number> {
    const { plan } = this;
    if (!plan) throw new KernelError('internal', 'a model without an adapter plan cannot be trained');
    const masks = dropoutMasks(plan, shapeOf(input.batch), input.dropoutSeed);
    const outputs = await this.run('train', input, masks);
    for (const t of plan.trained) addInto(gradient, t.offset, output(outputs, gradientName(t)));
    for (const t of plan.frozen.filter((f) => f.isMeasured)) {
      onMeasure?.(t.key, output(outputs, measureName(t.key))[0] ?? NaN);
    }
    return output(outputs, 'loss')[0] ?? NaN;
  }

  /** Σ weight · nll without gradients and without dropout. */
  async loss(batch: MicroBatch, rowWeight = 1): Promise<number> {
    return (await this.assess(batch, rowWeight)).loss;
  }

  /** The same with what a sequence head answers: [rows, labels]. Null for a language model. */
  async assess(
    batch: MicroBatch,
    rowWeight = 1,
  ): Promise<{ readonly loss: number; readonly answers: Float32Array | null }> {
    const outputs = await this.run('loss', { batch, rowWeight, dropoutSeed: 0 }, {});
    const width = answerWidth(this.model.task, this.model.config);
    const answers = this.model.task.kind === 'next-token' ? null : output(outputs, 'logits');
    return {
      loss: output(outputs, 'loss')[0] ?? NaN,
      answers: answers?.subarray(0, batch.rows.length * width) ?? null,
    };
  }

  /** Logits [rows, vocabulary or labels] at the batch's rows. */
  async logits(batch: Omit<MicroBatch, 'labels'>): Promise<Float32Array> {
    const count = batch.rows.length;
    const outputs = await this.run(
      'logits',
      { batch: { ...batch, labels: batch.rows }, rowWeight: 1, dropoutSeed: 0 },
      {},
    );
    return output(outputs, 'logits').subarray(0, count * answerWidth(this.model.task, this.model.config));
  }

  /** What decoding keeps of a position; null where the whole sequence has to be run for each token. */
  get kept(): KeptShape | null {
    const { architecture, config } = this.model;
    const shape = architecture.kept?.(config);
    // On a GPU the cache would travel there and back with each token: it would have to stay there first.
    return shape && this.options.device === 'cpu' ? { ...shape, layers: config.layers } : null;
  }

  /** Runs a prompt, padded on the right, with `count` tokens: the logits behind it, and what is kept of its positions. */
  async prefill(inputIds: Int32Array, count: number): Promise<Decoded> {
    const length = inputIds.length;
    const request = { model: this.model, plan: this.plan, length };
    const session = await this.compiled(`prefill ${length}`, () => buildPrefillGraph(request));
    return decoded(
      await session.run({
        ids: { dtype: 'i32', shape: [length], data: inputIds },
        rows: { dtype: 'i32', shape: [1], data: Int32Array.of(count - 1) },
        ...this.adapterFeeds(),
      }),
    );
  }

  /** Runs one token of each row behind what was kept of it. */
  async decode({ batch, capacity }: DecodeShape, feeds: Feeds): Promise<Decoded> {
    const request = { model: this.model, plan: this.plan, batch, capacity };
    const session = await this.compiled(`decode ${batch} ${capacity}`, () => buildDecodeGraph(request));
    return decoded(await session.run({ ...feeds, ...this.adapterFeeds() }));
  }

  async dispose(): Promise<void> {
    const open = [...this.sessions.values()];
    this.sessions.clear();
    for (const compiled of open) await (await compiled).session.dispose();
  }

  private async run(kind: GraphKind, input: StepInput, masks: Feeds): Promise<Readonly<Record<string, Float32Array>>> {
    const { batch, rowWeight } = input;
    const shape = shapeOf(batch);
    const session = await this.session(kind, shape, batch.paddingBias !== undefined);
    const { rows } = shape;
    const feeds: Record<string, HostTensor> = {
      ids: { dtype: 'i32', shape: [batch.batch * batch.length], data: batch.inputIds },
      rows: { dtype: 'i32', shape: [rows], data: padded(batch.rows, rows) },
      ...masks,
    };
    if (kind !== 'logits') {
      const { labels } = batch;
      feeds.labels =
        labels instanceof Int32Array
          ? { dtype: 'i32', shape: [rows], data: padded(labels, rows) }
          : { dtype: 'f32', shape: [rows], data: padded(labels, rows) };
      feeds.row_weights = {
        dtype: 'f32',
        shape: [rows],
        data: new Float32Array(rows).fill(rowWeight, 0, batch.rows.length),
      };
    }
    if (batch.paddingBias) {
      feeds.padding_bias = { dtype: 'f32', shape: [batch.batch, batch.length], data: batch.paddingBias };
    }
    Object.assign(feeds, encoderFeeds(this.model, batch));
    return session.run({ ...feeds, ...this.adapterFeeds() });
  }

  private adapterFeeds(): Feeds {
    const entries = fedTensors(this.plan).map(({ key, shape }): [string, HostTensor] => {
      const data = this.parameters?.get(key);
      if (!data) throw new KernelError('internal', `no values for ${key}`);
      return [key, { dtype: 'f32', shape, data }];
    });
    return Object.fromEntries(entries);
  }

  private session(kind: GraphKind, shape: BatchShape, hasPaddingBias: boolean): Promise<Pick<Session, 'run'>> {
    const { model, plan } = this;
    return this.compiled(keyOf(kind, shape, hasPaddingBias), () =>
      buildGraph({ kind, shape, model, plan, hasPaddingBias }),
    );
  }

  /** What a graph is run with; the values of frozen weights that it reads are among the feeds. */
  private async compiled(key: string, build: () => Program): Promise<Pick<Session, 'run'>> {
    const known = this.sessions.get(key);
    // Last used goes last: the map's order is the order of eviction.
    this.sessions.delete(key);
    if (!known) await this.makeRoom();
    const compiled = known ?? this.compile(build());
    this.sessions.set(key, compiled);
    const { session, frozen } = await compiled;
    const feeds = Object.fromEntries(frozen.map((name) => [name, this.frozen.get(name)])) as Feeds;
    return { run: (own) => session.run({ ...own, ...feeds }) };
  }

  private async makeRoom(): Promise<void> {
    const maxSessions = sessionLimit(this.model);
    for (const [oldest, compiled] of this.sessions) {
      if (this.sessions.size < maxSessions) break;
      this.sessions.delete(oldest);
      await (await compiled).session.dispose();
    }
  }

  private async compile(built: Program): Promise<Compiled> {
    const { program, frozen } = hoistFrozen(built);
    const missing = [...frozen].filter(([name]) => !this.frozen.has(name));
    if (missing.length > 0) {
      const once = await this.sessionOf(programOf(Object.fromEntries(missing)), {});
      const values = await once.run({});
      await once.dispose();
      for (const [name, { type }] of missing) {
        this.frozen.set(name, { dtype: 'f32', shape: type.shape, data: output(values, name) });
      }
    }
    const { profilePrefix } = this.options;
    return {
      session: await this.sessionOf(program, profilePrefix ? { profilePrefix } : {}),
      frozen: [...frozen.keys()],
    };
  }

  private sessionOf(program: Program, profile: Pick<RunnerOptions, 'profilePrefix'>): Promise<Session> {
    const { device, threads } = this.options;
    const weightsFolder = this.model.weightFiles.folder;
    const bytes = encodeOnnx(program, { target: device === 'cpu' ? 'cpu' : 'gpu', weightsFolder });
    return ortRuntime.compile(bytes, { device, threads, weightsFolder, ...profile });
  }
}

/** A session, and the names of the frozen values it must be fed. */
interface Compiled {
  readonly session: Session;
  readonly frozen: readonly string[];
}

/**
 * Sessions kept compiled. Each maps the weights once more: the same pages of memory, but counted again by everything that
 * reports memory, and on a GPU a copy of its own.
 */
export function sessionLimit(model: BaseModel): number {
  return Math.min(12, Math.max(3, Math.floor(1e9 / weightBytes(model))));
}

const keyOf = (kind: GraphKind, { batch, length, rows }: BatchShape, hasPaddingBias: boolean): string =>
  `${kind} ${batch}x${length} ${rows}${hasPaddingBias ? ' padded' : ''}`;

const shapeOf = ({ batch, length, rows }: MicroBatch): BatchShape => graphShape(batch, length, rows.length);

/** The shape of the graph that a batch runs on: `supervised` positions carry loss. */
export function graphShape(batch: number, length: number, supervised: number): BatchShape {
  return { batch, length, rows: Math.min(roundRows(supervised), batch * length) };
}

/** Supervised positions are rounded up to one of few sizes (at most an eighth more), so that few graphs are compiled. */
export function roundRows(rows: number): number {
  if (rows <= 8) return 8;
  const step = 2 ** Math.max(2, Math.floor(Math.log2(rows)) - 3);
  return Math.ceil(rows / step) * step;
}

function padded<A extends Int32Array | Float32Array>(values: A, length: number): A {
  if (values.length === length) return values;
  const result = new (values.constructor as new (length: number) => A)(length);
  result.set(values);
  return result;
}

/** What an encoder reads besides the ids. */
function encoderFeeds({ architecture, config }: BaseModel, batch: Omit<MicroBatch, 'labels'>): Feeds {
  const { encoder } = architecture;
  if (!encoder) return {};
  const { inputIds, length, paddingBias, tokenTypes } = batch;
  const shape = [inputIds.length];
  const hasTypes = encoder.tokenTypes(config) > 1;
  return {
    positions: { dtype: 'i32', shape, data: encoder.positions(config, inputIds, length) },
    ...(hasTypes && { token_types: { dtype: 'i32', shape, data: tokenTypes ?? new Int32Array(inputIds.length) } }),
    ...(!paddingBias && {
      padding_bias: { dtype: 'f32', shape: [batch.batch, length], data: new Float32Array(inputIds.length) },
    }),
  };
}

function output(outputs: Readonly<Record<string, Float32Array>>, name: string): Float32Array {
  const found = outputs[name];
  if (!found) throw new KernelError('internal', `the session has no output ${name}`);
  return found;
}

const decoded = (outputs: Readonly<Record<string, Float32Array>>): Decoded => ({
  logits: output(outputs, 'logits'),
  kept: output(outputs, 'kept'),
});

function addInto(target: Float32Array, offset: number, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) target[offset + i] = (target[offset + i] ?? 0) + (values[i] ?? 0);
}
