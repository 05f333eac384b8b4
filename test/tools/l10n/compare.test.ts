/** @file What `npm run l10n -- check` finds in a translation. */
import { describe, expect, it } from 'vitest';
import { findings } from './compare.mjs';

describe('a translation', () => {
  it('may order its places as its language does', () => {
    expect(findings({ a: '{0} of {1}' }, { a: '{1} 중 {0}' })).toEqual([]);
    expect(findings({ 'a/b': { message: '{0}' } }, { 'a/b': '{0}개' })).toEqual([]);
  });

  it.each([
    ['lacks a text', { a: 'A' }, {}, 'not translated'],
    ['has an empty one', { a: 'A' }, { a: ' ' }, 'translated with nothing'],
    ['has one that nobody says', {}, { a: 'A' }, 'not used'],
    ['loses a place', { a: '{0} of {1}' }, { a: '{0}' }, 'other places'],
    ['links to another command', { a: '[Train](command:x)' }, { a: '[학습](command:y)' }, 'other places'],
    ['loses an icon', { a: '$(check) Done' }, { a: '완료' }, 'other places'],
  ])('that %s is found', (_, english, translated, expected) => {
    const [first = ''] = findings(english, translated);
    expect(first).toContain(expected);
  });
});
