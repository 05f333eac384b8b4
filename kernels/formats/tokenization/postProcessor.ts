/** @file The post-processors of tokenizer.json: which special tokens surround a text, and how offsets are trimmed. */
import * as l10n from '@vscode/l10n';
import { KernelError } from '../../protocol/errors';
import { asId, asJson, builderOf, asList, type Json } from './json';

/** One step of a template: special tokens, or one of the two texts. */
export type TemplateItem =
  | { readonly kind: 'special'; readonly ids: readonly number[]; readonly typeId: number }
  | { readonly kind: 'text'; readonly which: 'A' | 'B'; readonly typeId: number };

export interface PostProcessor {
  readonly single: readonly TemplateItem[];
  readonly pair: readonly TemplateItem[];
  /** Byte-level tokens begin and end without their white space in the offsets. */
  readonly trim?: { readonly addsPrefixSpace: boolean };
}

const A = { kind: 'text', which: 'A', typeId: 0 } as const;
const B = { kind: 'text', which: 'B', typeId: 1 } as const;
const PLAIN: PostProcessor = { single: [A], pair: [A, B] };

const BUILDERS: Readonly<Record<string, (config: Json) => PostProcessor>> = {
  ByteLevel: (config) => ({ ...PLAIN, ...trimOf(config) }),
  TemplateProcessing: (config) => {
    const special = asJson(config['special_tokens'], 'post_processor.special_tokens');
    const read = (list: unknown) => asList(list, l10n.t('a template')).map((item) => templateItem(item, special));
    return { single: read(config['single']), pair: read(config['pair'] ?? []) };
  },
  RobertaProcessing: (config) => {
    const [cls, sep] = [specialOf(config, 'cls'), specialOf(config, 'sep')];
    const second = { ...B, typeId: 0 };
    return { single: [cls, A, sep], pair: [cls, A, sep, sep, second, sep], ...trimOf(config) };
  },
  BertProcessing: (config) => {
    const [cls, sep] = [specialOf(config, 'cls'), specialOf(config, 'sep')];
    return { single: [cls, A, sep], pair: [cls, A, sep, B, { ...sep, typeId: 1 }] };
  },
  Sequence: (config) => {
    const all = asList(config['processors'], 'post_processor.processors').map(buildPostProcessor);
    const templates = all.filter((p) => p.single.length > 1);
    if (templates.length > 1) {
      const message = l10n.t('tokenizer.json: several post-processors add special tokens; expected at most one');
      throw new KernelError('format/invalid', message);
    }
    const { single, pair } = templates[0] ?? PLAIN;
    const trim = all.find((p) => p.trim)?.trim;
    return { single, pair, ...(trim ? { trim } : {}) };
  },
};

export function buildPostProcessor(config: unknown): PostProcessor {
  if (config === null || config === undefined) return PLAIN;
  const json = asJson(config, 'post_processor');
  return builderOf(BUILDERS, 'post_processor', json['type'])(json);
}

/** White space that ByteLevel trims from the offsets of a token: Ġ, and what Rust calls white space. */
const TRIMMED = /^[\u0120\p{White_Space}]$/u;

/** Offsets of one byte-level token without its leading and trailing white space, as the original computes them. */
export function trimOffsets(
  token: string,
  [start, end]: readonly [number, number],
  isFirst: boolean,
  addsPrefixSpace: boolean,
): readonly [number, number] {
  const characters = [...token];
  const isKept = (c: string) => !TRIMMED.test(c);
  const firstKept = characters.findIndex(isKept);
  let leading = firstKept < 0 ? characters.length : firstKept;
  const trailing = firstKept < 0 ? characters.length : characters.length - 1 - characters.findLastIndex(isKept);
  // A single space there may be the added one, which is no part of the text; of several, none was added.
  if (leading === 1 && (isFirst || start === 0) && addsPrefixSpace) leading = 0;
  const from = leading > 0 ? Math.min(start + leading, end) : start;
  const to = trailing > 0 && end >= trailing ? Math.max(end - trailing, from) : end;
  return [from, to];
}

function trimOf(config: Json): Pick<PostProcessor, 'trim'> {
  if (config['trim_offsets'] === false) return {};
  return { trim: { addsPrefixSpace: config['add_prefix_space'] !== false } };
}

function specialOf(config: Json, key: 'cls' | 'sep') {
  const id = asId(asList(config[key], `post_processor.${key}`)[1], l10n.t('the id of post_processor.{0}', key));
  return { kind: 'special', ids: [id], typeId: 0 } as const;
}

function templateItem(item: unknown, specialTokens: Json): TemplateItem {
  const json = asJson(item, l10n.t('a template item'));
  if ('Sequence' in json) {
    const text = asJson(json['Sequence'], 'Sequence');
    return { kind: 'text', which: text['id'] === 'B' ? 'B' : 'A', typeId: Number(text['type_id'] ?? 0) };
  }
  const special = asJson(json['SpecialToken'], 'SpecialToken');
  const token = asJson(specialTokens[String(special['id'])], l10n.t('special token {0}', String(special['id'])));
  const ids = asList(token['ids'], l10n.t('special token ids')).map((id) =>
    asId(id, l10n.t('an id of {0}', String(special['id']))),
  );
  return { kind: 'special', ids, typeId: Number(special['type_id'] ?? 0) };
}
