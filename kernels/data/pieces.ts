/**
 * @file From a sample to pieces of text, each with or without loss. Pieces are tokenised one by one, so that a token
 * never reaches from a prompt into its answer.
 */
import * as l10n from '@vscode/l10n';
import type { ChatMessage, ChatTemplate } from '../formats/chatTemplate';
import type { RowFault, Sample } from './samples';

export type LossOn = 'completion' | 'all';

export interface Piece {
  readonly text: string;
  readonly carriesLoss: boolean;
  /** Loss only up to and including the last end-of-turn token; what the template writes after it is not learnt. */
  readonly endsTurn?: boolean;
}

export interface Pieces {
  readonly pieces: readonly Piece[];
  /** Whether the tokenizer's start token and the end token are added; a chat template writes its own. */
  readonly addsStartAndEnd: boolean;
  /** Of a text, or a pair of them, with its label: the tokenizer's post-processor puts its special tokens around them. */
  readonly label?: string | number;
}

export interface PieceOptions {
  readonly lossOn: LossOn;
  readonly chatTemplate?: ChatTemplate;
  /** The day a template sees that asks for it. */
  readonly now: Date;
}

/** Throws what the template throws; a template or sample that cannot be trained on comes back as a fault. */
export function piecesOf(sample: Sample, options: PieceOptions): Pieces | RowFault {
  const isAll = options.lossOn === 'all';
  switch (sample.kind) {
    case 'text':
      return { pieces: [{ text: sample.text, carriesLoss: true }], addsStartAndEnd: true };
    case 'completion':
      return joined(sample.prompt, sample.completion, isAll);
    case 'instruction': {
      if (!options.chatTemplate) return joined(alpacaPrompt(sample.instruction, sample.input), sample.output, isAll);
      const question = sample.input === '' ? sample.instruction : `${sample.instruction}\n\n${sample.input}`;
      const messages = [
        { role: 'user', content: question },
        { role: 'assistant', content: sample.output },
      ];
      return turns({ kind: 'messages', messages, firstLearnt: 0, tools: null }, options);
    }
    case 'messages':
      return turns(sample, options);
    case 'labelled': {
      const texts = sample.pair === null ? [sample.text] : [sample.text, sample.pair];
      return {
        pieces: texts.map((text) => ({ text, carriesLoss: false })),
        addsStartAndEnd: false,
        label: sample.label,
      };
    }
  }
}

function joined(prompt: string, completion: string, isAll: boolean): Pieces {
  return {
    pieces: [
      { text: prompt, carriesLoss: isAll },
      { text: completion, carriesLoss: true },
    ],
    addsStartAndEnd: true,
  };
}

/** The text of Stanford Alpaca (train.py, PROMPT_DICT), for models without a chat template. */
function alpacaPrompt(instruction: string, input: string): string {
  const opening = 'Below is an instruction that describes a task';
  const request = 'Write a response that appropriately completes the request.';
  return input === ''
    ? `${opening}. ${request}\n\n### Instruction:\n${instruction}\n\n### Response:`
    : `${opening}, paired with an input that provides further context. ${request}\n\n` +
        `### Instruction:\n${instruction}\n\n### Input:\n${input}\n\n### Response:`;
}

/**
 * A conversation turn by turn. For assistant turn i, `before` is the conversation up to it with the generation prompt
 * and `upto` the conversation including it; what `upto` adds to `before` is what the model has to learn to write.
 */
function turns(sample: Extract<Sample, { kind: 'messages' }>, options: PieceOptions): Pieces | RowFault {
  const { messages, firstLearnt, tools } = sample;
  const { chatTemplate, lossOn, now } = options;
  if (!chatTemplate) {
    const expected = l10n.t('write chat_template in its tokenizer_config.json, or use prompt and completion as text');
    return { where: 'messages', found: l10n.t('the checkpoint has no chat template'), expected, concernsAll: true };
  }
  const render = (turns: readonly ChatMessage[], addGenerationPrompt: boolean) =>
    chatTemplate.render(turns, { addGenerationPrompt, tools, now });
  const pieces: Piece[] = [];
  let done = '';
  for (const [i, message] of messages.entries()) {
    if (message.role !== 'assistant') continue;
    const before = render(messages.slice(0, i), true);
    const upto = render(messages.slice(0, i + 1), false);
    if (!before.startsWith(done)) return notTurnByTurn(i, l10n.t('changes earlier turns when later ones follow'));
    if (!upto.startsWith(before)) return notTurnByTurn(i, l10n.t('does not begin the turn with its generation prompt'));
    pieces.push({ text: before.slice(done.length), carriesLoss: lossOn === 'all' });
    const isLearnt = lossOn === 'all' || i >= firstLearnt;
    pieces.push({ text: upto.slice(before.length), carriesLoss: isLearnt, endsTurn: lossOn !== 'all' });
    done = upto;
  }
  if (lossOn === 'all') {
    const whole = render(messages, false);
    if (!whole.startsWith(done))
      return notTurnByTurn(messages.length - 1, l10n.t('changes earlier turns when later ones follow'));
    pieces.push({ text: whole.slice(done.length), carriesLoss: true });
  }
  return { pieces: pieces.filter((p) => p.text !== ''), addsStartAndEnd: false };
}

function notTurnByTurn(turn: number, what: string): RowFault {
  return {
    where: `messages.${turn}`,
    found: l10n.t('the chat template {0}, so it cannot be trained on turn by turn', what),
    expected: l10n.t('expected a template that only appends, or samples with prompt and completion as text'),
    concernsAll: true,
  };
}
