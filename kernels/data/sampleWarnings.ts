/** @file What is odd about a sample as tokens: things that train without an error and give a worse model. */
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
    const what = lost > 0 ? `, ${lost} of them with loss, the end among them` : '';
    const message = `max_length ${maxLength} cuts off ${ids.length - maxLength} of ${ids.length} tokens${what}`;
    warnings.push({ kind: 'cut', message });
  }
  if (supervised === 0) {
    const why = wasCut && lost > 0 ? 'max_length leaves none of the tokens that carry loss' : 'no token carries loss';
    return [...warnings, { kind: 'no-loss', message: `${why}; training leaves this sample out` }];
  }
  const end = lastWord(ids, loss, tokenizer);
  if (end === undefined || tokenizer.stopIds.has(end)) return warnings;
  const name = JSON.stringify(tokenizer.idToToken(end) ?? String(end));
  const stops = [...tokenizer.stopIds].map((id) => JSON.stringify(tokenizer.idToToken(id))).join(' or ');
  const message = tokenizer.isSpecial(end)
    ? `the answer ends with ${name}, which does not end generation; expected ${stops}, as the checkpoint says`
    : `no end token carries loss (the last token that does is ${name}); the model does not learn where to stop`;
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
    { kind: 'doubled-start', message: `the start token ${name} stands twice; the text or the template has its own` },
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
      warnings.push({ kind: 'unknown', message: `the tokenizer has no token for ${count} parts of the text` });
  }
  const beyond = ids.find((id) => id >= vocabularySize);
  if (beyond !== undefined) {
    const token = JSON.stringify(tokenizer.idToToken(beyond));
    const message = `the token ${token} has the id ${beyond}, and the model only ${vocabularySize} embeddings; training refuses it`;
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
      isMissing(content) ? [{ kind: 'dropped', message: `the template leaves out ${name}` } as const] : [],
    );
  }
  if (sample.kind !== 'messages') return [];
  const lastAnswer = sample.messages.findLastIndex(({ role }) => role === 'assistant');
  if (lastAnswer < 0) {
    const message = 'there is no message of the assistant, so there is nothing to learn and nothing is read';
    return [{ kind: 'dropped', message }];
  }
  return sample.messages.flatMap(({ role, content }, i): TokenWarning[] => {
    if (typeof content !== 'string' || !isMissing(content)) return [];
    const isBehind = i > lastAnswer && lossOn !== 'all';
    const why = isBehind
      ? 'comes after the last answer and is left out'
      : 'is not written by the chat template as it is';
    return [{ kind: 'dropped', message: `message ${i + 1} (${role}) ${why}` }];
  });
}
