/**
 * @file The tokenizer of a checkpoint folder: text to token ids and back, exactly as the tokenizer was trained. Reads
 * tokenizer.json (BPE, Unigram and WordPiece) and the names of the special tokens from the files beside it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as l10n from '@vscode/l10n';
import { KernelError } from '../protocol/errors';
import { readChatTemplate, type ChatTemplate } from './chatTemplate';
import { readJsonObject, readJsonText } from './jsonFile';
import { jsonValue, parseJson } from './jsonTree';
import { tokenIdProblem } from './tokenIds';
import { addedTokenSplitter, normalizedContent, parseAddedTokens, type AddedToken } from './tokenization/addedTokens';
import { AlignedText, codePointEnd } from './tokenization/alignedText';
import { buildBpe } from './tokenization/bpe';
import { buildDecoder, type Decoder } from './tokenization/decoder';
import { asJson, isJson, unsupported, type Json } from './tokenization/json';
import { cachedModel, type TokenModel } from './tokenization/model';
import { buildNormalizer, type Normalizer } from './tokenization/normalizer';
import { buildPostProcessor, trimOffsets, type PostProcessor } from './tokenization/postProcessor';
import { buildPreTokenizer, type PreTokenizer } from './tokenization/preTokenizer';
import { buildUnigram } from './tokenization/unigram';
import { buildWordPiece } from './tokenization/wordPiece';

/** Token ids with what each stands for. */
export interface Encoding {
  readonly ids: readonly number[];
  /** Tokens as in the vocabulary (`Ġworld`); an added token with the white space it took. */
  readonly tokens: readonly string[];
  /** Start and end of each token in the text, counted in Unicode code points; [0, 0] for added special tokens. */
  readonly offsets: readonly (readonly [number, number])[];
  /** 0 or 1 for each token: which of two texts it belongs to, as the template says. */
  readonly typeIds: readonly number[];
}

export interface PlacedIds {
  readonly ids: readonly number[];
  readonly typeIds: readonly number[];
  readonly parts: readonly number[];
}

export interface EncodeOptions {
  /** Second text of a pair. */
  readonly pair?: string;
  /** Whether the post-processor adds its special tokens. Default true. */
  readonly addSpecialTokens?: boolean;
}

/** Names of special tokens as chat templates know them: `bos_token`, `eos_token`, `pad_token` … */
export type SpecialTokenNames = Readonly<Record<string, string>>;

export class CheckpointTokenizer {
  readonly #model: TokenModel;
  readonly #preTokenizer: PreTokenizer;
  readonly #postProcessor: PostProcessor;
  readonly #split: ReturnType<typeof addedTokenSplitter>;
  readonly #decoder: Decoder | undefined;
  readonly #tokens: (string | undefined)[] = [];
  readonly #ids: Map<string, number>;
  readonly #special: ReadonlySet<number>;
  /** What added tokens become in decoded text, where that is not their content. */
  readonly #decoded: ReadonlyMap<number, string>;

  /** Ids the post-processor puts before a text; empty where it adds no start token. */
  readonly startIds: readonly number[];
  /** Ids the post-processor puts behind a text. */
  readonly endIds: readonly number[];
  readonly bosId: number | undefined;
  /** The end token: what is added behind a text or a completion. */
  readonly eosId: number | undefined;
  /** Padding; the end token where there is no own one. */
  readonly padId: number;
  /** Tokens that end generation: the end token and those that generation_config.json and config.json name. */
  readonly stopIds: ReadonlySet<number>;

