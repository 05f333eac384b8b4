/** @file Which texts are found in a source. */
import { describe, expect, it } from 'vitest';
import { findTexts } from './findTexts.mjs';

describe('the texts of a source', () => {
  it('are those of l10n.t, wherever it is called, in any kind of literal', () => {
    const source = "f(l10n.t('one {0}', x)); html`<p>${vscode.l10n.t(\"it's two\")}</p>`; l10n.t(`three`);";
    expect(Object.keys(findTexts(source))).toEqual(['one {0}', "it's two", 'three']);
  });

  it('are found in the values of other texts', () => {
    expect(Object.keys(findTexts("l10n.t('a {0}', l10n.t('b'))"))).toEqual(['a {0}', 'b']);
  });

  it('have their comments in their keys', () => {
    expect(findTexts("l10n.t({ message: 'Log', args: [1], comment: 'a scale' })")).toEqual({
      'Log/a scale': { message: 'Log', comment: ['a scale'] },
    });
    expect(findTexts("l10n.t({ message: 'Log', comment: ['a ', 'file'] })")).toEqual({
      'Log/a file': { message: 'Log', comment: ['a ', 'file'] },
    });
  });

  it('keep what escapes stand for', () => {
    expect(findTexts(String.raw`l10n.t('a\n"b" \u2026')`)).toEqual({ 'a\n"b" …': 'a\n"b" …' });
  });

  it('are not what is known only at run time, nor what others call t', () => {
    expect(findTexts("l10n.t(label, 1); t('a'); other.t('b'); l10n.config('c'); // l10n.t('d')")).toEqual({});
  });
});
