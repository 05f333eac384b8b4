/** @file The host of the page of tokens in the harness: samples of made-up tokens. `?set=long` gives 4,000 of them. */
import type { SampleGoal, SampleToken, SampleTokens, TokenWarning } from '../../../kernels/protocol/calls/tokens';
import { KernelError } from '../../../kernels/protocol/errors';
import type { TokensPage } from '../../../webview/protocol/tokens';
import { serveAsEditor } from './fakeEditor';

const query = new URLSearchParams(location.search);
const isLong = query.get('set') === 'long';
const calls: { readonly method: string; readonly params: unknown }[] = [];
Object.assign(window, { hostCalls: calls });
const failing = new Set(query.getAll('fail'));
/** The number of the row that is no sample. */
const BROKEN = 5;
const COUNT = 696;
let maxLength = 64;
let revision = 1;

function note<T>(method: string, params: unknown, answer: () => T): T {
  calls.push({ method, params });
  if (failing.has(method)) throw new Error('data.train: there is no such file');
  return answer();
}

const server = serveAsEditor<TokensPage>({
  'page/open': (params) => note('page/open', params, snapshot),
  'tokens/show': (params) =>
    note('tokens/show', params, () => {
      const number = find(params.goal);
      const sample = number === null ? null : sampleOf(number, params.set);
      return { sample, count: COUNT, sets: ['train', 'eval'] as const };
    }),
  'tokens/lengths': (params) =>
    note('tokens/lengths', params, () => ({
      samples: COUNT,
      unreadable: 1,
      maxLength,
      longest: isLong ? 5000 : 61,
      mean: 27,
      cut: 3,
      tokens: 18_792,
      loss: 6_264,
      warnings: { cut: 3, 'no-loss': 1 },
      binWidth: isLong ? 128 : 2,
      bins: Array.from({ length: isLong ? 40 : 31 }, (_, i) => Math.round(90 * Math.exp(-((i - 13) ** 2) / 30))),
    })),
  'sample/open': (params) => note('sample/open', params, () => undefined),
  'save/png': (params) => note('save/png', params, () => undefined),
});
/** What editing max_length does. */
Object.assign(window, {
  editMaxLength: (value: number) => {
    maxLength = value;
    revision++;
    server.emit('config/changed', snapshot());
  },
});

function snapshot() {
  return { config: 'file:///questions.adapter.yaml', name: 'questions.adapter.yaml', revision };
}

function find(goal: SampleGoal): number | null {
  if (goal.to === 'number') return goal.number;
  if (goal.to === 'random') return 42;
  if (goal.to === 'longest') return 17;
  const { query: wanted = '', from, withWarning = false } = goal as Extract<SampleGoal, { to: 'next' | 'previous' }>;
  if (withWarning) return from < 17 ? 17 : null;
  if (wanted !== '') return wanted === 'sodium' && from < 7 ? 7 : null;
  const number = goal.to === 'next' ? from + 1 : from - 1;
  return number < 1 || number > COUNT ? null : number;
}

function sampleOf(number: number, set: string): SampleTokens {
  if (number === BROKEN)
    throw new KernelError('input/refused', 'train.jsonl:5: messages: found nothing; expected a list of messages');
  const place = { sample: number, file: `/home/me/${set}.jsonl`, line: number, format: 'messages' };
  const all = isLong ? longTokens() : chatTokens();
  const tokens = all.slice(0, maxLength);
  const isCut = tokens.length < all.length;
  const text = all.map((t) => t.text).join('');
  const warnings: TokenWarning[] = isCut
    ? [
        { kind: 'cut', message: `max_length ${maxLength} cuts off ${all.length - maxLength} of ${all.length} tokens` },
        { kind: 'end-without-loss', message: 'no end token carries loss; the model does not learn where to stop' },
      ]
    : [];
  return {
    ...place,
    text,
    tokens,
    cut: isCut
      ? {
          at: tokens.length,
          total: all.length,
          rest: all
            .slice(maxLength)
            .map((t) => t.text)
            .join(''),
        }
      : null,
    warnings,
    counts: {
      tokens: tokens.length,
      loss: tokens.filter((t) => t.loss).length,
      special: tokens.filter((t) => t.special).length,
      total: all.length,
    },
  };
}

function token(id: number, text: string, more: Partial<SampleToken> = {}): SampleToken {
  return { id, text, token: text.replace(' ', 'Ġ').replace('\n', 'Ċ'), loss: false, special: false, ...more };
}

function chatTokens(): SampleToken[] {
  const end = (loss: boolean) => token(0, '<|end|>', { special: true, loss, role: 'end' });
  const learnt = (id: number, text: string) => token(id, text, { loss: true });
  return [
    token(1, '<|user|>', { special: true }),
    token(202, '\n'),
    ...['What', ' is', ' the', ' symbol', ' of', ' sodium', '?'].map((text, i) => token(260 + i, text)),
    token(300, ' 😀'),
    token(140, '\ufffd', { bytes: '20 e2 82', token: 'Ġâ‚' }),
    token(141, '\ufffd', { bytes: 'ac', token: '¬' }),
    token(142, '\t\u200b'),
    end(false),
    token(202, '\n'),
    token(2, '<|assistant|>', { special: true }),
    token(202, '\n'),
    ...['The', ' symbol', ' of', ' sodium', ' is', ' Na', '.'].map((text, i) => learnt(274 + i, text)),
    end(true),
    token(202, '\n'),
  ];
}

function longTokens(): SampleToken[] {
  maxLength = 4096;
  const words = ['the', ' river', ' runs', ' north', ',', ' and', ' the', ' wind', ' turns', '.\n'];
  return Array.from({ length: 5000 }, (_, i) => token(300 + (i % 10), words[i % 10] ?? '', { loss: i > 2000 }));
}
