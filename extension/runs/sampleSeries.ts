/** @file What the model wrote after each of the configuration's prompts, step by step. */
import type { SampleRecord } from '../../kernels/protocol/types';

export class SampleSeries {
  /** By step, then by place of the prompt; a step that is written again (after a resume) replaces the older one. */
  private readonly byStep = new Map<number, Map<number, SampleRecord>>();
  private readonly promptTexts = new Map<number, string>();

  append(record: SampleRecord): void {
    let records = this.byStep.get(record.step);
    if (!records) this.byStep.set(record.step, (records = new Map<number, SampleRecord>()));
    records.set(record.index, record);
    this.promptTexts.set(record.index, record.prompt);
  }

  /** Steps ascending; prompts in the order of the configuration. */
  list(): { readonly steps: readonly number[]; readonly prompts: readonly { index: number; prompt: string }[] } {
    return {
      steps: [...this.byStep.keys()].sort((a, b) => a - b),
      prompts: [...this.promptTexts].map(([index, prompt]) => ({ index, prompt })).sort((a, b) => a.index - b.index),
    };
  }

  /** The samples of these steps, in the order asked for; a step without samples has none. */
  at(steps: readonly number[]): readonly SampleRecord[] {
    return [...new Set(steps)].flatMap((step) => [...(this.byStep.get(step)?.values() ?? [])]);
  }
}
