/** @file Several changes by key path become one replacement, and what they do not touch stays as it is. */
import { describe, expect, it } from 'vitest';
import { apply } from '../../../extension/editors/configText';
import { keyEdits } from '../../../extension/editors/keyEdits';
import type { KeyEdit } from '../../../kernels/protocol/errors';

const text = '# top\nadapter:\n  r: 8 # rank\n  sead: 7\n  target_modules: [q_proj, v_prj] # two\ntraining: {}\n';

function edited(edits: readonly KeyEdit[], before = text): string | undefined {
  const replacement = keyEdits(before, edits);
  return replacement && apply(before, replacement);
}

describe('edits by key path', () => {
  it('rename a key and leave value and comments', () => {
    expect(edited([{ kind: 'rename', path: ['adapter', 'r'], key: 'rank' }])).toBe(text.replace('r: 8', 'rank: 8'));
    expect(edited([{ kind: 'rename', path: ['adapter'], key: 'adaptor' }])).toBe(text.replace('adapter:', 'adaptor:'));
    expect(edited([{ kind: 'rename', path: ['a'], key: 'b' }], '{ "a": 1, c: 2 }')).toBe('{ b: 1, c: 2 }');
  });

  it('move a key from one section to another as one replacement', () => {
    const move: KeyEdit[] = [
      { kind: 'remove', path: ['adapter', 'sead'] },
      { kind: 'set', path: ['training', 'seed'], value: 7 },
    ];
    expect(edited(move)).toBe(text.replace('  sead: 7\n', '').replace('training: {}', 'training: {seed: 7}'));
  });

  it('change one entry of a list', () => {
    const edit: KeyEdit = { kind: 'set', path: ['adapter', 'target_modules', 1], value: 'v_proj' };
    expect(edited([edit])).toBe(text.replace('v_prj', 'v_proj'));
  });

  it('do nothing when what they are about is gone, and are refused in a text that is not YAML', () => {
    expect(edited([{ kind: 'rename', path: ['adapter', 'gone'], key: 'x' }])).toBeUndefined();
    expect(edited([{ kind: 'remove', path: ['gone'] }])).toBeUndefined();
    expect(() => edited([{ kind: 'set', path: ['a'], value: 1 }], 'a: [')).toThrow(/not valid YAML/);
  });
});
