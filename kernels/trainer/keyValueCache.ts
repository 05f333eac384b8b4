/** @file Keys and values of earlier positions, for a fixed number of texts: what decoding reads instead of running them again. */
import { KernelError } from '../protocol/errors';
import type { Feeds, HostTensor } from '../runtime/types';
import { MASKED } from '../models/blocks/attention';
import { pastBias, pastKeys, pastValues, visibleWindow } from './decodeGraph';
import type { KeptShape } from './runner';

export class KeyValueCache {
  /** Positions kept of each text. */
  private readonly lengths: Int32Array;
  private readonly bias: Float32Array;
  /** Keys and values of each layer by turns: [slots, kvHeads, capacity, headDim]. */
  private readonly parts: readonly Float32Array[];

  constructor(
    private readonly shape: KeptShape,
    readonly slots: number,
    /** Positions there is room for in each text. */
    readonly capacity: number,
  ) {
    const { layers, kvHeads, headDim } = shape;
    this.lengths = new Int32Array(slots);
    this.bias = new Float32Array(slots * capacity).fill(MASKED);
    this.parts = Array.from({ length: 2 * layers }, () => new Float32Array(slots * kvHeads * capacity * headDim));
  }

  /** Begins the text of a slot: `kept` [2·layers, kvHeads, room, headDim], of which the first `count` positions count. */
  begin(slot: number, kept: Float32Array, room: number, count: number): void {
    this.lengths[slot] = 0;
    this.bias.fill(MASKED, slot * this.capacity, (slot + 1) * this.capacity);
    this.take(slot, count, (part, head) => kept.subarray(this.rowOf(part, head) * room * this.shape.headDim));
  }

  /** Adds one position to the text of a slot: `kept` [2·layers, slots, kvHeads, 1, headDim] of a decoding step. */
  append(slot: number, kept: Float32Array): void {
    const { kvHeads, headDim } = this.shape;
    this.take(slot, 1, (part, head) => kept.subarray(((part * this.slots + slot) * kvHeads + head) * headDim));
  }

  /** For a decoding step; `ids`: the token of each slot that comes next. */
  feeds(ids: Int32Array): Feeds {
    const { slots, capacity } = this;
    const { layers, kvHeads, headDim } = this.shape;
    const shape = [slots, kvHeads, capacity, headDim];
    const feeds: Record<string, HostTensor> = {
      ids: { dtype: 'i32', shape: [slots], data: ids },
      positions: { dtype: 'i32', shape: [slots], data: this.lengths },
    };
    for (const window of new Set(this.shape.windows.map((w) => visibleWindow(w, capacity)))) {
      feeds[pastBias(window)] = { dtype: 'f32', shape: [slots, capacity], data: this.biasWithin(window) };
    }
    for (let layer = 0; layer < layers; layer++) {
      feeds[pastKeys(layer)] = { dtype: 'f32', shape, data: this.part(2 * layer) };
      feeds[pastValues(layer)] = { dtype: 'f32', shape, data: this.part(2 * layer + 1) };
    }
    return feeds;
  }

  /** The mask of a token that sees `window` positions, its own included. */
  private biasWithin(window: number | null): Float32Array {
    if (window === null) return this.bias;
    const bias = this.bias.slice();
    this.lengths.forEach((length, slot) => {
      const from = slot * this.capacity;
      bias.fill(MASKED, from, from + Math.max(0, length - window + 1));
    });
    return bias;
  }

  /** `source` gives what starts with the new positions of a head. */
  private take(slot: number, count: number, source: (part: number, head: number) => Float32Array): void {
    const { kvHeads, headDim } = this.shape;
    const done = this.lengths[slot] ?? 0;
    if (done + count > this.capacity)
      throw new KernelError('internal', `a cache of ${this.capacity} positions is full`);
    for (let part = 0; part < this.parts.length; part++) {
      for (let head = 0; head < kvHeads; head++) {
        const to = ((slot * kvHeads + head) * this.capacity + done) * headDim;
        this.part(part).set(source(part, head).subarray(0, count * headDim), to);
      }
    }
    this.bias.fill(0, slot * this.capacity + done, slot * this.capacity + done + count);
    this.lengths[slot] = done + count;
  }

  private rowOf(part: number, head: number): number {
    return part * this.shape.kvHeads + head;
  }

  private part(index: number): Float32Array {
    const part = this.parts[index];
    if (!part) throw new KernelError('internal', `a cache has no part ${index}`);
    return part;
  }
}
