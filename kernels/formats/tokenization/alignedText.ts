/** @file A text that remembers, while it is normalised and cut into pieces, which part of the source each bit came from. */

/** Positions are UTF-16 units; ranges never cut a surrogate pair. */
export class AlignedText {
  private constructor(
    readonly text: string,
    /** Source position of the first unit, where `from` and `to` are not kept. */
    private readonly base: number,
    private readonly from?: Int32Array,
    private readonly to?: Int32Array,
    /** Without it only the text is right, which is all that is needed for ids, and several times faster. */
    readonly isTracked = from !== undefined,
  ) {}

  static source(text: string, isTracked: boolean): AlignedText {
    return new AlignedText(text, 0, undefined, undefined, isTracked);
  }

  get length(): number {
    return this.text.length;
  }

  /** Whether it begins where the source begins. */
  get isAtStart(): boolean {
    return this.sourceRange(0, 1)[0] === 0;
  }

  slice(start: number, end: number): AlignedText {
    if (start === 0 && end === this.length) return this;
    const text = this.text.slice(start, end);
    return new AlignedText(
      text,
      this.base + start,
      this.from?.subarray(start, end),
      this.to?.subarray(start, end),
      this.isTracked,
    );
  }

  /** The part of the source that units `start` to `end` (not included) came from. */
  sourceRange(start: number, end: number): readonly [number, number] {
    if (!this.from || !this.to) return [this.base + start, this.base + end];
    const first = this.from[Math.min(start, this.from.length - 1)] ?? 0;
    return [first, end > start ? (this.to[end - 1] ?? first) : first];
  }

  /** A changed text, put together from kept parts of this one and from new text that stands for a part of it. */
  edit(): AlignedTextEditor {
    return new AlignedTextEditor(this, (text, start, from, to) =>
      this.isTracked
        ? new AlignedText(text, 0, Int32Array.from(from), Int32Array.from(to))
        : new AlignedText(text, this.base + start, undefined, undefined, false),
    );
  }
}

type Finish = (text: string, start: number, from: readonly number[], to: readonly number[]) => AlignedText;

export class AlignedTextEditor {
  readonly #parts: string[] = [];
  readonly #from: number[] = [];
  readonly #to: number[] = [];
  #start: number | undefined;

  constructor(
    private readonly old: AlignedText,
    private readonly finish: Finish,
  ) {}

  /** Takes over units `start` to `end` of the old text. */
  keep(start: number, end: number): void {
    this.#start ??= start;
    this.#parts.push(this.old.text.slice(start, end));
    if (!this.old.isTracked) return;
    for (let i = start; i < end; i++) {
      const [from, to] = this.old.sourceRange(i, i + 1);
      this.#from.push(from);
      this.#to.push(to);
    }
  }

  /** Adds `text`, all of which stands for units `start` to `end` of the old text. */
  put(text: string, start: number, end: number): void {
    this.#start ??= start;
    this.#parts.push(text);
    if (!this.old.isTracked) return;
    const [from, to] = this.old.sourceRange(start, end);
    for (let i = 0; i < text.length; i++) {
      this.#from.push(from);
      this.#to.push(to);
    }
  }

  done(): AlignedText {
    return this.finish(this.#parts.join(''), this.#start ?? 0, this.#from, this.#to);
  }
}

/** End of the code point that begins at `start`. */
export function codePointEnd(text: string, start: number): number {
  return start + ((text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
}

/** Start of the code point that ends at `end`. */
export function codePointStart(text: string, end: number): number {
  const isLow = (text.charCodeAt(end - 1) & 0xfc00) === 0xdc00;
  const isPair = isLow && end >= 2 && (text.charCodeAt(end - 2) & 0xfc00) === 0xd800;
  return end - (isPair ? 2 : 1);
}
