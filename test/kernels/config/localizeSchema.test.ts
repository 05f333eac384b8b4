/** @file The schema in another language: every text that people read, and nothing that programs read. */
import { config } from '@vscode/l10n';
import { afterEach, describe, expect, it } from 'vitest';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { localizeSchema, schemaTexts } from '../../../kernels/config/localizeSchema';
import { buildConfigSchema } from '../../../kernels/config/schema';

const schema = buildConfigSchema(adapterMethods);
afterEach(() => config({ contents: {} }));

describe('the schema in another language', () => {
  it('has every text from the bundle and keeps keys, limits, defaults and choices', () => {
    config({ contents: Object.fromEntries(schemaTexts(schema).map((text) => [text, `⟦${text}⟧`])) });
    const translated = localizeSchema(schema);
    expect(schemaTexts(translated).filter((text) => !text.startsWith('⟦'))).toEqual([]);
    expect(JSON.parse(JSON.stringify(translated).replaceAll(/[⟦⟧]/g, ''))).toEqual(JSON.parse(JSON.stringify(schema)));
  });

  it('is English without a bundle, and where the bundle lacks a text', () => {
    expect(localizeSchema(schema)).toEqual(schema);
    config({ contents: { 'Learning rate': '학습률' } });
    const texts = schemaTexts(localizeSchema(schema));
    expect(texts).toContain('학습률');
    expect(texts).toContain('Base model');
  });
});
