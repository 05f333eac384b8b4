/** @file Remembers samples by a digest, 12 bytes or so for each, to tell those that come a second time. */
import { createHash } from 'node:crypto';

const FIRST_SIZE = 1 << 12;

/** Open addressing over 64 bits of the digest; two different samples share them once in billions of files. */
export class SeenSamples {
  private slots = new Uint32Array(3 * FIRST_SIZE);
  private count = 0;

  /** The line on which the same value was before; otherwise it is remembered with `line`, from 1. */
  before(value: unknown, line: number): number | undefined {
    const digest = createHash('sha1').update(JSON.stringify(value)).digest();
    const [high, low] = [digest.readUInt32LE(0), digest.readUInt32LE(4)];
    const at = this.slotOf(high, low);
    const known = this.slots[at + 2];
    if (known !== 0) return known;
    this.slots.set([high, low, line], at);
    if (++this.count * 2 > this.slots.length / 3) this.grow();
    return undefined;
  }

  /** Of the digest, or the free one where it belongs; a line of 0 means free. */
  private slotOf(high: number, low: number): number {
    const { slots } = this;
    const size = slots.length / 3;
    for (let i = high & (size - 1); ; i = (i + 1) & (size - 1)) {
      const at = 3 * i;
      if (slots[at + 2] === 0 || (slots[at] === high && slots[at + 1] === low)) return at;
    }
  }

  private grow(): void {
    const before = this.slots;
    this.slots = new Uint32Array(2 * before.length);
    for (let at = 0; at < before.length; at += 3) {
      const [high = 0, low = 0, line = 0] = before.subarray(at, at + 3);
      if (line !== 0) this.slots.set([high, low, line], this.slotOf(high, low));
    }
  }
}
