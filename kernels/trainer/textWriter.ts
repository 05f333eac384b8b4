/** @file A base model, with an adapter or without, that is ready to write text. */
import * as l10n from '@vscode/l10n';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { promptTokens } from '../data/promptTokens';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { loadTokenizer } from '../formats/tokenizer';
import type { BaseModel } from '../models/baseModel';
import { refuseUnsoundWeights } from '../models/soundWeights';
import { openBaseModel, weightDtypes } from '../models/baseModel';
import type { GeneratedText, GeneratePrompt, GenerateSettings } from '../protocol/calls/generate';
import { KernelError } from '../protocol/errors';
import type { AdaptedModel } from '../weights/openAdapted';
import { openAdapted } from '../weights/openAdapted';
import { chooseDevice } from '../runtime/devices';
import type { Device } from '../runtime/types';
import { generate } from './generate';
import { ModelRunner } from './runner';
import { refuseWriting } from './task';

export interface WriterOptions {
  readonly base: string;
  readonly adapter?: string;
  readonly device?: Device | 'auto';
  readonly threads: number;
}

export interface WriteOptions {
  readonly signal: AbortSignal;
  /** Gets the text as it comes. */
  readonly onText: (text: string) => void;
}

export class TextWriter {
  private constructor(
    private readonly model: BaseModel,
    private readonly tokenizer: CheckpointTokenizer,
    private readonly runner: ModelRunner,
    private readonly adapted: AdaptedModel | null,
  ) {}

  /** Throws as `openBaseModel`, `loadTokenizer`, `openAdapted` and `chooseDevice` do. */
  static async open({
    base,
    adapter: adapterDir,
    device: wanted = 'auto',
    threads,
  }: WriterOptions): Promise<TextWriter> {
    const model = openBaseModel(base);
    let adapted: AdaptedModel | null = null;
    try {
      refuseWriting(model);
      const tokenizer = loadTokenizer(base);
      await refuseUnsoundWeights(model);
      adapted = adapterDir === undefined ? null : await openAdapted(adapterDir, model);
      const { device } = await chooseDevice(wanted, weightDtypes(model), { file: '--device' });
      const { plan, parameters } = adapted?.adapter ?? { plan: null, parameters: null };
      const runner = new ModelRunner(adapted?.model ?? model, plan, parameters, { device, threads });
      return new TextWriter(model, tokenizer, runner, adapted);
    } catch (error) {
      adapted?.close();
      model.checkpoint.close();
      throw error;
    }
  }

  get hasChatTemplate(): boolean {
    return this.tokenizer.chatTemplate !== undefined;
  }

  /** Throws `input/refused` for a prompt the model cannot continue, `cancelled` between two tokens. */
  async write(prompt: GeneratePrompt, settings: GenerateSettings, options: WriteOptions): Promise<GeneratedText> {
    const { tokenizer, model } = this;
    const { maxNewTokens, sampling } = settings;
    const promptIds = this.tokensOf(prompt);
    const stream = new TextStream(tokenizer, options.onText);
    const begin = performance.now();
    let first = begin;
    const ids = await generate(this.runner, promptIds, {
      maxNewTokens,
      stopIds: tokenizer.stopIds,
      ...(sampling && { sampling }),
      signal: options.signal,
      onToken: (id) => {
        if (first === begin) first = performance.now();
        stream.add(id);
      },
    });
    const end = performance.now();
    stream.end();
    const isFull = ids.length === maxNewTokens || promptIds.length + ids.length === model.config.maxLength;
    return {
      text: textOf(tokenizer, ids),
      tokens: ids.length,
      promptTokens: promptIds.length,
      stopped: isFull ? 'length' : 'end',
      firstTokenSeconds: (first - begin) / 1000,
      seconds: (end - first) / 1000,
    };
  }

  async dispose(): Promise<void> {
    await this.runner.dispose();
    this.adapted?.close();
    this.model.checkpoint.close();
  }

  private tokensOf(prompt: GeneratePrompt): readonly number[] {
    const { tokenizer } = this;
    if (prompt.kind === 'text') return promptTokens(prompt.text, tokenizer, { isRaw: true });
    if (!tokenizer.chatTemplate) {
      const message = l10n.t('{0} has no chat template; give the prompt as plain text', this.model.dir);
      throw new KernelError('input/refused', message);
    }
    const { system, user } = prompt;
    return promptTokens(user, tokenizer, system === undefined ? {} : { system });
  }
}

/** What a person may ask of a checkpoint, without opening its weights. */
export function aboutCheckpoint(base: string): { readonly hasChatTemplate: boolean; readonly maxLength: number } {
  const model = openBaseModel(base);
  model.checkpoint.close();
  refuseWriting(model);
  return { hasChatTemplate: loadTokenizer(base).chatTemplate !== undefined, maxLength: model.config.maxLength };
}

/** Writers that were used last, kept open: a person asks the same models again and again. */
export class WriterShelf {
  private readonly writers = new Map<string, { readonly opening: Promise<TextWriter>; users: number }>();

  constructor(private readonly kept: number) {}

  /** Opens a writer or takes the one that is open, and keeps it from being closed while `use` works with it. */
  async with<T>(options: WriterOptions, use: (writer: TextWriter) => Promise<T>): Promise<T> {
    const key = JSON.stringify([options, stampOf(options.base), stampOf(options.adapter)]);
    const entry = this.writers.get(key) ?? { opening: TextWriter.open(options), users: 0 };
    // Last used goes last: the map's order is the order in which they are closed.
    this.writers.delete(key);
    this.writers.set(key, entry);
    entry.users++;
    try {
      return await use(await entry.opening);
    } finally {
      entry.users--;
      await this.closeUnused();
    }
  }

  private async closeUnused(): Promise<void> {
    for (const [key, { opening, users }] of this.writers) {
      const writer = await opening.catch(() => undefined);
      if (users > 0 || (writer && this.writers.size <= this.kept)) continue;
      if (this.writers.delete(key)) await writer?.dispose();
    }
  }
}

/** Another one when the weights or the adapter were written again: a run replaces its checkpoints. */
function stampOf(dir: string | undefined): string {
  const files = ['model.safetensors', 'config.json', 'adapter_model.safetensors', 'adapter_config.json'];
  return files
    .map((name) => (dir === undefined ? '' : path.join(dir, name)))
    .map((file) => (existsSync(file) ? `${statSync(file).mtimeMs} ${statSync(file).ino}` : ''))
    .join(' ');
}

const textOf = (tokenizer: Pick<CheckpointTokenizer, 'decode'>, ids: readonly number[]): string =>
  tokenizer.decode(ids, { skipSpecialTokens: true });

/** A character of UTF-8 has four bytes at most: of an unfinished one at most three are there, each shown as U+FFFD at worst. */
const MOST_UNFINISHED = 3;

/** Text as tokens come: a character may need several tokens, so what may still become one waits. */
export class TextStream {
  private readonly ids: number[] = [];
  private shown = 0;

  constructor(
    private readonly tokenizer: Pick<CheckpointTokenizer, 'decode'>,
    private readonly write: (text: string) => void,
  ) {}

  add(id: number): void {
    this.ids.push(id);
    const text = textOf(this.tokenizer, this.ids);
    const unfinished = /\ufffd*$/.exec(text)?.[0].length ?? 0;
    this.show(text.slice(0, text.length - Math.min(unfinished, MOST_UNFINISHED)));
  }

  end(): void {
    this.show(textOf(this.tokenizer, this.ids));
  }

  private show(text: string): void {
    if (text.length > this.shown) this.write(text.slice(this.shown));
    this.shown = Math.max(this.shown, text.length);
  }
}