  /**
   * `file`: the parsed tokenizer.json. `names`: special tokens by name. `moreStopIds`: from the model's configuration.
   * `digest` identifies all of them, the template included. Throws `format/invalid` for a part that cannot be reproduced exactly.
   * Truncation and padding in the file are left out: they belong to whoever calls.
   */
  constructor(
    file: Json,
    readonly names: SpecialTokenNames,
    readonly digest: string,
    moreStopIds: readonly number[] = [],
    readonly chatTemplate?: ChatTemplate,
  ) {
    const added = parseAddedTokens(file['added_tokens']);
    this.#preTokenizer = buildPreTokenizer(file['pre_tokenizer']);
    this.#postProcessor = buildPostProcessor(file['post_processor']);
    const normalize = buildNormalizer(file['normalizer']);
    this.#split = addedTokenSplitter(added, normalize);
    this.#decoder = buildDecoder(file['decoder']);
    this.#model = cachedModel(buildModel(asJson(file['model'], 'model'), this.#preTokenizer.isByteLevel));
    this.#ids = new Map(this.#model.vocabulary);
    for (const [token, id] of this.#ids) this.#tokens[id] = token;
    for (const { content, id } of added) {
      if (content !== '') refuseOtherId(content, id, this.#ids);
      this.#ids.set(content, id);
      this.#tokens[id] = content;
    }
    this.#decoded = decodedTokens(added, normalize);
    this.#special = new Set(added.filter((t) => t.isSpecial).map((t) => t.id));

    const { single } = this.#postProcessor;
    const text = single.findIndex((item) => item.kind === 'text');
    this.startIds = single.slice(0, text).flatMap((item) => (item.kind === 'special' ? item.ids : []));
    this.endIds = single.slice(text + 1).flatMap((item) => (item.kind === 'special' ? item.ids : []));
    this.#refuseUnknownIds([...this.startIds, ...this.endIds]);
    this.bosId = this.#namedId('bos_token');
    this.eosId = this.#namedId('eos_token') ?? moreStopIds.find((id) => id >= 0);
    this.padId = this.#namedId('pad_token') ?? this.eosId ?? 0;
    this.stopIds = new Set([...(this.eosId === undefined ? [] : [this.eosId]), ...moreStopIds.filter((id) => id >= 0)]);
  }

  /** One more than the largest id. */
  get vocabularySize(): number {
    return this.#tokens.length;
  }

  /** Ids of a text, without special tokens of the post-processor; those written in the text are found. */
  encode(text: string): number[] {
    const ids: number[] = [];
    for (const { text: part, token } of this.#split(AlignedText.source(wellFormed(text), false))) {
      if (token) ids.push(token.id);
      else for (const word of this.#preTokenizer.split(part)) ids.push(...this.#model.encode(word.text).ids);
    }
    return ids;
  }

  /** Ids, tokens and offsets of a text or a pair of texts. */
  encodeWithOffsets(text: string, { pair, addSpecialTokens = true }: EncodeOptions = {}): Encoding {
    const texts = { A: this.#encodeTracked(text), B: pair === undefined ? undefined : this.#encodeTracked(pair) };
    const items = pair === undefined ? this.#postProcessor.single : this.#postProcessor.pair;
    const placed = items.flatMap((item) => {
      if (item.kind === 'text') return (texts[item.which] ?? []).map((t) => ({ ...t, typeId: item.typeId }));
      if (!addSpecialTokens) return [];
      return item.ids.map((id) => ({ id, token: this.#tokens[id] ?? '', offsets: NOWHERE, typeId: item.typeId }));
    });
    return {
      ids: placed.map((p) => p.id),
      tokens: placed.map((p) => p.token),
      offsets: placed.map((p) => p.offsets),
      typeIds: placed.map((p) => p.typeId),
    };
  }

  /**
   * Puts the special tokens of the post-processor around a text, or a pair of texts, that are tokens already. `parts`: which
   * text each token is of, -1 for an added one. Throws `format/invalid` where the tokenizer has no form for a pair.
   */
  place(text: readonly number[], pair?: readonly number[]): PlacedIds {
    const items = pair === undefined ? this.#postProcessor.single : this.#postProcessor.pair;
    if (pair !== undefined && items.filter((item) => item.kind === 'text').length < 2) {
      throw new KernelError(
        'format/invalid',
        l10n.t('tokenizer.json: its post_processor has no template for a pair of texts; expected one, or single texts'),
      );
    }
    const placed = items.flatMap((item) => {
      const { typeId } = item;
      const ids = item.kind === 'special' ? item.ids : item.which === 'A' ? text : (pair ?? []);
      const part = item.kind === 'special' ? -1 : item.which === 'A' ? 0 : 1;
      return ids.map((id) => ({ id, typeId, part }));
    });
    return {
      ids: placed.map(({ id }) => id),
      typeIds: placed.map(({ typeId }) => typeId),
      parts: placed.map(({ part }) => part),
    };
  }

  /** Text of token ids. Ids that are no token are left out; bytes that are no UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>, { skipSpecialTokens = false }: { readonly skipSpecialTokens?: boolean } = {}): string {
    const tokens: string[] = [];
    for (const id of ids) {
      const token = this.#decoded.get(id) ?? this.#tokens[id];
      if (token !== undefined && !(skipSpecialTokens && this.#special.has(id))) tokens.push(token);
    }
    return this.#decoder ? this.#decoder(tokens).join('') : tokens.join(' ');
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  #namedId(name: string): number | undefined {
    const token = this.names[name];
    if (token === undefined) return undefined;
    const id = this.#ids.get(token);
    if (id !== undefined) return id;
    const found = l10n.t('{0} is {1}, which is not in the vocabulary of tokenizer.json', name, token);
    throw new KernelError('format/invalid', l10n.t('{0}; expected one of its tokens', found));
  }

  #refuseUnknownIds(ids: readonly number[]): void {
    const unknown = ids.find((id) => this.#tokens[id] === undefined);
    if (unknown === undefined) return;
    const message = l10n.t(
      'the post_processor adds the id {0}, which is no token; expected ids of the vocabulary',
      unknown,
    );
    throw new KernelError('format/invalid', message);
  }

  #encodeTracked(given: string): PlacedToken[] {
    const text = wellFormed(given);
    const toCodePoint = codePointCounter(text);
    const placed: PlacedToken[] = [];
    const { trim } = this.#postProcessor;
    const add = (id: number, token: string, [start, end]: readonly [number, number]) => {
      const place = [toCodePoint(start), toCodePoint(end)] as const;
      const isFirst = placed.length === 0;
      placed.push({ id, token, offsets: trim ? trimOffsets(token, place, isFirst, trim.addsPrefixSpace) : place });
    };
    for (const { text: part, token } of this.#split(AlignedText.source(text, true))) {
      if (token) {
        add(token.id, part.text, part.sourceRange(0, part.length));
        continue;
      }
      for (const word of this.#preTokenizer.split(part)) {
        const { ids, ranges } = this.#model.encode(word.text);
        const toUnits = this.#preTokenizer.isByteLevel ? byteToUnit(word.text) : undefined;
        ids.forEach((id, i) => {
          const [start = 0, end = 0] = [ranges[2 * i], ranges[2 * i + 1]];
          const range = word.sourceRange(toUnits?.starts[start] ?? start, toUnits?.ends[end - 1] ?? end);
          add(id, this.#tokens[id] ?? '', range);
        });
      }
    }
    return placed;
  }
}

/**
 * The original takes no notice of the id that the file gives an added token: it is that of the vocabulary, or the next free
 * one. Where the two differ, the same text would have other tokens elsewhere.
 */
function refuseOtherId(content: string, id: number, ids: ReadonlyMap<string, number>): void {
  const expected = ids.get(content) ?? ids.size;
  if (id === expected) return;
  const found = l10n.t('the added token {0} has the id {1}', JSON.stringify(content), id);
  const why = ids.has(content)
    ? l10n.t('its id in the vocabulary')
    : l10n.t('the next free one, which other programs give it');
  throw new KernelError('format/invalid', l10n.t('{0}; expected {1}, {2}', found, expected, why));
}

interface PlacedToken {
  readonly id: number;
  readonly token: string;
  readonly offsets: readonly [number, number];
}

/** An added token that is looked for in normalised text is also decoded in its normalised form (tokenizers 0.23). */
function decodedTokens(added: readonly AddedToken[], normalize: Normalizer): ReadonlyMap<number, string> {
  return new Map(added.filter((t) => t.isNormalized).map((t) => [t.id, normalizedContent(t, normalize)]));
}

const NOWHERE = [0, 0] as const;
const MODELS = ['BPE', 'Unigram', 'WordPiece'];

function buildModel(config: Json, readsBytes: boolean): TokenModel {
  // Files written before the type was stored are BPE when they have merges.
  const type = config['type'] ?? (Array.isArray(config['merges']) ? 'BPE' : undefined);
  if (type === 'BPE') return buildBpe(config, readsBytes);
  if (type === 'Unigram' && !readsBytes) return buildUnigram(config);
  if (type === 'WordPiece' && !readsBytes) return buildWordPiece(config);
  throw unsupported('model', readsBytes && type === 'Unigram' ? l10n.t('Unigram over bytes') : type, MODELS);
}

/** The largest tokenizers have 40 MB. */
const MAX_BYTES = 400_000_000;

/**
 * Reads the tokenizer of a checkpoint folder. Throws `format/invalid` or `input/refused`, with the file in which the mistake
 * is, when there is none, or when a part of it is broken or of a kind that cannot be reproduced exactly.
 */
export function loadTokenizer(folder: string): CheckpointTokenizer {
  const path = join(folder, 'tokenizer.json');
  const text = readJsonText(path, l10n.t('expected the tokenizer of the checkpoint'), MAX_BYTES);
  const map = readJson(join(folder, 'special_tokens_map.json'));
  const config = readJson(join(folder, 'tokenizer_config.json'));
  const names = { ...specialTokenNames(map), ...specialTokenNames(config) };
  const stops = ['generation_config.json', 'config.json'].flatMap((name) => stopIdsOf(readJson(join(folder, name))));
  const template = readChatTemplate(folder, config.values, names);
  const rest = JSON.stringify([names, stops, template?.source]);
  const digest = createHash('sha256').update(text).update(rest).digest('hex');
  const file = parseLargeJson(text, path);
  try {
    return new CheckpointTokenizer(asJson(file, l10n.t('the file')), names, digest, stops, template);
  } catch (error) {
    throw refusedFile(error, path);
  }
}

/** A JSON object beside tokenizer.json; a file that is not there says nothing. */
interface SideFile {
  readonly path: string;
  readonly values: Json;
}

function readJson(path: string): SideFile {
  if (!existsSync(path)) return { path, values: {} };
  // The words of the other readers of that file, so that a mistake in it is one problem.
  const isConfig = basename(path) === 'config.json';
  const { node } = readJsonObject(
    path,
    isConfig ? l10n.t("expected the model's configuration") : l10n.t('expected a part of the checkpoint'),
  );
  return { path, values: jsonValue(node) as Json };
}

function specialTokenNames({ path, values }: SideFile): SpecialTokenNames {
  const names: Record<string, string> = {};
  for (const [key, value] of Object.entries(values)) {
    if (!/^(bos|eos|unk|sep|pad|cls|mask)_token$/.test(key) || value === null) continue;
    // A token is its text, or an object with its text and how it was added.
    const content = isJson(value) ? value['content'] : value;
    if (typeof content === 'string') names[key] = content;
    else throw invalid(path, key, l10n.t('is {0}', JSON.stringify(value)), l10n.t('expected the text of a token'));
  }
  return names;
}

/** Ids at which generation stops, by one of the model's own files. */
function stopIdsOf({ path, values }: SideFile): readonly number[] {
  const problem = tokenIdProblem(values['eos_token_id'], 'eos_token_id', path);
  if (problem) throw KernelError.invalid([problem]);
  return [values['eos_token_id'] ?? []].flat() as number[];
}

/** `JSON.parse` is many times faster than a reader that can say where a mistake is; that one is asked when there is one. */
function parseLargeJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    parseJson(text, path);
    throw new KernelError('internal', `${path} is read in two ways: ${String(cause)}`, { cause });
  }
}

/** What the parts of a tokenizer refuse, as a problem of their file; they know only what they read. */
function refusedFile(error: unknown, path: string): unknown {
  if (KernelError.is(error) && error.problems.length > 0) return error;
  if (KernelError.is(error, 'format/invalid')) {
    const [found = '', ...rest] = error.message.replace(/^tokenizer\.json: /, '').split('; ');
    return invalid(
      path,
      undefined,
      found,
      rest.length > 0 ? rest.join('; ') : l10n.t('expected a tokenizer that can be read'),
    );
  }
  // Nesting without end, in any of the parts that may contain others.
  if (error instanceof RangeError)
    return invalid(path, undefined, l10n.t('parts nested too deeply'), l10n.t('expected fewer nested parts'));
  return error;
}

function invalid(file: string, where: string | undefined, found: string, expected: string): KernelError {
  return KernelError.invalid([{ file, ...(where !== undefined && { where }), severity: 'error', found, expected }]);
}

/** Half a surrogate pair has no UTF-8; it is read as U+FFFD. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}

/** From positions in UTF-16 units to positions in code points; the same for text without surrogates. */
function codePointCounter(text: string): (unit: number) => number {
  if (!/[\u{10000}-\u{10ffff}]/u.test(text)) return (unit) => unit;
  const counts = new Int32Array(text.length + 1);
  let count = 0;
  for (let start = 0; start < text.length; count++) {
    const end = codePointEnd(text, start);
    counts.fill(count, start, end);
    start = end;
  }
  counts[text.length] = count;
  return (unit) => counts[unit] ?? count;
}

/** For each byte of the UTF-8 form, where its character starts and ends in UTF-16 units. */
function byteToUnit(text: string): { readonly starts: readonly number[]; readonly ends: readonly number[] } {
  const starts: number[] = [];
  const ends: number[] = [];
  for (let start = 0; start < text.length;) {
    const end = codePointEnd(text, start);
    const size = Buffer.byteLength(text.slice(start, end));
    for (let i = 0; i < size; i++) {
      starts.push(start);
      ends.push(end);
    }
    start = end;
  }
  return { starts, ends };
}
