/** @file What a record of activity says where it gives no verdict. */
import { expect, test } from 'vitest';
import { noteInWords } from '../../../../kernels/protocol/activity';
import type { ActivityRecord, ActivityVerdict } from '../../../../kernels/protocol/types';
import { withNote } from '../../../../kernels/trainer/activity/verdictNotes';

const record = (verdict: ActivityVerdict): ActivityRecord => ({
  step: 1,
  verdict,
  figures: [{ id: 'moved', label: 'Moved', unit: 'share', value: 0.5, verdict, rule: 'all', rule_values: [] }],
});
const [settled, few] = [
  { updates: 9, isEnd: true, divergence: null },
  { updates: 1, isEnd: true, divergence: null },
];
const diverged = { ...settled, divergence: { of: 'train', before: 0.6374, now: 13.958 } } as const;

test('a rule that a diverged model does not meet is left open, with both losses', () => {
  const noted = withNote(record('red'), diverged);
  expect([noted.verdict, noted.figures[0]?.verdict]).toEqual(['pending', 'pending']);
  expect(noteInWords(noted)).toMatch(/^The loss is 13\.96; before training it was 0\.6374\. .*learning_rate/);
  expect(withNote(record('green'), diverged)).toEqual(record('green'));
  expect(withNote(record('red'), settled)).toEqual(record('red'));
});

test('a run that ends before its rules can be judged says after how many updates they can', () => {
  expect(noteInWords(withNote(record('pending'), few))).toMatch(/^Updates of the adapter .*: 1; .* after 3 only/);
  expect(withNote(record('pending'), { ...few, isEnd: false })).toEqual(record('pending'));
  expect(withNote(record('pending'), settled)).toEqual(record('pending'));
});
