/** @file The text of a new configuration is one that the engine accepts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { configText } from '../../../extension/editors/newConfigText';
import { configValues } from '../../../extension/editors/configText';
import { adapterMethods } from '../../../kernels/adapters/registry';
import { loadConfig } from '../../../kernels/config/loadConfig';

test('a new configuration has no problem', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'new-config-'));
  try {
    mkdirSync(path.join(folder, 'base'));
    writeFileSync(path.join(folder, 'base/config.json'), '{"model_type":"llama"}');
    writeFileSync(path.join(folder, 'my data: 1.jsonl'), '{"text":"a"}\n');
    const text = configText({ model: './base', train: './my data: 1.jsonl', maxLength: 256 });
    const { config, problems } = loadConfig(path.join(folder, 'a.adapter.yaml'), { methods: adapterMethods, text });
    expect(problems).toEqual([]);
    expect(config).toBeDefined();
    expect(configValues(text)).toMatchObject({ data: { train: './my data: 1.jsonl' } });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
