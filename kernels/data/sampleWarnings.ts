/** @file What is odd about a sample as tokens: things that train without an error and give a worse model. */
import * as l10n from '@vscode/l10n';
import type { CheckpointTokenizer } from '../formats/tokenizer';
import type { TokenWarning } from '../protocol/calls/tokens';
import { cutTokens, type PlacedTokens } from './encodeSample';
import type { LossOn, Pieces } from './pieces';
import type { Sample } from './samples';

export interface SampleContext {
  readonly tokenizer: CheckpointTokenizer;
  readonly lossOn: LossOn;
  readonly maxLength: number;
  /** Tokens the model has embeddings for. */
  readonly vocabularySize?: number;
}

export function sampleWarnings(
  sample: Sample,
  source: Pieces,
  placed: PlacedTokens,
  context: SampleContext,
): TokenWarning[] {
  return [
    ...lossWarnings(placed, context),
    ...startWarnings(placed, context),
    ...unknownWarnings(source, placed, context),
    ...droppedWarnings(sample, source, context),
  ];
}

function lossWarnings(placed: PlacedTokens, { tokenizer, maxLength }: SampleContext): TokenWarning[] {
  const { ids, loss } = placed;
  const warnings: TokenWarning[] = [];
  const { wasCut, supervised } = cutTokens(placed, maxLength);
  const lost = loss.slice(maxLength).reduce((n, l) => n + l, 0);
  if (wasCut) {
    const [cut, all] = [ids.length - maxLength, ids.length];
    const message =
      lost > 0
        ? l10n.t(
            'max_length {0} cuts off {1} of {2} tokens, {3} of them with loss, the end among them',
            maxLength,
            cut,
            all,
            lost,
          )
        : l10n.t('max_length {0} cuts off {1} of {2} tokens', maxLength, cut, all);
    warnings.push({ kind: 'cut', message });
  }
  if (supervised === 0) {
    const message =
      wasCut && lost > 0
        ? l10n.t('max_length leaves none of the tokens that carry loss; training leaves this sample out')
        : l10n.t('no token carries loss; training leaves this sample out');
    return [...warnings, { kind: 'no-loss', message }];
  }
  const end = lastWord(ids, loss, tokenizer);
  if (end === undefined || tokenizer.stopIds.has(end)) return warnings;
  const name = JSON.stringify(tokenizer.idToToken(end) ?? String(end));
  const stops = [...tokenizer.stopIds].map((id) => JSON.stringify(tokenizer.idToToken(id))).join(l10n.t(' or '));
  const message = tokenizer.isSpecial(end)
    ? l10n.t(
        'the answer ends with {0}, which does not end generation; expected {1}, as the checkpoint says',
        name,
        stops,
      )
    : l10n.t(
        'no end token carries loss (the last token that does is {0}); the model does not learn where to stop',
        name,
      );
  return [...warnings, { kind: 'end-without-loss', message }];
}

/** The last token with loss that is not white space: what stands behind the end of a turn in some templates. */
function lastWord(ids: readonly number[], loss: readonly number[], tokenizer: CheckpointTokenizer): number | undefined {
  for (let t = ids.length - 1; t > 0; t--) {
    const id = ids[t];
    if (loss[t] !== 1 || id === undefined) continue;
    if (tokenizer.isSpecial(id) || tokenizer.stopIds.has(id) || tokenizer.decode([id]).trim() !== '') return id;
  }
  return ids[loss.lastIndexOf(1)];
}

function startWarnings({ ids }: PlacedTokens, { tokenizer }: SampleContext): TokenWarning[] {
  const [first, second] = ids;
  const isStart = first !== undefined && (first === tokenizer.bosId || tokenizer.startIds.includes(first));
  if (!isStart || first !== second) return [];
  const name = JSON.stringify(tokenizer.idToToken(first));
  return [
    {
      kind: 'doubled-start',
      message: l10n.t('the start token {0} stands twice; the text or the template has its own', name),
    },
  ];
}

function unknownWarnings(
  { pieces }: Pieces,
  { ids }: PlacedTokens,
  { tokenizer, vocabularySize = Infinity }: SampleContext,
): TokenWarning[] {
  const warnings: TokenWarning[] = [];
  const name = tokenizer.names['unk_token'];
  const unknown = name === undefined ? undefined : tokenizer.tokenToId(name);
  const isItsOwn = unknown !== undefined && unknown !== tokenizer.eosId && unknown !== tokenizer.bosId;
  if (name !== undefined && isItsOwn && !pieces.some((piece) => piece.text.includes(name))) {
    const count = ids.filter((id) => id === unknown).length;
    if (count > 0)
      warnings.push({
        kind: 'unknown',
        message: l10n.t('the tokenizer has no token for {0} parts of the text', count),
      });
  }
  const beyond = ids.find((id) => id >= vocabularySize);
  if (beyond !== undefined) {
    const token = JSON.stringify(tokenizer.idToToken(beyond));
    const message = l10n.t(
      'the token {0} has the id {1}, and the model only {2} embeddings; training refuses it',
      token,
      beyond,
      vocabularySize,
    );
    warnings.push({ kind: 'unknown', message });
  }
  return warnings;
}

/** Contents that the rendered text does not hold. Templates trim what they write, so the ends do not count. */
function droppedWarnings(sample: Sample, { pieces }: Pieces, { lossOn }: SampleContext): TokenWarning[] {
  const text = pieces.map((piece) => piece.text).join('');
  const isMissing = (content: string): boolean => !text.includes(content.trim());
  if (sample.kind === 'instruction') {
    const parts = { instruction: sample.instruction, input: sample.input, output: sample.output };
    return Object.entries(parts).flatMap(([name, content]) =>
      isMissing(content) ? [{ kind: 'dropped', message: l10n.t('the template leaves out {0}', name) } as const] : [],
    );
  }
  if (sample.kind !== 'messages') return [];
  const lastAnswer = sample.messages.findLastIndex(({ role }) => role === 'assistant');
  if (lastAnswer < 0) {
    const message = l10n.t('there is no message of the assistant, so there is nothing to learn and nothing is read');
    return [{ kind: 'dropped', message }];
  }
  return sample.messages.flatMap(({ role, content }, i): TokenWarning[] => {
    if (typeof content !== 'string' || !isMissing(content)) return [];
    const isBehind = i > lastAnswer && lossOn !== 'all';
    const why = isBehind
      ? l10n.t('comes after the last answer and is left out')
      : l10n.t('is not written by the chat template as it is');
    return [{ kind: 'dropped', message: l10n.t('message {0} ({1}) {2}', i + 1, role, why) }];
  });
}
