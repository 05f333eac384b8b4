/** @file Samples that would teach a model to say nothing. */
import type { Sample } from '../data/samples';

/** Whether there is text to learn and all of it is white space. */
export function learnsOnlySpace(sample: Sample): boolean {
  switch (sample.kind) {
    case 'text':
      return sample.text.trim() === '';
    case 'completion':
      return sample.completion.trim() === '';
    case 'labelled':
      return sample.text.trim() === '' && (sample.pair ?? '').trim() === '';
    case 'instruction':
      return sample.output.trim() === '';
    case 'messages': {
      const learnt = sample.messages.slice(sample.firstLearnt).filter(({ role }) => role === 'assistant');
      const isBlank = (content: unknown) => typeof content === 'string' && content.trim() === '';
      return learnt.length > 0 && learnt.every((turn) => isBlank(turn.content) && turn['tool_calls'] === undefined);
    }
  }
}
