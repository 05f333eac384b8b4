/** @file Share of held-out questions that a model answers letter for letter, by greedy generation. */
import { readFileSync } from 'node:fs';
import { loadAdapter } from '../../../kernels/adapters/adapterFile';
import { loadTokenizer } from '../../../kernels/formats/tokenizer';
import { openBaseModel } from '../../../kernels/models/baseModel';
import { physicalCores } from '../../../kernels/runtime/devices';
import { generateAll } from '../../../kernels/trainer/generate';
import { ModelRunner } from '../../../kernels/trainer/runner';

interface Conversation {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

export interface Answers {
  readonly right: number;
  readonly count: number;
  /** The first few, as they came. */
  readonly examples: readonly { readonly question: string; readonly answer: string; readonly expected: string }[];
}

/** Asks every question of a `messages` file and compares with its last turn. */
export async function exactMatch(base: string, adapterDir: string | null, questions: string): Promise<Answers> {
  const model = openBaseModel(base);
  const tokenizer = loadTokenizer(base);
  const template = tokenizer.chatTemplate;
  if (!template) throw new Error(`${base} has no chat template`);
  const adapter = adapterDir === null ? null : loadAdapter(adapterDir, model);
  const runner = new ModelRunner(model, adapter?.plan ?? null, adapter?.parameters ?? null, {
    device: 'cpu',
    threads: physicalCores(),
  });
  try {
    const conversations = readFileSync(questions, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Conversation);
    const prompts = conversations.map(({ messages }) =>
      tokenizer.encode(template.render(messages.slice(0, -1), { addGenerationPrompt: true })),
    );
    const answers = await generateAll(runner, prompts, {
      maxNewTokens: 24,
      stopIds: new Set(tokenizer.stopIds),
      batchSize: 48,
    });
    const results = conversations.map(({ messages }, i) => ({
      question: messages.at(-2)?.content ?? '',
      expected: messages.at(-1)?.content ?? '',
      answer: tokenizer.decode(answers[i] ?? []).trim(),
    }));
    const right = results.filter(({ answer, expected }) => answer === expected.trim()).length;
    return { right, count: results.length, examples: results.slice(0, 3) };
  } finally {
    await runner.dispose();
    model.checkpoint.close();
  }
}
