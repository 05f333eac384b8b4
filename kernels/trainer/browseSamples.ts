/** @file The samples of a configuration, for looking at: its data files with its tokenizer, kept open between looks. */
import * as l10n from '@vscode/l10n';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ResolvedConfig } from '../config/loadConfig';
import { RowPlaces, SampleBrowser, type BrowseOptions } from '../data/sampleBrowser';
import type { SampleTask } from '../data/samples';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import { loadTokenizer } from '../formats/tokenizer';
import { sampleTask } from '../models/baseModel';
import { modelHeader } from '../models/modelHeader';
import type { SampleSet } from '../protocol/calls/tokens';
import { KernelError } from '../protocol/errors';

/** What a tokenizer is read from. */
const TOKENIZER_FILES =
  'tokenizer.json tokenizer_config.json special_tokens_map.json chat_template.jinja generation_config.json config.json'.split(
    ' ',
  );

/** The last few of each: a person looks at one sample after the other while the configuration changes. */
const KEPT = 4;

export class SampleShelf {
  private readonly tokenizers = new Kept<CheckpointTokenizer>();
  private readonly places = new Kept<Promise<RowPlaces>>();
  private readonly browsers = new Kept<Promise<SampleBrowser>>();

  /** The samples of one set. Throws `input/refused` when the configuration has no such set. */
  open(config: ResolvedConfig, set: SampleSet, options: BrowseOptions = {}): Promise<SampleBrowser> {
    const { data, model } = config;
    const files = set === 'train' ? data.train : data.eval;
    if (!files)
      throw new KernelError('input/refused', l10n.t('the configuration names no data.eval; give it, or look at train'));
    const tokenizerKey = keyOf(TOKENIZER_FILES.map((name) => path.join(model, name)));
    const tokenizer = this.tokenizers.get(tokenizerKey, () => loadTokenizer(model));
    const filesKey = keyOf(files);
    const vocabularySize = vocabularyOf(model);
    const task = taskOf(model);
    const now = new Date();
    const day = tokenizer.chatTemplate?.usesDate ? now.toISOString().slice(0, 10) : '';
    const key = JSON.stringify([
      tokenizerKey,
      filesKey,
      data.format,
      data.loss_on,
      data.max_length,
      vocabularySize,
      task,
      day,
    ]);
    return this.browsers.get(key, async () => {
      const rows = await this.places.get(filesKey, () => RowPlaces.read(files, options));
      const context = {
        ...{ files, format: data.format, lossOn: data.loss_on, maxLength: data.max_length },
        ...{ tokenizer, now, ...(vocabularySize !== undefined && { vocabularySize }) },
        ...(task && { task }),
      };
      return SampleBrowser.open(context, rows, options);
    });
  }
}

export const setsOf = ({ data }: ResolvedConfig): readonly SampleSet[] => (data.eval ? ['train', 'eval'] : ['train']);

/** What the samples are for; undefined for a model that cannot be opened, of which training says why. */
function taskOf(model: string): SampleTask | undefined {
  try {
    return sampleTask(modelHeader(model));
  } catch (error) {
    if (KernelError.is(error)) return undefined;
    throw error;
  }
}

/** `vocab_size` of the model, where its config.json can be read: looking at tokens needs no more of it. */
function vocabularyOf(model: string): number | undefined {
  try {
    const json: unknown = JSON.parse(readFileSync(path.join(model, 'config.json'), 'utf8'));
    const size = typeof json === 'object' && json !== null && 'vocab_size' in json ? json.vocab_size : undefined;
    return typeof size === 'number' ? size : undefined;
  } catch {
    // Training says what is wrong with it; the tokens are the same.
    return undefined;
  }
}

/** Changes when one of the files does. */
function keyOf(files: readonly string[]): string {
  return JSON.stringify(
    files.map((file) => {
      const stats = existsSync(file) ? statSync(file) : undefined;
      return [file, stats?.size, stats?.mtimeMs];
    }),
  );
}

/** A few values by key; what failed is not kept. */
class Kept<T> {
  private readonly values = new Map<string, T>();

  get(key: string, make: () => T): T {
    const known = this.values.get(key);
    const value = known ?? make();
    this.values.delete(key);
    this.values.set(key, value);
    if (value instanceof Promise) value.catch(() => this.values.get(key) === value && this.values.delete(key));
    for (const oldest of this.values.keys()) {
      if (this.values.size <= KEPT) break;
      this.values.delete(oldest);
    }
    return value;
  }
}
